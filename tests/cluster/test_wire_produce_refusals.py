"""Produce over a real socket: batches that are refused, and those that only look wrong.

The codes, texts and offsets are Kafka's; every test here also passes against Apache Kafka
(MINIKAFKA_INTEROP_TARGET=kafka), but for those that say so.
"""

import uuid
from collections.abc import Callable, Iterator
from struct import Struct

import pytest
from harness.broker import RunningBroker, Software, target
from harness.peer import (
    NOW_MS,
    Peer,
    Topic,
    batch_of,
    batch_of_size,
    batches_of,
    changed,
    records_of,
)

from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from minikafka.records.batch import (
    ATTRIBUTES_AT,
    BASE_OFFSET_AT,
    BASE_SEQUENCE_AT,
    BATCH_LENGTH_AT,
    CONTROL_BIT,
    CRC_AT,
    DELETE_HORIZON_BIT,
    HEADER_BYTES,
    INT16,
    INT32,
    INT64,
    LAST_OFFSET_DELTA_AT,
    MAGIC_AT,
    MAX_TIMESTAMP_AT,
    PRODUCER_ID_AT,
    RECORD_COUNT_AT,
    TIMESTAMP_TYPE_BIT,
    read_header,
    rewrite_crc,
)
from minikafka.records.builder import build_batch
from minikafka.records.compression import Codec

HOUR_MS = 3_600_000
ONE = batch_of(b"a")


@pytest.fixture
def peer(shared_broker: RunningBroker) -> Iterator[Peer]:
    with Peer(shared_broker.host, shared_broker.port) as connected:
        yield connected


@pytest.fixture
def make_topic(peer: Peer) -> Callable[..., Topic]:
    def make(**configs: str) -> Topic:
        named = {key.replace("_", "."): value for key, value in configs.items()}
        return Topic.create(peer, f"refusals-{uuid.uuid4()}", 1, named)

    return make


@pytest.fixture
def topic(make_topic: Callable[..., Topic]) -> Topic:
    """A topic with ten records of which three are deleted: its log start is not 0."""
    topic = make_topic()
    topic.produce(batch_of(*[b"%d" % n for n in range(10)]))
    partition = DeleteRecordsPartition(partition_index=0, offset=3)
    topic.peer.call(
        DeleteRecordsRequest(
            topics=[DeleteRecordsTopic(name=topic.name, partitions=[partition])], timeout_ms=5000
        ),
        2,
    )
    return topic


def with_bytes(at: int, value: bytes, *, honest_crc: bool = True) -> bytes:
    """A batch of two records with some bytes of it replaced."""
    batch = bytearray(batch_of(b"a", b"b"))
    batch[at : at + len(value)] = value
    if honest_crc:
        rewrite_crc(batch)
    return bytes(batch)


def with_field(at: int, layout: Struct, value: int) -> bytes:
    """A batch of two records with one field of its header replaced, and an honest CRC."""
    return with_bytes(at, layout.pack(value))


# --- refused before the log is looked at: no log start offset is told

BEFORE_THE_LOG = {
    "empty": (b"", 87, None),
    "header cut": (ONE[:30], 87, None),
    "cut": (ONE[:-1], 87, None),
    "two batches": (ONE + ONE, 87, None),
    "magic 0": (changed(ONE, MAGIC_AT, b"\0"), 87, None),
    "magic 1": (changed(ONE, MAGIC_AT, b"\1"), 87, None),
    "magic 3": (changed(ONE, MAGIC_AT, b"\3"), 2, "Invalid magic found in record: 3"),
    "magic -1": (changed(ONE, MAGIC_AT, b"\xff"), 2, "Invalid magic found in record: -1"),
    "crc": (changed(ONE, CRC_AT, bytes(4)), 2, None),
    "length 13": (
        changed(ONE, BATCH_LENGTH_AT, INT32.pack(13)),
        2,
        "Record size 13 is less than the minimum record overhead (14)",
    ),
    "length -1": (
        changed(ONE, BATCH_LENGTH_AT, INT32.pack(-1)),
        2,
        "Record size -1 is less than the minimum record overhead (14)",
    ),
    "length 14": (changed(ONE, BATCH_LENGTH_AT, INT32.pack(14)), 2, None),
    "length 48": (changed(ONE, BATCH_LENGTH_AT, INT32.pack(48)), 2, None),
    "too large": (batch_of_size(1_048_589), 10, None),
}


@pytest.mark.parametrize("case", BEFORE_THE_LOG)
def test_refused_before_the_log(topic: Topic, case: str) -> None:
    batch, code, message = BEFORE_THE_LOG[case]
    answer = topic.produce(batch)
    assert answer.error_code == code
    if message is not None:
        assert answer.error_message is not None
        assert message in answer.error_message
    assert (answer.base_offset, answer.log_append_time_ms) == (-1, -1)
    assert answer.log_start_offset == -1
    assert answer.record_errors == []
    assert topic.fetch(3).high_watermark == 10


