"""What a leader accepts, and how it refuses: measured on Apache Kafka 4.3, case by case."""

import struct
import sys
import zlib
from typing import Any

import pytest
from unit.records.raw import WALL_MS, batch, gzip, gzipped, record, sized, varint

from minikafka.protocol.errors import ErrorCode
from minikafka.records.batch import BatchHeader, has_valid_crc, read_header, rewrite_crc
from minikafka.records.errors import MissingExtraError
from minikafka.records.record import decode_records
from minikafka.records.validation import InvalidRecordsError, ProduceRules, validate

UNKNOWN, INVALID = ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.INVALID_RECORD
CORRUPT, TOO_LARGE = ErrorCode.CORRUPT_MESSAGE, ErrorCode.MESSAGE_TOO_LARGE
TIMESTAMP, LIST_TOO_LARGE = ErrorCode.INVALID_TIMESTAMP, ErrorCode.RECORD_LIST_TOO_LARGE

PLAIN = ProduceRules()
COMPACTED = ProduceRules(compacted=True)
LOG_APPEND = ProduceRules(timestamp_type="LogAppendTime")
TO_NONE = ProduceRules(compression_type="uncompressed")
TO_GZIP = ProduceRules(compression_type="gzip")
SMALL = ProduceRules(max_message_bytes=2000)
HOUR_MS = 3_600_000
FAR = 10 * HOUR_MS
EARLIEST, LATEST = WALL_MS - (2**63 - 1), WALL_MS + HOUR_MS
TWO = [record(0), record(1)]

SUMMARY_OF_TIMESTAMPS = "One or more records have been rejected due to invalid timestamp"


def accept(payload: bytes, rules: ProduceRules = PLAIN) -> tuple[bytes, BatchHeader]:
    stored, header = validate(memoryview(bytearray(payload)), rules, WALL_MS, "t-0")
    assert header == read_header(stored)
    assert has_valid_crc(stored)
    assert header.size_bytes == len(stored)
    return bytes(stored), header


def refuse(payload: bytes, rules: ProduceRules = PLAIN) -> InvalidRecordsError:
    with pytest.raises(InvalidRecordsError) as caught:
        validate(memoryview(bytearray(payload)), rules, WALL_MS, "t-0")
    return caught.value


# Refusals without record errors: (payload, rules, code, before_log).

