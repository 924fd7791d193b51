"""Batches that a topic stores in another codec than the producer chose."""

import pytest
from unit.records.raw import WALL_MS, batch, gzip, gzipped, record, sized, varint

from minikafka.protocol.errors import ErrorCode
from minikafka.records.batch import BatchHeader, assign_offsets, has_valid_crc, read_header
from minikafka.records.compression import CODEC_NAMES, compress
from minikafka.records.record import decode_records
from minikafka.records.validation import InvalidRecordsError, ProduceRules, validate

CODECS = {"uncompressed": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
TWO = [record(0, delta=0, key=None), record(1, delta=3, headers=[(b"h", None), (b"h", b"x")])]


def convert(payload: bytes, codec: str, **more: object) -> tuple[memoryview, BatchHeader]:
    rules = ProduceRules(compression_type=codec, **more)  # type: ignore[arg-type]
    stored, header = validate(memoryview(bytearray(payload)), rules, WALL_MS, "t-0")
    assert has_valid_crc(stored)
    assert header == read_header(stored)
    assert header.size_bytes == len(stored)
    return stored, header


@pytest.mark.parametrize("sent", CODECS.values())
@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_into_every_other(sent: int, codec: str) -> None:
    payload = batch(
        TWO,
        compress=lambda body: compress(sent, body),
        attributes=sent,
        max_timestamp=WALL_MS + 3,
        producer_id=7,
        producer_epoch=1,
        base_sequence=5,
    )
    stored, header = convert(payload, codec)
    assert header.codec == CODECS[codec] == CODEC_NAMES[codec]
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (7, 1, 5)
    assert (header.base_timestamp, header.max_timestamp) == (WALL_MS, WALL_MS + 3)
    assert (header.record_count, header.last_offset_delta) == (2, 1)
    assert decode_records(stored) == decode_records(payload)
    if sent == CODECS[codec]:
        assert stored == payload
    assign_offsets(stored, 40, 3)
    assert has_valid_crc(stored)


def test_offsets_are_numbered_anew() -> None:
    stored, _ = convert(gzipped([record(5), record(0), record(9)]), "uncompressed")
    assert stored[61:] == b"".join(record(index) for index in range(3))


def test_the_first_timestamp_becomes_the_base() -> None:
    sent = gzipped([record(0, delta=5, attributes=255), record(9, delta=3)])
    stored, header = convert(sent, "uncompressed")
    assert header.base_timestamp == header.max_timestamp == WALL_MS + 5
    assert stored[61:] == record(0) + record(1, delta=-2)


def test_more_records_than_one_byte_counts() -> None:
    records = [record(index, delta=index % 100) for index in range(300)]
    stored, _ = convert(gzipped(records), "uncompressed")
    assert stored[61:] == b"".join(records)
    stored, _ = convert(gzipped([record(7, delta=n % 100) for n in range(300)]), "uncompressed")
    assert stored[61:] == b"".join(records)


def test_unknown_attributes_and_the_delete_horizon_go() -> None:
    sent = batch(attributes=0x7FC0)
    _, header = convert(sent, "gzip")
    assert header.attributes == 1
    _, header = convert(gzipped(attributes=0x7FC1), "uncompressed")
    assert header.attributes == 0


def test_transactional_stays() -> None:
    sent = batch(attributes=0x10, producer_id=7, producer_epoch=0, base_sequence=0)
    _, header = convert(sent, "gzip")
    assert header.attributes == 0x11


def test_log_append_time() -> None:
    sent = gzipped([record(0, delta=5), record(1, delta=3)], base_timestamp=1000)
    stored, header = convert(sent, "uncompressed", timestamp_type="LogAppendTime")
    assert (header.timestamp_type, header.max_timestamp) == (1, WALL_MS)
    assert header.base_timestamp == 1005
    assert stored[61:] == record(0) + record(1, delta=-2)


def test_log_append_time_of_the_producer_becomes_each_records_own() -> None:
    sent = batch([record(0, delta=5), record(1, delta=3)], attributes=8, max_timestamp=WALL_MS + 50)
    stored, header = convert(sent, "gzip")
    assert (header.timestamp_type, header.max_timestamp) == (0, WALL_MS + 50)
    assert {each.timestamp for each in decode_records(stored)} == {WALL_MS + 50}


def test_no_timestamp_stays_none() -> None:
    _, header = convert(batch(base_timestamp=-1), "gzip")
    assert (header.base_timestamp, header.max_timestamp) == (-1, -1)


REFUSED = {
    "transactional without producer": batch(attributes=0x10),
    "producer without epoch": batch(producer_id=5, base_sequence=0),
    "producer id below -1": batch(producer_id=-5),
    "negative timestamp": batch(base_timestamp=-2),
    "negative timestamp among others": batch([record(), record(1, delta=-WALL_MS - 2)]),
}


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("timestamp_type", ["CreateTime", "LogAppendTime"])
def test_what_kafka_stores_but_does_not_write(payload: bytes, timestamp_type: str) -> None:
    with pytest.raises(InvalidRecordsError) as caught:
        convert(payload, "gzip", timestamp_type=timestamp_type)
    assert caught.value.code == ErrorCode.UNKNOWN_SERVER_ERROR
    assert (caught.value.before_log, caught.value.message) == (False, "")


MALFORMED = {
    "length negative": [record(length=-1), record(1)],
    "length 0": [record(length=0), record(1)],
    "length one more": [record(length=9), record(1)],
    "length one less": [record(length=7), record(1)],
    "length of the last one more": [record(), record(1, length=9)],
    "header count negative": [record(header_count=-1)],
    "header without key": [record(headers=[(None, b"b")])],
    "value past the record": [sized(b"\x00\x00\x00\x02k" + varint(3) + b"v\x00"), record(1)],
    "length is no varint": [b"\xff" * 6 + record()[1:]],
}


@pytest.mark.parametrize("records", MALFORMED.values(), ids=MALFORMED)
def test_here_records_must_fill_their_length(records: list[bytes]) -> None:
    with pytest.raises(InvalidRecordsError) as caught:
        convert(gzipped(records), "uncompressed")
    assert caught.value.code == ErrorCode.INVALID_RECORD


def test_undecodable_data() -> None:
    cut = batch(TWO, compress=lambda body: gzip(body)[:-9], attributes=1)
    with pytest.raises(InvalidRecordsError) as caught:
        convert(cut, "lz4")
    assert caught.value.code == ErrorCode.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize(
    ("codec", "setting", "low", "high"),
    [("gzip", "gzip_level", 1, 9), ("zstd", "zstd_level", 1, 19), ("lz4", "lz4_level", 1, 17)],
)
def test_levels(codec: str, setting: str, low: int, high: int) -> None:
    text = b" ".join(b"%d %x" % (n * n, n * 7919) for n in range(4000))
    payload = batch([record(value=text)])
    sizes = {level: len(convert(payload, codec, **{setting: level})[0]) for level in (low, high)}
    assert sizes[high] < sizes[low]
