"""What must be true of a produce payload before anybody looks at the partition."""

import struct

import pytest
from unit.records.raw import batch

from minikafka.protocol.errors import ErrorCode
from minikafka.records.validation import InvalidRecordsError, check_shape

GOOD = batch()
CORRUPT, INVALID = ErrorCode.CORRUPT_MESSAGE, ErrorCode.INVALID_RECORD


def with_length(length: int, body_bytes: int) -> bytes:
    return struct.pack(">qi", 0, length) + GOOD[12 : 12 + body_bytes]


def too_small(length: int) -> str:
    return f"Record size {length} is less than the minimum record overhead (14)"


REFUSED = {
    "null": (None, INVALID, ""),
    "empty": (b"", INVALID, ""),
    **{f"cut to {size}": (GOOD[:size], INVALID, "") for size in (1, 11, 12, 16, 17, 26, 60)},
    "last byte missing": (GOOD[:-1], INVALID, ""),
    "two batches": (GOOD + GOOD, INVALID, ""),
    "magic 0": (batch(magic=0), INVALID, ""),
    "magic 1": (batch(magic=1), INVALID, ""),
    "magic 1 and rubbish": (batch(magic=1) + bytes(30), INVALID, ""),
    "magic 3": (batch(magic=3), CORRUPT, "Invalid magic found in record: 3"),
    "magic 127": (batch(magic=127), CORRUPT, "Invalid magic found in record: 127"),
    "magic -1": (batch(magic=-1), CORRUPT, "Invalid magic found in record: -1"),
    "magic 3, cut behind it": (batch(magic=3)[:17], CORRUPT, "Invalid magic found in record: 3"),
    "magic 3, cut before it": (batch(magic=3)[:16], INVALID, ""),
    **{
        f"length {length}": (with_length(length, 56), CORRUPT, too_small(length))
        for length in (-(2**31), -1, 0, 13)
    },
    # Kafka answers -1 to the shorter half of these, for its request handler reads past their end.
    **{
        f"length {n} below a header": (with_length(n, n), CORRUPT, "") for n in (14, 20, 38, 39, 48)
    },
    **{f"{n} zeros behind": (GOOD + bytes(n), CORRUPT, "") for n in (12, 16, 17, 60)},
    "magic 9 behind": (GOOD + GOOD[:16] + b"\x09", CORRUPT, ""),
}


@pytest.mark.parametrize(("payload", "code", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("version", [3, 12])
def test_refused(payload: bytes | None, code: ErrorCode, message: str, version: int) -> None:
    records = None if payload is None else memoryview(bytearray(payload))
    with pytest.raises(InvalidRecordsError) as caught:
        check_shape(records, version)
    assert caught.value.code == code
    assert caught.value.message == message
    assert caught.value.before_log
    assert caught.value.record_errors == []


DROPPED_TAILS = {
    "nothing": b"",
    "less than a length": bytes(11),
    "a cut batch without magic": GOOD[:16],
    "a cut batch of an impossible magic, cut before it": GOOD[:16],
    "a cut batch": GOOD[:60],
    "a cut batch of magic 1": GOOD[:16] + b"\x01" + GOOD[17:20],
}


@pytest.mark.parametrize("tail", DROPPED_TAILS.values(), ids=DROPPED_TAILS)
def test_a_tail_that_is_no_whole_batch_is_dropped(tail: bytes) -> None:
    payload = memoryview(bytearray(GOOD + tail))
    kept = check_shape(payload, 12)
    assert kept == GOOD
    kept[0] = 7
    assert payload[0] == 7, "it is a view of what was sent, not a copy"


@pytest.mark.parametrize("version", [3, 4, 5, 6])
@pytest.mark.parametrize("tail", [b"", GOOD, bytes(30)])
def test_zstd_needs_produce_7_and_is_noticed_before_what_follows(version: int, tail: bytes) -> None:
    with pytest.raises(InvalidRecordsError) as caught:
        check_shape(memoryview(bytearray(batch(attributes=4, crc=1) + tail)), version)
    assert caught.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert caught.value.before_log


def test_zstd_from_produce_7_on() -> None:
    zstd = batch(attributes=4)
    assert check_shape(memoryview(bytearray(zstd)), 7) == zstd


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 5, 6, 7])
def test_other_codecs_are_no_matter_of_the_version(codec: int) -> None:
    payload = batch(attributes=codec)
    assert check_shape(memoryview(bytearray(payload)), 3) == payload