HEADERS: dict[str, tuple[bytes, ProduceRules, ErrorCode, bool]] = {
    "wrong crc": (batch(crc=1), PLAIN, CORRUPT, True),
    "base offset": (batch(base_offset=1), PLAIN, INVALID, False),
    "record count 0": (batch(count=0, last_offset_delta=-1), PLAIN, INVALID, False),
    "record count 0 with an offset": (batch(count=0, last_offset_delta=0), PLAIN, INVALID, False),
    "record count -1": (batch(count=-1), PLAIN, INVALID, False),
    "more records announced": (batch(count=2), PLAIN, INVALID, False),
    "fewer records announced": (batch(TWO, count=1), PLAIN, INVALID, False),
    "last offset delta": (batch(last_offset_delta=5), PLAIN, INVALID, False),
    "last offset delta -1": (batch(last_offset_delta=-1), PLAIN, INVALID, False),
    "control bit": (batch(attributes=0x20), PLAIN, INVALID, False),
    "producer without sequence": (batch(producer_id=5, producer_epoch=0), PLAIN, INVALID, False),
    **{f"codec {n}": (batch(attributes=n), PLAIN, UNKNOWN, False) for n in (5, 6, 7)},
    "too large": (batch([record(value=bytes(3000))]), SMALL, TOO_LARGE, True),
    "larger than a segment": (
        batch([record(value=bytes(3000))]),
        ProduceRules(segment_bytes=2000),
        LIST_TOO_LARGE,
        True,
    ),
}
ORDER = {
    "offset before size": (
        batch([record(value=bytes(3000))], base_offset=1),
        SMALL,
        INVALID,
        False,
    ),
    "offset before crc": (batch(base_offset=1, crc=1), PLAIN, INVALID, False),
    "size before crc": (batch([record(value=bytes(3000))], crc=1), SMALL, TOO_LARGE, True),
    "crc before codec": (batch(attributes=7, crc=1), PLAIN, CORRUPT, True),
    "codec before counts": (batch(attributes=7, count=0), PLAIN, UNKNOWN, False),
    "size as sent, whatever the topic makes of it": (
        batch([record(value=bytes(3000))]),
        ProduceRules(max_message_bytes=2000, compression_type="gzip"),
        TOO_LARGE,
        True,
    ),
    "records before segment size": (
        batch([record(value=bytes(3000), header_count=-1)]),
        ProduceRules(segment_bytes=2000),
        INVALID,
        False,
    ),
    "records before size after conversion": (
        gzipped([record(value=bytes(5000), header_count=-1)]),
        ProduceRules(max_message_bytes=2000, compression_type="uncompressed"),
        INVALID,
        False,
    ),
    "size after conversion": (
        gzipped([record(value=bytes(5000))]),
        ProduceRules(max_message_bytes=2000, compression_type="uncompressed"),
        TOO_LARGE,
        True,
    ),
    "structure before timestamps": (
        batch([record(delta=FAR), record(1, length=3)]),
        PLAIN,
        INVALID,
        False,
    ),
}
MALFORMED = {
    "length is no varint": (batch(body=b"\xff" * 6 + bytes(20)), UNKNOWN),
    "second length is no varint": (batch(body=record() + b"\xff" * 9, count=2), UNKNOWN),
    "first fault decides": (batch(body=record(length=3) + b"\xff" * 9, count=2), INVALID),
    "cut within a length": (batch(body=record() + b"\xff", count=2), INVALID),
    "no records": (batch(body=b"", count=1), INVALID),
    "length negative": (batch([record(length=-1)]), INVALID),
    "length 0": (batch([record(length=0)]), INVALID),
    "length one more": (batch([record(length=9)]), INVALID),
    "length one more, within the batch": (batch([record(length=9), record(1)]), INVALID),
    "length one less": (batch([record(length=7), record(1)]), INVALID),
    "timestamp is no varlong": (
        batch([sized(b"\x00" + b"\xff" * 10 + b"\x00\x00\x01\x01\x00")]),
        INVALID,
    ),
    "offset is no varint": (
        batch([sized(b"\x00\x00" + b"\xff" * 5 + b"\x00\x01\x01\x00")]),
        INVALID,
    ),
    "value longer than the record": (
        batch([sized(b"\x00\x00\x00\x01" + varint(3) + b"v\x00"), record(1)]),
        INVALID,
    ),
    "header count negative": (batch([record(header_count=-1)]), INVALID),
    "header count too high": (batch([record(header_count=5)]), INVALID),
    "header count too low": (
        batch([record(headers=[(b"a", b"b"), (b"c", None)], header_count=1)]),
        INVALID,
    ),
    "header without key": (batch([record(headers=[(None, b"b")])]), INVALID),
    "bytes behind the fields": (batch([record(tail=b"x"), record(1)]), INVALID),
    "bytes left over": (batch(body=record() + b"\x00", count=1), INVALID),
}


@pytest.mark.parametrize(
    ("payload", "rules", "code", "before_log"),
    [*HEADERS.values(), *ORDER.values()],
    ids=[*HEADERS, *ORDER],
)
def test_refused_without_words(
    payload: bytes, rules: ProduceRules, code: ErrorCode, before_log: bool
) -> None:
    error = refuse(payload, rules)
    assert (error.code, error.before_log) == (code, before_log)
    assert (error.message, error.record_errors) == ("", [])


