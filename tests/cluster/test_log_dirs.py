"""Several log directories: where partitions go, and what one that fails takes with it.

A directory in the place of a checkpoint's temporary file is an I/O error that needs neither root
nor a mock, and the same one for Apache Kafka.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.peer import Peer, Topic, batch_of, records_of

from minikafka.protocol.messages.describe_log_dirs import DescribeLogDirsRequest
from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic

NONE, LEADER_NOT_AVAILABLE, NOT_LEADER_OR_FOLLOWER, STORAGE_ERROR = 0, 5, 6, 56
NO_LEADER = -1
PATIENCE_S = 60.0
NAMES = ("one", "two", "three")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    """The metadata log is in `one`."""
    settings = {
        "log.dirs": ",".join(str(tmp_path / name) for name in NAMES),
        "replica.high.watermark.checkpoint.interval.ms": "200",
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
    }
    broker = RunningBroker(tmp_path, settings)
    broker.log_dir = tmp_path / "one"
    with broker:
        yield broker


@pytest.fixture
def peer(broker: RunningBroker) -> Iterator[Peer]:
    with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as connected:
        yield connected


def partitions_in(broker: RunningBroker, name: str, topic: Topic) -> list[int]:
    found = (broker.directory / name).glob(f"{topic.name}-*")
    return sorted(int(path.name.rsplit("-", 1)[1]) for path in found)


def fail(broker: RunningBroker, name: str) -> None:
    (broker.directory / name / "replication-offset-checkpoint.tmp").mkdir()


def until(question: Callable[[], Any]) -> Any:
    """The first answer that is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def described(peer: Peer, topic: Topic) -> dict[int, Any]:
    request = MetadataRequest(topics=[MetadataRequestTopic(name=topic.name)])
    (answer,) = peer.call(request, 9).topics
    return {partition.partition_index: partition for partition in answer.partitions}


def led(peer: Peer, topic: Topic) -> list[int]:
    return sorted(
        index
        for index, partition in described(peer, topic).items()
        if partition.leader_id != NO_LEADER
    )


def test_partitions_go_where_the_fewest_are(broker: RunningBroker, peer: Peer) -> None:
    first = Topic.create(peer, "first", 9)
    assert [len(partitions_in(broker, name, first)) for name in NAMES] == [3, 3, 3]
    for number in range(6):
        Topic.create(peer, f"single-{number}")
    counts = Counter(
        path.parent.name for name in NAMES for path in (broker.directory / name).glob("single-*-0")
    )
    assert counts == dict.fromkeys(NAMES, 2)
    answer = peer.call(DescribeLogDirsRequest(topics=None), 4)
    assert {Path(result.log_dir).name: result.error_code for result in answer.results} == (
        dict.fromkeys(NAMES, NONE)
    )


def test_a_directory_that_fails_takes_its_partitions_offline(
    broker: RunningBroker, peer: Peer
) -> None:
    topic = Topic.create(peer, "spread", 6)
    lost = partitions_in(broker, "two", topic)
    kept = sorted(set(range(6)) - set(lost))
    assert len(lost) == 2
    for index in range(6):
        assert topic.produce(batch_of(b"before"), partition=index).error_code == NONE
    fail(broker, "two")
    until(lambda: led(peer, topic) == kept)
    for index, partition in described(peer, topic).items():
        if index in lost:
            assert partition.error_code == LEADER_NOT_AVAILABLE
            assert (partition.isr_nodes, partition.offline_replicas) == ([], [0])
        else:
            assert partition.error_code == NONE
            assert (partition.isr_nodes, partition.offline_replicas) == ([0], [])
    for index in lost:
        assert topic.produce(batch_of(b"after"), partition=index).error_code == STORAGE_ERROR
        assert topic.fetch(0, partition=index).error_code == STORAGE_ERROR
    for index in kept:
        assert topic.produce(batch_of(b"after"), partition=index).base_offset == 1
        values = [record.value for record in records_of(topic.fetch(0, partition=index).records)]
        assert values == [b"before", b"after"]
    answer = peer.call(DescribeLogDirsRequest(topics=None), 4)
    assert {Path(result.log_dir).name: result.error_code for result in answer.results} == {
        "one": NONE,
        "two": STORAGE_ERROR,
        "three": NONE,
    }
    # What is made from now on goes where it can.
    later = Topic.create(peer, "later", 4)
    assert [len(partitions_in(broker, name, later)) for name in NAMES] == [2, 0, 2]

    broker.kill()
    (broker.directory / "two" / "replication-offset-checkpoint.tmp").rmdir()
    broker.start()
    with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as again:
        topic.peer = again
        until(lambda: led(again, topic) == list(range(6)))
        for index in lost:
            answer = until(lambda: _ready(topic.fetch(0, partition=index)))  # noqa: B023 - called here
            assert [record.value for record in records_of(answer.records)] == [b"before"]


def _ready(answer: Any) -> Any:
    return None if answer.error_code == NOT_LEADER_OR_FOLLOWER else answer


def test_without_the_metadata_logs_directory_the_broker_ends(
    broker: RunningBroker, peer: Peer
) -> None:
    Topic.create(peer, "spread", 6)
    fail(broker, "one")
    assert peer.is_closed()
    assert broker.process is not None
    assert broker.process.wait(PATIENCE_S) == 1


def test_a_directory_that_cannot_be_read_is_offline_from_the_start(
    broker: RunningBroker, peer: Peer
) -> None:
    topic = Topic.create(peer, "spread", 6)
    lost = partitions_in(broker, "three", topic)
    for index in range(6):
        assert topic.produce(batch_of(b"before"), partition=index).error_code == NONE
    broker.stop()
    meta = broker.directory / "three" / "meta.properties"
    meta.rename(meta.with_name("kept"))
    meta.mkdir()
    broker.start()
    with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as again:
        until(lambda: led(again, topic) == sorted(set(range(6)) - set(lost)))
        topic.peer = again
        for index in lost:
            answer = topic.produce(batch_of(b"after"), partition=index)
            assert answer.error_code == NOT_LEADER_OR_FOLLOWER
    broker.stop()
    meta.rmdir()
    meta.with_name("kept").rename(meta)
    broker.start()
    with Peer(broker.host, broker.port, timeout_s=PATIENCE_S) as again:
        topic.peer = again
        until(lambda: led(again, topic) == list(range(6)))
        for index in lost:
            answer = until(lambda: _ready(topic.fetch(0, partition=index)))  # noqa: B023 - called here
            assert [record.value for record in records_of(answer.records)] == [b"before"]
