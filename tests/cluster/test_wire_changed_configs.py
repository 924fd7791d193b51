"""Configs of topics and of all brokers, changed while records come in: the next batch obeys.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka).
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.peer import NOW_MS, Peer, Topic, batch_of, batch_of_size, batches_of

from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch
from minikafka.records.compression import Codec

TOPIC, BROKER = 2, 4
SET, DELETE = 0, 1
EARLIEST = -2
MIB = 1 << 20
HOUR_MS = 3_600_000
NONE, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, INVALID_RECORD = 0, 10, 32, 87
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    settings = {
        "log.retention.check.interval.ms": "100",
        "log.initial.task.delay.ms": "100",  # Kafka's own: retention begins after 30 s else
    }
    with RunningBroker(tmp_path_factory.mktemp("configs"), settings) as running:
        yield running


@pytest.fixture
def peer(broker: RunningBroker) -> Iterator[Peer]:
    with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as connected:
        yield connected


@pytest.fixture
def topic(peer: Peer, request: pytest.FixtureRequest) -> Topic:
    return Topic.create(peer, request.node.name.replace("[", "-").replace("]", ""))


def alter(peer: Peer, kind: int, name: str, configs: dict[str, str | None]) -> None:
    """Set each, or delete it where the value is None."""
    changes = [
        AlterableConfig(name=key, config_operation=DELETE if value is None else SET, value=value)
        for key, value in configs.items()
    ]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=changes)
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=False)
    (answer,) = peer.call(request, 1).responses
    assert answer.error_code == NONE, answer.error_message


def set_topic(topic: Topic, **configs: str | None) -> None:
    """Keys with dots for underscores."""
    alter(topic.peer, TOPIC, topic.name, {k.replace("_", "."): v for k, v in configs.items()})


def until(question: Callable[[], Any]) -> Any:
    """The first answer that is true: Kafka applies what it has accepted a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def last_batch(topic: Topic, batch: bytes) -> Any:
    """Produce; the header of what was stored."""
    answer = topic.produce(batch)
    assert answer.error_code == NONE, answer
    (stored,) = batches_of(topic.fetch(answer.base_offset).records)
    return read_header(stored)


def segments(broker: RunningBroker, topic: Topic) -> list[int]:
    """Base offsets of the files of partition 0."""
    folder = Path(broker.log_dir, f"{topic.name}-0")
    return sorted(int(path.stem) for path in folder.glob("*.log"))


def earliest(topic: Topic) -> int:
    asked = [ListOffsetsPartition(partition_index=0, timestamp=EARLIEST)]
    request = ListOffsetsRequest(
        replica_id=-1, topics=[ListOffsetsTopic(name=topic.name, partitions=asked)]
    )
    (answer,) = topic.peer.call(request, 7).topics
    offset = answer.partitions[0].offset
    assert isinstance(offset, int)
    return offset


TEXT = batch_of(b"text " * 500)


@pytest.mark.parametrize("key", ["topic", "all-brokers"])
def test_compression(topic: Topic, key: str) -> None:
    def set_to(value: str | None) -> None:
        if key == "topic":
            set_topic(topic, compression_type=value)
        else:
            alter(topic.peer, BROKER, "", {"compression.type": value})

    try:
        assert last_batch(topic, TEXT).codec == Codec.NONE
        for codec in (Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD):
            set_to(codec.name.lower())
            stored = until(
                lambda: _if(last_batch(topic, TEXT), lambda found: found.codec == codec)  # noqa: B023 - called here
            )
            assert stored.size_bytes < len(TEXT) // 4
            sent = build_batch([(NOW_MS, None, b"text " * 500, [])], codec=Codec.GZIP)
            assert last_batch(topic, sent).codec == codec
        set_to("uncompressed")
        until(lambda: last_batch(topic, sent).codec == Codec.NONE)
    finally:
        set_to(None)
    until(lambda: last_batch(topic, sent).codec == Codec.GZIP)
    assert last_batch(topic, TEXT).codec == Codec.NONE


def _if(found: Any, condition: Callable[[Any], bool]) -> Any:
    return found if condition(found) else None


def test_compression_levels(topic: Topic) -> None:
    """A topic that is compressed harder takes less room."""
    words = b" ".join(b"%d" % (n * n * 7919 % 10_007) for n in range(20_000))
    sizes = {}
    set_topic(topic, compression_type="gzip")
    for level in ("1", "9"):
        alter(topic.peer, TOPIC, topic.name, {"compression.gzip.level": level})
        until(lambda: last_batch(topic, batch_of(b"x")).codec == Codec.GZIP)
        time.sleep(0.3)  # nothing tells when Kafka obeys the level
        sizes[level] = last_batch(topic, batch_of(words)).size_bytes
    assert sizes["9"] < sizes["1"]


@pytest.mark.parametrize("key", ["topic", "all-brokers"])
def test_timestamp_type(topic: Topic, key: str) -> None:
    old = batch_of(b"x", timestamp=NOW_MS - HOUR_MS)

    def set_to(value: str | None) -> None:
        if key == "topic":
            set_topic(topic, message_timestamp_type=value)
        else:
            alter(topic.peer, BROKER, "", {"log.message.timestamp.type": value})

    assert topic.produce(old).log_append_time_ms == -1
    set_to("LogAppendTime")
    try:
        stamped = until(lambda: _if(topic.produce(old), lambda a: a.log_append_time_ms >= 0))
        (stored,) = batches_of(topic.fetch(stamped.base_offset).records)
        header = read_header(stored)
        assert header.timestamp_type == 1
        assert header.max_timestamp == stamped.log_append_time_ms > NOW_MS - HOUR_MS
    finally:
        set_to(None)
    until(lambda: topic.produce(old).log_append_time_ms == -1)