@pytest.mark.parametrize(("payload", "code"), MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("rules", [PLAIN, COMPACTED, LOG_APPEND, TO_NONE, TO_GZIP])
def test_uncompressed_records_that_do_not_fit(
    payload: bytes, code: ErrorCode, rules: ProduceRules
) -> None:
    error = refuse(payload, rules)
    assert (error.code, error.before_log) == (code, False)
    assert (error.message, error.record_errors) == ("", [])


ACCEPTED = {
    "plain": batch(TWO),
    "offset deltas are not looked at": batch([record(5), record(5)]),
    "record attributes": batch([record(attributes=0xFF)]),
    "null key and value": batch([record(key=None, value=None)]),
    "any negative length is null": batch(
        [sized(b"\x00\x00\x00" + varint(-7) + varint(-9) + b"\x00")]
    ),
    "headers": batch([record(headers=[(b"", b""), (b"c", None), (b"\xff", b"1")])]),
    "padded varint": batch(body=bytes((record()[0] | 0x80, 0)) + record()[1:], count=1),
    "surplus bits of a varint": batch(body=b"\x90\x80\x80\x80\x70" + record()[1:], count=1),
    "producer id below -1": batch(producer_id=-5),
    "producer without epoch": batch(producer_id=5, base_sequence=0),
    "sequence without producer": batch(base_sequence=7, producer_epoch=3),
    "transactional without producer": batch(attributes=0x10),
    "timestamp -1": batch(base_timestamp=-1),
    "largest size": batch([record(value=bytes(1929))]),
    "unknown attributes, honest header": batch(attributes=0x7FC0),
    "gzip": gzipped(TWO),
}


@pytest.mark.parametrize("payload", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted_as_it_was_sent(payload: bytes) -> None:
    rules = ProduceRules(max_message_bytes=2000, segment_bytes=2000)
    assert len(ACCEPTED["largest size"]) == 2000
    stored, _ = accept(payload, rules)
    assert stored == payload


# The header leaves honest.


@pytest.mark.parametrize("claimed", [5, -1, WALL_MS + 2 * HOUR_MS, WALL_MS + 6, WALL_MS + 8])
@pytest.mark.parametrize("count", [2, 40])
def test_the_largest_timestamp_is_that_of_the_records(claimed: int, count: int) -> None:
    records = [record(index, delta=7 if index == 1 else 3) for index in range(count)]
    stored, header = accept(batch(records, max_timestamp=claimed))
    assert header.max_timestamp == WALL_MS + 7
    assert stored[61:] == b"".join(records)


def test_timestamps_below_minus_one_leave_the_largest_at_minus_one() -> None:
    _, header = accept(batch([record(delta=-5)], base_timestamp=-10, max_timestamp=0))
    assert header.max_timestamp == -1


def test_rewriting_a_header_drops_unknown_attributes() -> None:
    _, header = accept(batch(attributes=0x7FC0, max_timestamp=5))
    assert header.attributes == 0x40


@pytest.mark.parametrize("compressed", [False, True])
def test_log_append_time(compressed: bool) -> None:
    records = [record(0, delta=5), record(1, delta=FAR)]
    make = gzipped if compressed else batch
    sent = make(records, base_timestamp=1000, max_timestamp=3)
    stored, header = accept(sent, LOG_APPEND)
    assert (header.max_timestamp, header.timestamp_type) == (WALL_MS, 1)
    assert header.base_timestamp == 1000
    assert stored[61:] == sent[61:]
    assert [each.timestamp for each in decode_records(stored)] == [WALL_MS, WALL_MS]


@pytest.mark.parametrize("make", [batch, gzipped])
def test_log_append_time_set_by_the_producer_is_corrected(make: Any) -> None:
    sent = make([record(delta=7)], max_timestamp=WALL_MS + 100)
    bit_set = bytearray(sent)
    bit_set[22] |= 8
    stored, header = accept(recrc(bytes(bit_set)))
    assert (header.timestamp_type, header.max_timestamp) == (0, WALL_MS + 100)
    assert stored == sent if make is gzipped else stored[61:] == sent[61:]


def recrc(payload: bytes) -> bytes:
    changed = bytearray(payload)
    rewrite_crc(changed)
    return bytes(changed)


# Refusals of single records.


def window_text(timestamp: int, offset: int = 0, earliest: int = EARLIEST) -> str:
    return (
        f"Timestamp {timestamp} of message with offset {offset} is out of range. "
        f"The timestamp should be within [{earliest}, {LATEST}]"
    )


def type_text(timestamp: int, kind: str = "DefaultRecord") -> str:
    return (
        f"Invalid timestamp type in message {kind}(offset=0, timestamp={timestamp}, key=1 bytes, "
        "value=1 bytes). Producer should not set timestamp type to LogAppendTime."
    )


NO_KEY = "Compacted topic cannot accept message without key in topic partition t-0"


def no_keys(count: int) -> str:
    shown = ", ".join(
        f"RecordError(batchIndex={n}, message='{NO_KEY}')" for n in range(min(count, 3))
    )
    return (
        f"One or more records have been rejected due to {count} record errors in total, "
        f"and only showing the first three errors at most: [{shown}]"
    )


def keyless(count: int) -> list[bytes]:
    return [record(index, key=None) for index in range(count)]


RECORD_ERRORS: dict[str, tuple[bytes, ProduceRules, ErrorCode, str, list[tuple[int, str]]]] = {
    "too far in the future": (
        batch([record(delta=FAR), record(1), record(2, delta=FAR + 1)]),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(WALL_MS + FAR)), (2, window_text(WALL_MS + FAR + 1, 2))],
    ),
    "one millisecond too far": (
        batch([record(delta=HOUR_MS + 1)]),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(LATEST + 1))],
    ),
    "too far in the past": (
        batch([record(delta=-1001), record(1, delta=-1000)]),
        ProduceRules(before_max_ms=1000),
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(WALL_MS - 1001, earliest=WALL_MS - 1000))],
    ),
    "-2 is a time, -1 is none": (
        batch([record(delta=-1), record(1)], base_timestamp=-1),
        ProduceRules(before_max_ms=1000),
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(-2, earliest=WALL_MS - 1000))],
    ),
    "before the range of a difference": (
        batch(base_timestamp=-(2**63)),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(-(2**63)))],
    ),
    "sum that wraps": (
        batch([record(delta=1)], base_timestamp=2**63 - 1),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(-(2**63)))],
    ),
    "a header that lies low does not help": (
        batch([record(delta=FAR)], max_timestamp=WALL_MS),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(WALL_MS + FAR))],
    ),
    "header time of all records too far": (
        batch(attributes=8, max_timestamp=WALL_MS + FAR),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, window_text(WALL_MS + FAR))],
    ),
    "log append time without a time": (
        batch(attributes=8, max_timestamp=-1),
        PLAIN,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, type_text(-1))],
    ),
    "log append time is the topic's to set": (
        batch(attributes=8),
        LOG_APPEND,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, type_text(WALL_MS))],
    ),
    "the same, compressed": (
        gzipped(attributes=9),
        LOG_APPEND,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, type_text(WALL_MS, "PartialDefaultRecord"))],
    ),
    "compacted topic, one null key": (
        batch([record(), record(1, key=None)]),
        COMPACTED,
        INVALID,
        no_keys(1).replace("batchIndex=0", "batchIndex=1"),
        [(1, NO_KEY)],
    ),
    "compacted topic, five null keys": (
        batch(keyless(5)),
        COMPACTED,
        INVALID,
        no_keys(5),
        [(index, NO_KEY) for index in range(5)],
    ),
    "compacted topic, many null keys": (
        batch(keyless(50)),
        COMPACTED,
        INVALID,
        no_keys(50),
        [(index, NO_KEY) for index in range(50)],
    ),
    "compacted topic, compressed": (
        gzipped(keyless(2)),
        COMPACTED,
        INVALID,
        no_keys(2),
        [(0, NO_KEY), (1, NO_KEY)],
    ),
    "compacted topic, null keys and times": (
        batch([record(key=None), record(1, delta=FAR), record(2, key=None, delta=FAR)]),
        COMPACTED,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(0, NO_KEY), (1, window_text(WALL_MS + FAR, 1)), (2, NO_KEY)],
    ),
    "recompressed": (
        gzipped([record(), record(7, delta=FAR)]),
        TO_NONE,
        TIMESTAMP,
        SUMMARY_OF_TIMESTAMPS,
        [(1, window_text(WALL_MS + FAR, 7))],
    ),
}