def test_null_records_are_refused_where_kafka_says_nothing(topic: Topic) -> None:
    if target() is Software.APACHE:
        pytest.skip("Kafka's handler dies of it and the client waits for ever")
    assert topic.produce(None).error_code == 87
    assert topic.produce(None, acks=1).error_code == 87
    assert topic.produce(ONE).base_offset == 10


@pytest.mark.parametrize("version", [3, 6, 7])
def test_zstd_needs_version_7(topic: Topic, version: int) -> None:
    answer = topic.produce(batch_of(b"a" * 100, codec=Codec.ZSTD), version)
    assert answer.error_code == (76 if version < 7 else 0)


def test_a_batch_beyond_a_segment_has_a_code_of_its_own(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic(segment_bytes="1048576", max_message_bytes="2000000")
    answer = topic.produce(batch_of_size(1_048_577))
    assert (answer.error_code, answer.log_start_offset) == (18, -1)
    assert topic.produce(batch_of_size(1_048_576)).error_code == 0


def test_internal_topics_are_for_the_admin_client_only(peer: Peer) -> None:
    name = "__consumer_offsets"
    created = CreateTopicsRequest(
        topics=[CreatableTopic(name=name, num_partitions=1, replication_factor=1)], timeout_ms=5000
    )
    peer.call(created, 5)  # 36 when it exists already
    topic = Topic(peer, name)
    for _ in range(1000):
        refused = topic.produce(batch_of(b"x"))
        if refused.error_code != 6:
            break
    assert (refused.error_code, refused.log_start_offset) == (17, -1)
    keyed = build_batch([(NOW_MS, b"key", None, [])])
    assert topic.produce(keyed, client_id="__admin_client").error_code == 0


@pytest.mark.parametrize("version", [3, 12, 13])
def test_the_order_of_the_checks(topic: Topic, version: int) -> None:
    """Known, shape, acks, and only then what is inside."""
    cut, corrupt = ONE[:-1], changed(ONE, CRC_AT, bytes(4))
    unknown = Topic(topic.peer, f"unknown-{uuid.uuid4()}", uuid.UUID(int=1 << 70))
    code = 100 if version >= 13 else 3
    assert unknown.produce(cut, version, acks=2).error_code == code
    assert topic.produce(cut, version, acks=2, partition=9).error_code == 3
    assert topic.produce(cut, version, acks=2).error_code == 87
    assert topic.produce(corrupt, version, acks=2).error_code == 21
    assert topic.produce(corrupt, version, acks=1).error_code == 2


# --- refused in the log: its start is told

IN_THE_LOG = {
    "record count 0": with_field(RECORD_COUNT_AT, INT32, 0),
    "record count -1": with_field(RECORD_COUNT_AT, INT32, -1),
    "record count too small": with_field(RECORD_COUNT_AT, INT32, 1),
    "record count too large": with_field(RECORD_COUNT_AT, INT32, 3),
    "last offset delta": with_field(LAST_OFFSET_DELTA_AT, INT32, 2),
    "base offset": with_field(BASE_OFFSET_AT, INT64, 1),
    "control bit": with_field(ATTRIBUTES_AT, INT16, CONTROL_BIT),
    "producer without sequence": with_field(PRODUCER_ID_AT, INT64, 5),
    "record longer than the batch": with_bytes(HEADER_BYTES, b"\x7e"),
    "record shorter than its fields": with_bytes(HEADER_BYTES, b"\x0c"),
    "value longer than the record": with_bytes(HEADER_BYTES + 5, b"\x40"),
}


@pytest.mark.parametrize("case", IN_THE_LOG)
def test_refused_in_the_log(topic: Topic, case: str) -> None:
    answer = topic.produce(IN_THE_LOG[case])
    assert (answer.error_code, answer.log_start_offset) == (87, 3)
    assert (answer.base_offset, answer.log_append_time_ms) == (-1, -1)
    assert topic.fetch(3).high_watermark == 10


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_unknown_codecs_are_an_unknown_error(topic: Topic, codec: int) -> None:
    answer = topic.produce(with_field(ATTRIBUTES_AT, INT16, codec))
    assert (answer.error_code, answer.error_message) == (-1, None)


@pytest.mark.parametrize("shift_ms", [2 * HOUR_MS, -2 * HOUR_MS])
def test_each_record_outside_the_window_of_time_is_named(
    make_topic: Callable[..., Topic], shift_ms: int
) -> None:
    topic = make_topic(message_timestamp_before_max_ms=str(HOUR_MS))
    batch = build_batch([(NOW_MS + (n % 2) * shift_ms, None, b"%d" % n, []) for n in range(5)])
    answer = topic.produce(batch)
    assert (answer.error_code, answer.log_start_offset) == (32, 0)
    assert [error.batch_index for error in answer.record_errors] == [1, 3]
    for error in answer.record_errors:
        assert f"Timestamp {NOW_MS + shift_ms} of message with offset" in (
            error.batch_index_error_message
        )
    assert answer.error_message
    old = topic.produce(batch, 7)
    assert (old.error_code, old.record_errors, old.error_message) == (32, [], None)


def test_a_compacted_topic_wants_keys(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic(cleanup_policy="compact")
    records = [(NOW_MS, key, b"v", []) for key in (b"k", None, b"k", None)]
    answer = topic.produce(build_batch(records))
    assert (answer.error_code, answer.log_start_offset) == (87, 0)
    assert [error.batch_index for error in answer.record_errors] == [1, 3]
    assert answer.error_message
    assert topic.fetch(0).high_watermark == 0
    assert topic.produce(build_batch(records[:1])).base_offset == 0


def test_transactional_batches_need_a_transactional_id(topic: Topic) -> None:
    transactional = batch_of(
        b"x", transactional=True, producer_id=1, producer_epoch=0, base_sequence=0
    )
    answer = topic.produce(transactional)
    assert (answer.error_code, answer.log_start_offset) == (53, -1)
    # The whole request is refused, its plain batches, too.
    request = topic.produce_request({0: ONE, 1: transactional})
    (answered,) = topic.peer.call(request, 12).responses
    answers = [(p.index, p.error_code) for p in answered.partition_responses]
    assert sorted(answers) == [(0, 53), (1, 53)]
    assert topic.fetch(3).high_watermark == 10


# --- accepted


@pytest.mark.parametrize("tail", [b"12345", ONE[:30], ONE[:-1]], ids=["5", "header", "cut"])
def test_what_is_no_whole_batch_behind_the_batch_is_dropped(topic: Topic, tail: bytes) -> None:
    assert topic.produce(ONE + tail).base_offset == 10
    (stored,) = batches_of(topic.fetch(10).records)
    assert len(stored) == len(ONE)


@pytest.mark.parametrize("timestamp", [-1, 5])
def test_timestamps_of_long_ago_are_accepted(topic: Topic, timestamp: int) -> None:
    answer = topic.produce(batch_of(b"x", timestamp=timestamp))
    assert (answer.error_code, answer.base_offset) == (0, 10)
    (record,) = records_of(topic.fetch(10).records)
    assert record.timestamp == timestamp


def test_a_header_that_lies_about_its_largest_timestamp_is_set_right(topic: Topic) -> None:
    for lie in (NOW_MS + 2 * HOUR_MS, 5):
        assert topic.produce(with_field(MAX_TIMESTAMP_AT, INT64, lie)).error_code == 0
    for stored in batches_of(topic.fetch(10).records):
        assert read_header(stored).max_timestamp == NOW_MS


@pytest.mark.parametrize("bits", [DELETE_HORIZON_BIT, TIMESTAMP_TYPE_BIT, 0x0080])
def test_odd_attributes_are_accepted(topic: Topic, bits: int) -> None:
    assert topic.produce(with_field(ATTRIBUTES_AT, INT16, bits)).error_code == 0
    (stored,) = batches_of(topic.fetch(10).records)
    assert not read_header(stored).attributes & TIMESTAMP_TYPE_BIT


def test_a_sequence_without_a_producer_is_accepted(topic: Topic) -> None:
    assert topic.produce(with_field(BASE_SEQUENCE_AT, INT32, 7)).error_code == 0


@pytest.mark.parametrize("codec", list(Codec))
def test_every_codec_is_stored_as_sent(topic: Topic, codec: Codec) -> None:
    sent = batch_of(b"x" * 1000, b"y" * 1000, codec=codec)
    assert topic.produce(sent).base_offset == 10
    (stored,) = batches_of(topic.fetch(10).records)
    assert stored[MAGIC_AT:] == sent[MAGIC_AT:]


@pytest.mark.parametrize("wanted", ["uncompressed", "gzip", "zstd"])
def test_a_topic_with_a_codec_recompresses(make_topic: Callable[..., Topic], wanted: str) -> None:
    topic = make_topic(compression_type=wanted)
    for codec in (Codec.NONE, Codec.GZIP, Codec.LZ4):
        topic.produce(batch_of(b"x" * 1000, b"y" * 1000, codec=codec))
    for number, stored in enumerate(batches_of(topic.fetch(0).records)):
        assert read_header(stored).attributes == {"uncompressed": 0, "gzip": 1, "zstd": 4}[wanted]
        assert [(r.offset, r.value) for r in records_of(stored)] == [
            (2 * number, b"x" * 1000),
            (2 * number + 1, b"y" * 1000),
        ]


def test_a_topic_of_append_times_stamps_and_tells_them(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic(message_timestamp_type="LogAppendTime")
    answer = topic.produce(batch_of(b"a", b"b", timestamp=5))
    assert NOW_MS <= answer.log_append_time_ms < NOW_MS + HOUR_MS
    (stored,) = batches_of(topic.fetch(0).records)
    header = read_header(stored)
    assert header.max_timestamp == answer.log_append_time_ms
    assert header.attributes & TIMESTAMP_TYPE_BIT
    assert header.base_timestamp == 5
    assert [r.timestamp for r in records_of(stored)] == [answer.log_append_time_ms] * 2
