"""A disk that is full and is not any more, under a running broker, on a real small file system.

Kafka takes the directory offline then. Here what needs room is refused with KAFKA_STORAGE_ERROR
until there is room again, and nothing else happens.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from harness.broker import RunningBroker, Software, target
from harness.peer import Peer, Topic, batch_of, batch_of_size, records_of
from harness.small_disk import SmallDisk, small_disk

from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest

STORAGE_ERROR = 56
NOT_LEADER_OR_FOLLOWER = 6
BATCH_BYTES = 50_000
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(
    target() is Software.APACHE, reason="Apache Kafka takes the directory offline"
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", 12 << 20) as mounted:
        yield mounted


@pytest.fixture
def broker(tmp_path: Path, disk: SmallDisk) -> Iterator[RunningBroker]:
    """Data on the small disk, the metadata log elsewhere."""
    settings = {
        "log.dirs": str(disk.path / "data"),
        "metadata.log.dir": str(tmp_path / "metadata"),
        "replica.high.watermark.checkpoint.interval.ms": "100",
        "log.flush.offset.checkpoint.interval.ms": "100",
    }
    with RunningBroker(tmp_path / "broker", settings) as running:
        yield running
        running.kill()


@pytest.fixture
def peer(broker: RunningBroker) -> Iterator[Peer]:
    with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as connected:
        yield connected


def until(question: Callable[[], Any]) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def produce_until_full(topic: Topic, batch: bytes) -> int:
    """How many batches were taken."""
    for count in range(1000):
        answer = topic.produce(batch)
        if answer.error_code:
            assert answer.error_code == STORAGE_ERROR
            assert (answer.base_offset, answer.log_start_offset) == (-1, -1)
            return count
    raise AssertionError("it never got full")


def values_of(topic: Topic, end_offset: int) -> list[bytes | None]:
    values: list[bytes | None] = []
    while len(values) < end_offset:
        answer = topic.fetch(len(values))
        assert answer.error_code == 0
        assert answer.high_watermark == end_offset
        values += [record.value for record in records_of(_whole(answer.records))]
    return values


def _whole(records: Any) -> Any:
    return records[: len(records) // BATCH_BYTES * BATCH_BYTES or len(records)]


def test_produce_is_refused_while_there_is_no_room(
    broker: RunningBroker, peer: Peer, disk: SmallDisk
) -> None:
    topic = Topic.create(peer, "filled")
    batch = batch_of_size(BATCH_BYTES)
    disk.fill(leave_bytes=7 * BATCH_BYTES)
    taken = produce_until_full(topic, batch)
    assert taken >= 5
    expected = [record.value for record in records_of(batch)] * taken
    for version in (7, 12):
        assert topic.produce(batch, version).error_code == STORAGE_ERROR
    # Reading goes on, and the checkpoints that cannot be written in the meantime do no harm.
    for _ in range(5):
        assert values_of(topic, taken) == expected
        time.sleep(0.1)
    disk.empty()
    until(lambda: topic.produce(batch_of(b"again")).error_code == 0)
    until(lambda: " has room again" in broker.output_file.read_text())
    broker.kill()
    broker.start()
    with Peer(broker.host, broker.port) as again:
        topic.peer = again
        answer = until(lambda: _unless_moved(topic.produce(batch_of(b"restarted"))))
        assert answer.error_code == 0
        assert answer.base_offset == taken + 1
        assert values_of(topic, taken + 2)[:taken] == expected
    log = broker.output_file.read_text()
    assert log.count(" has no room: ") == 1
    assert "offline" not in log
    assert "Traceback" not in log


def _unless_moved(answer: Any) -> Any:
    return None if answer.error_code == NOT_LEADER_OR_FOLLOWER else answer


def test_an_idempotent_producer_loses_and_repeats_nothing(
    broker: RunningBroker, peer: Peer, disk: SmallDisk
) -> None:
    topic = Topic.create(peer, "patient")
    disk.fill(leave_bytes=3 * BATCH_BYTES)
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 1,
            "batch.num.messages": 100,
            "retry.backoff.ms": 50,
            "retry.backoff.max.ms": 100,
        }
    )
    failures: list[Any] = []
    for number in range(1_000):
        producer.produce(
            topic.name,
            b"%d " % number + b"x" * 1000,
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    until(lambda: producer.poll(0.05) >= 0 and "has no room" in broker.output_file.read_text())
    assert len(producer) > 0
    disk.empty()
    assert producer.flush(PATIENCE_S) == 0
    assert failures == []
    read: list[bytes | None] = []
    while len(read) < 1_000:
        read += [record.value for record in records_of(topic.fetch(len(read)).records)]
    assert [int((value or b"").split()[0]) for value in read] == list(range(1_000))


def test_a_topic_made_while_there_is_no_room_is_served_when_there_is(
    broker: RunningBroker, peer: Peer, disk: SmallDisk
) -> None:
    disk.fill()
    peer.call(_creation("late"), 7)
    topic = Topic(peer, "late")
    answer = until(lambda: _unless_moved(topic.produce(batch_of(b"x"))))
    assert answer.error_code == STORAGE_ERROR
    disk.empty()
    until(lambda: topic.produce(batch_of(b"y")).error_code == 0)
    assert [record.value for record in records_of(topic.fetch(0).records)] == [b"y"]


def test_metadata_without_room_is_refused_until_there_is(tmp_path: Path, disk: SmallDisk) -> None:
    settings = {"log.dirs": str(disk.path / "data")}
    with RunningBroker(tmp_path / "broker", settings) as broker:
        with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as peer:
            topic = Topic.create(peer, "early")
            assert topic.produce(batch_of(b"x")).error_code == 0
            disk.fill()
            (refused,) = peer.call(_creation("late"), 7).topics
            assert refused.error_code == STORAGE_ERROR
            assert "no room for the metadata log" in refused.error_message
            assert records_of(topic.fetch(0).records)[0].value == b"x"
            disk.empty()
            (created,) = peer.call(_creation("late"), 7).topics
            assert created.error_code == 0
        assert broker.stop() == 0
        broker.start()
        with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as peer:
            assert peer.describe_topic("late").error_code == 0


def _creation(name: str) -> CreateTopicsRequest:
    topic = CreatableTopic(name=name, num_partitions=1, replication_factor=1)
    return CreateTopicsRequest(topics=[topic], timeout_ms=30_000)
