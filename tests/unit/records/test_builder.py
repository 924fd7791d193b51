"""Batches as we write them, and records as we read them."""

import pytest
from unit.records.raw import WALL_MS, batch, gzip, record, sized

from minikafka.records.batch import has_valid_crc, read_header
from minikafka.records.builder import build_batch
from minikafka.records.compression import Codec
from minikafka.records.errors import CorruptRecordError, DecompressionLimitError
from minikafka.records.record import Record, decode_records

FIELDS = [
    (WALL_MS, b"k", b"v", ()),
    (WALL_MS + 3, None, b"", [("h", None), ("", b""), ("h", b"x" * 100)]),
    (WALL_MS - 70, b"", None, (("\u00e9", b"1"),)),
    (WALL_MS + 100_000, b"K" * 100, b"V" * 20_000, ()),
]


def test_the_bytes_of_a_batch() -> None:
    built = build_batch(FIELDS[:2])
    by_hand = batch(
        [
            record(),
            record(
                1,
                delta=3,
                key=None,
                value=b"",
                headers=[(b"h", None), (b"", b""), (b"h", b"x" * 100)],
            ),
        ],
        max_timestamp=WALL_MS + 3,
    )
    assert built == by_hand


def test_every_header_field_can_be_set() -> None:
    built = build_batch(
        FIELDS,
        base_offset=50,
        leader_epoch=4,
        codec=Codec.GZIP,
        producer_id=9,
        producer_epoch=2,
        base_sequence=11,
        transactional=True,
        control=True,
        append_time=WALL_MS + 5,
    )
    header = read_header(built)
    assert has_valid_crc(built)
    assert header.size_bytes == len(built)
    assert (header.base_offset, header.partition_leader_epoch, header.magic) == (50, 4, 2)
    assert header.attributes == 0x39
    assert (header.last_offset, header.record_count) == (53, 4)
    assert (header.base_timestamp, header.max_timestamp) == (WALL_MS, WALL_MS + 5)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (9, 2, 11)
    assert header.last_sequence == 14
    assert [each.timestamp for each in decode_records(built)] == [WALL_MS + 5] * 4


@pytest.mark.parametrize("codec", list(Codec))
def test_what_was_written_is_read(codec: Codec) -> None:
    built = build_batch(FIELDS, base_offset=50, codec=codec)
    assert read_header(built).max_timestamp == WALL_MS + 100_000
    assert decode_records(memoryview(built)) == [
        Record(50 + index, timestamp, key, value, tuple(headers))
        for index, (timestamp, key, value, headers) in enumerate(FIELDS)
    ]


def test_the_level_reaches_the_codec() -> None:
    text = [(0, None, b" ".join(b"%d" % n for n in range(3000)), ())]
    sizes = [len(build_batch(text, codec=Codec.GZIP, level=level)) for level in (1, 9)]
    assert sizes[0] != sizes[1]


def test_many_records() -> None:
    fields = [(WALL_MS + index, b"%d" % index, None, ()) for index in range(20_000)]
    records = decode_records(build_batch(fields))
    assert [(each.offset, each.key) for each in records] == [
        (index, b"%d" % index) for index in range(20_000)
    ]


def test_offsets_and_timestamps_come_from_the_deltas() -> None:
    compacted = batch(
        [record(3, delta=-5), record(7, delta=9)],
        base_offset=100,
        last_offset_delta=9,
        attributes=0x40,
    )
    assert [each[:2] for each in decode_records(compacted)] == [
        (103, WALL_MS - 5),
        (107, WALL_MS + 9),
    ]


def test_a_batch_that_compaction_emptied() -> None:
    assert decode_records(batch(body=b"", count=0, last_offset_delta=4)) == []


def test_timestamps_wrap_as_in_java() -> None:
    assert decode_records(batch([record(delta=2**62)], base_timestamp=2**62))[0].timestamp == -(
        2**63
    )


def test_header_keys_that_are_no_utf8() -> None:
    assert decode_records(batch([record(headers=[(b"a\xff", None)])]))[0].headers == (
        ("a\ufffd", None),
    )


CORRUPT = {
    "no header": batch()[:60],
    "cut": batch()[:-1],
    "longer than announced": batch() + b"x",
    "negative count": batch(count=-1),
    "more records announced": batch(count=2),
    "fewer records announced": batch([record(), record(1)], count=1),
    "record too long": batch([record(length=9)]),
    "record too short": batch([record(length=7)]),
    "value past the end": batch([sized(b"\x00\x00\x00\x01\x64v\x00")]),
    "header count": batch([record(header_count=3)]),
    "negative header count": batch([record(header_count=-3)]),
    "header without key": batch([record(headers=[(None, b"")])]),
    "overlong varint": batch([sized(b"\x00\x00" + b"\xff" * 6 + b"\x01\x01\x00")]),
    "overlong varlong": batch([sized(b"\x00" + b"\xff" * 11 + b"\x00\x01\x01\x00")]),
    "not compressed": batch(attributes=1),
    "unknown codec": batch(attributes=6),
}


@pytest.mark.parametrize("wrong", CORRUPT.values(), ids=CORRUPT)
def test_corrupt(wrong: bytes) -> None:
    with pytest.raises(CorruptRecordError):
        decode_records(wrong)


def test_decompression_is_bounded() -> None:
    bomb = batch([record(value=bytes(1 << 20))], compress=gzip, attributes=1)
    with pytest.raises(DecompressionLimitError):
        decode_records(bomb, limit_bytes=1 << 20)
    assert len(decode_records(bomb, limit_bytes=2 << 20)) == 1