def test_timestamp_bounds(topic: Topic) -> None:
    now_ms = int(time.time() * 1000)
    late = batch_of(b"x", timestamp=now_ms - HOUR_MS)
    early = batch_of(b"x", timestamp=now_ms + HOUR_MS // 2)
    assert topic.produce(late).error_code == topic.produce(early).error_code == NONE
    set_topic(topic, message_timestamp_before_max_ms="60000")
    until(lambda: topic.produce(late).error_code == INVALID_TIMESTAMP)
    assert topic.produce(early).error_code == NONE
    set_topic(topic, message_timestamp_before_max_ms=None, message_timestamp_after_max_ms="60000")
    until(lambda: topic.produce(early).error_code == INVALID_TIMESTAMP)
    assert topic.produce(late).error_code == NONE


@pytest.mark.parametrize("key", ["topic", "all-brokers"])
def test_size_of_a_batch(topic: Topic, key: str) -> None:
    def set_to(value: str | None) -> None:
        if key == "topic":
            set_topic(topic, max_message_bytes=value)
        else:
            alter(topic.peer, BROKER, "", {"message.max.bytes": value})

    batch = batch_of_size(2_001)
    assert topic.produce(batch).error_code == NONE
    set_to("2000")
    try:
        until(lambda: topic.produce(batch).error_code == MESSAGE_TOO_LARGE)
        assert topic.produce(batch_of_size(2_000)).error_code == NONE
    finally:
        set_to(None)
    until(lambda: topic.produce(batch).error_code == NONE)


def test_keys_that_a_compacted_topic_wants(topic: Topic) -> None:
    assert topic.produce(batch_of(b"no key")).error_code == NONE
    set_topic(topic, cleanup_policy="compact")
    until(lambda: topic.produce(batch_of(b"no key")).error_code == INVALID_RECORD)
    keyed = build_batch([(NOW_MS, b"key", b"value", [])])
    assert topic.produce(keyed).error_code == NONE
    set_topic(topic, cleanup_policy=None)
    until(lambda: topic.produce(batch_of(b"no key")).error_code == NONE)


@pytest.mark.parametrize("key", ["topic", "all-brokers"])
def test_size_of_a_segment(broker: RunningBroker, topic: Topic, key: str) -> None:
    batch = batch_of_size(400_000)
    for _ in range(3):
        assert topic.produce(batch).error_code == NONE
    assert segments(broker, topic) == [0]

    def set_to(value: str | None) -> None:
        if key == "topic":
            set_topic(topic, segment_bytes=value)
        else:
            alter(topic.peer, BROKER, "", {"log.segment.bytes": value})

    set_to(str(MIB))
    try:
        until(lambda: topic.produce(batch).error_code == NONE and len(segments(broker, topic)) > 1)
        begun = segments(broker, topic)[-1]
        while topic.produce(batch).base_offset < begun + 2:
            pass
        assert segments(broker, topic)[-1] == begun + 2  # two of them fit
    finally:
        set_to(None)


def test_age_of_a_segment(broker: RunningBroker, topic: Topic) -> None:
    for seconds in range(3):
        made = batch_of(b"x", timestamp=NOW_MS + 1000 * seconds)
        assert topic.produce(made).error_code == NONE
    assert segments(broker, topic) == [0]
    set_topic(topic, segment_ms="500")
    later = (batch_of(b"x", timestamp=NOW_MS + 5000 + 1000 * n) for n in range(1000))
    until(
        lambda: topic.produce(next(later)).error_code == NONE and len(segments(broker, topic)) > 1
    )


@pytest.mark.parametrize("config", ["retention.bytes", "retention.ms"])
def test_retention(broker: RunningBroker, topic: Topic, config: str) -> None:
    set_topic(topic, segment_bytes=str(MIB), file_delete_delay_ms="0")
    old = batch_of_size(600_000, timestamp=NOW_MS - 2 * HOUR_MS)
    until(lambda: topic.produce(old).error_code == NONE and len(segments(broker, topic)) > 3)
    assert earliest(topic) == 0
    value = str(MIB) if config == "retention.bytes" else str(HOUR_MS)
    alter(topic.peer, TOPIC, topic.name, {config: value})
    until(lambda: earliest(topic) > 0)
    until(lambda: segments(broker, topic)[0] == earliest(topic))


def test_retention_of_every_topic(broker: RunningBroker, topic: Topic) -> None:
    """A default of all brokers reaches the topics that are there, but for those that differ."""
    other = Topic.create(topic.peer, "kept", 1, {"retention.ms": "-1"})
    old = batch_of(b"x", timestamp=NOW_MS - 2 * HOUR_MS)
    for each in (topic, other):
        assert each.produce(old).error_code == NONE
    alter(topic.peer, BROKER, "", {"log.retention.ms": str(HOUR_MS)})
    try:
        until(lambda: earliest(topic) == 1)
        assert earliest(other) == 0
    finally:
        alter(topic.peer, BROKER, "", {"log.retention.ms": None})
