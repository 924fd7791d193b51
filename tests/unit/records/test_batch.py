"""The header of a batch, and what a leader writes into it."""

import pytest
from unit.records.raw import WALL_MS, batch, record

from minikafka.protocol.errors import ErrorCode
from minikafka.records.batch import (
    HEADER_BYTES,
    assign_offsets,
    compute_crc,
    has_valid_crc,
    next_sequence,
    read_header,
    rewrite_crc,
    walk,
)
from minikafka.records.errors import CorruptRecordError

SENT = batch(
    [record(0), record(1), record(2)],
    attributes=0x0057,
    max_timestamp=WALL_MS + 9,
    producer_id=77,
    producer_epoch=3,
    base_sequence=2**31 - 2,
)


def test_every_field() -> None:
    header = read_header(b"???" + SENT, 3)
    assert header == (
        0,
        len(SENT) - 12,
        -1,
        2,
        compute_crc(SENT),
        0x57,
        2,
        WALL_MS,
        WALL_MS + 9,
        77,
        3,
        2**31 - 2,
        3,
    )
    assert header.size_bytes == len(SENT)
    assert (header.last_offset, header.next_offset) == (2, 3)
    assert header.last_sequence == 0, "sequences wrap"
    assert header.codec == 7
    assert header.timestamp_type == 0
    assert header.is_transactional
    assert not header.is_control
    assert header.has_delete_horizon


def test_other_attributes() -> None:
    header = read_header(batch(attributes=0x28))
    assert (header.codec, header.timestamp_type) == (0, 1)
    assert header.is_control
    assert not header.is_transactional
    assert not header.has_delete_horizon
    assert header.last_sequence == -1


@pytest.mark.parametrize(
    ("sequence", "increment", "expected"),
    [
        (0, 0, 0),
        (5, 3, 8),
        (2**31 - 1, 0, 2**31 - 1),
        (2**31 - 1, 1, 0),
        (2**31 - 2, 2, 0),
        (2**31 - 2, 5, 3),
    ],
)
def test_sequences_wrap_past_the_largest_int32(
    sequence: int, increment: int, expected: int
) -> None:
    assert next_sequence(sequence, increment) == expected


def test_offset_and_epoch_are_assigned_in_place_outside_of_the_crc() -> None:
    frame = bytearray(SENT + b"next")
    assign_offsets(memoryview(frame)[: len(SENT)], 2**40, 12)
    header = read_header(frame)
    assert (header.base_offset, header.partition_leader_epoch) == (2**40, 12)
    assert header.last_offset == 2**40 + 2
    assert frame[16:] == SENT[16:] + b"next"
    assert has_valid_crc(frame[: len(SENT)])


def test_the_crc_covers_attributes_to_the_end() -> None:
    for position in range(len(SENT)):
        changed = bytearray(SENT)
        changed[position] ^= 1
        assert has_valid_crc(changed) == (position < 17), position
        rewrite_crc(changed)
        assert has_valid_crc(changed)


def test_walk_yields_each_batch_and_stops_at_a_cut_one() -> None:
    second = batch([record(0), record(1)], base_offset=9)
    both = SENT + second
    expected = [(0, read_header(SENT)), (len(SENT), read_header(second))]
    assert list(walk(memoryview(both))) == expected
    assert list(walk(both, len(SENT))) == expected[1:]
    for cut in (1, HEADER_BYTES - 1, HEADER_BYTES, len(second) - 1):
        assert list(walk(both + second[:cut])) == expected
    assert list(walk(b"")) == []


@pytest.mark.parametrize(
    "wrong", [batch(magic=1), batch(magic=3), batch(length=48), batch(length=-1)]
)
def test_walk_refuses_what_is_no_v2_batch(wrong: bytes) -> None:
    steps = walk(SENT + wrong)
    assert next(steps)[0] == 0
    with pytest.raises(CorruptRecordError, match=f"at byte {len(SENT)}") as caught:
        next(steps)
    assert caught.value.code == ErrorCode.CORRUPT_MESSAGE