@pytest.mark.parametrize(
    ("payload", "rules", "code", "message", "record_errors"),
    RECORD_ERRORS.values(),
    ids=RECORD_ERRORS,
)
def test_refused_with_record_errors(
    payload: bytes,
    rules: ProduceRules,
    code: ErrorCode,
    message: str,
    record_errors: list[tuple[int, str]],
) -> None:
    error = refuse(payload, rules)
    assert (error.code, error.before_log) == (code, False)
    assert error.message == message
    assert error.record_errors == record_errors


@pytest.mark.parametrize("delta", [0, HOUR_MS, -1000])
def test_the_edges_of_the_window_are_inside(delta: int) -> None:
    accept(batch([record(delta=delta)]), ProduceRules(before_max_ms=1000))


def test_no_timestamp_is_no_violation() -> None:
    accept(batch(base_timestamp=-1), ProduceRules(before_max_ms=1000))


def test_the_list_of_record_errors_is_bounded() -> None:
    error = refuse(gzipped(keyless(12_000)), COMPACTED)
    assert len(error.record_errors) == 10_000
    assert "due to 12000 record errors" in error.message


# Compressed batches that keep their codec.

HEADER_ONLY = {
    "leftover bytes": gzipped(body=b"".join(TWO) + b"\x00", count=2),
    "offsets out of order": gzipped([record(5), record(0)]),
    "missing record": gzipped(TWO, count=3),
    "not gzip at all": batch(TWO, attributes=1),
    "nothing": batch(body=b"", attributes=1, count=1),
    **{f"codec {codec} of rubbish": batch(TWO, attributes=codec) for codec in (2, 3, 4)},
}
HEADER_ONLY = {name: recrc(payload) for name, payload in HEADER_ONLY.items()}


@pytest.mark.parametrize("payload", HEADER_ONLY.values(), ids=HEADER_ONLY)
def test_compressed_records_are_not_looked_at(payload: bytes) -> None:
    """Our documented rule; Kafka opens every batch and refuses these."""
    stored, _ = accept(payload)
    assert stored == payload


OPENED: dict[str, tuple[bytes, ErrorCode | None]] = {
    "good": (gzipped(TWO), None),
    "many": (gzipped([record(index) for index in range(9000)]), None),
    "offsets out of order": (gzipped([record(5), record(0)]), UNKNOWN),
    "padded offset": (gzipped([sized(b"\x00\x00\x80\x00\x02k\x01\x00")]), None),
    "leftover bytes": (gzipped(body=b"".join(TWO) + b"\x00", count=2), INVALID),
    "leftover record": (gzipped(body=b"".join([*TWO, record(2)]), count=2), INVALID),
    "missing record": (gzipped(TWO, count=3), INVALID),
    "empty": (gzipped(body=b"", count=1), INVALID),
    **{
        f"record length {length} is not looked at": (gzipped([record(length=length), TWO[1]]), None)
        for length in (-1, 0, 7, 9, 2**31 - 1)
    },
    "wrong length and wrong offset": (gzipped([record(5, length=9), TWO[1]]), UNKNOWN),
    "length is no varint": (gzipped(body=b"\xff" * 6 + record()[1:], count=1), INVALID),
    "header count -1": (gzipped([record(header_count=-1)]), INVALID),
    "header count too high": (gzipped([record(header_count=2**31 - 1)]), INVALID),
    "header without key": (gzipped([record(headers=[(None, b"b")])]), INVALID),
    "value past the end": (gzipped([sized(b"\x00\x00\x00\x02k" + varint(50) + b"v\x00")]), INVALID),
    "bytes behind the fields": (gzipped([record(tail=b"abc"), TWO[1]]), INVALID),
    "not gzip": (batch(TWO, attributes=1), UNKNOWN),
    "nothing to decompress": (batch(body=b"", attributes=1, count=1), UNKNOWN),
    "cut gzip": (batch(TWO, compress=lambda body: gzip(body)[:-8], attributes=1), UNKNOWN),
    "bytes behind the gzip member": (
        batch(TWO, compress=lambda body: gzip(body) + b"rubbish", attributes=1),
        None,
    ),
    "null key": (gzipped([record(key=None, length=3)]), INVALID),
}


@pytest.mark.parametrize(("payload", "code"), OPENED.values(), ids=OPENED)
def test_compressed_records_of_a_compacted_topic(payload: bytes, code: ErrorCode | None) -> None:
    if code is None:
        stored, _ = accept(payload, COMPACTED)
        assert stored == payload
    else:
        error = refuse(payload, COMPACTED)
        assert (error.code, error.before_log) == (code, False)


@pytest.mark.parametrize("attributes", [1, 9])
def test_a_compressed_batch_is_opened_when_its_header_would_be_refused(attributes: int) -> None:
    lying = gzipped(TWO, max_timestamp=WALL_MS + 2 * HOUR_MS)
    _, header = accept(lying)
    assert header.max_timestamp == WALL_MS
    true = gzipped([record(delta=FAR)], max_timestamp=WALL_MS + FAR, attributes=attributes)
    error = refuse(true)
    assert error.code == TIMESTAMP
    assert error.record_errors == [(0, window_text(WALL_MS + FAR))]


def test_without_the_extra_compressed_batches_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("cramjam", "lz4", "lz4.frame"):
        monkeypatch.setitem(sys.modules, package, None)
    for codec in (2, 3, 4):
        sent = batch(TWO, attributes=codec)
        stored, _ = accept(sent)
        assert stored == sent
        for rules in (COMPACTED, TO_NONE):
            with pytest.raises(
                MissingExtraError, match=r"pip install minikafka\[compression\]"
            ) as e:
                validate(memoryview(bytearray(sent)), rules, WALL_MS)
            assert e.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
        late = refuse(batch(TWO, attributes=codec, max_timestamp=WALL_MS + FAR))
        assert late.code == TIMESTAMP
        assert late.record_errors == [(0, window_text(WALL_MS + FAR))]


def test_a_bomb_is_refused() -> None:
    squeeze = zlib.compressobj(1, wbits=31)
    mebibyte = bytes(1 << 20)
    bomb = b"".join([squeeze.compress(mebibyte) for _ in range(101)] + [squeeze.flush()])
    error = refuse(batch(body=bomb, attributes=1, count=1), COMPACTED)
    assert (error.code, error.before_log) == (TOO_LARGE, True)


def test_a_batch_is_validated_in_place() -> None:
    frame = bytearray(b"before" + batch(max_timestamp=5) + b"after")
    stored, _ = validate(memoryview(frame)[6:-5], PLAIN, WALL_MS)
    assert stored.obj is frame
    assert struct.unpack_from(">q", frame, 6 + 35) == (WALL_MS,)
    assert frame[:6] == b"before"
    assert frame[-5:] == b"after"
