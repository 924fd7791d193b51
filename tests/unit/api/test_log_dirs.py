"""DescribeLogDirs and AlterReplicaLogDirs on real log directories."""

from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from minikafka.log.checkpoints import MetaProperties
from minikafka.log.directory import LogDirectory
from minikafka.protocol.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from minikafka.protocol.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
)
from minikafka.protocol.records.metadata.broker_registration_change_record import (
    BrokerRegistrationChangeRecord,
)
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch

DIRECTORY_ID = UUID(int=4711)


@pytest.fixture
async def two(make_cluster: Any, tmp_path: Path) -> Any:
    """A broker with two directories: `orders` lies in the first, the other one has failed."""
    paths = [str(tmp_path / name) for name in ("disk1", "disk2")]
    cluster = make_cluster(log_dirs=",".join(paths))
    cluster.add_broker(1, "PLAINTEXT://127.0.0.1:9092")
    topic_id = cluster.add_topic("orders", 2)
    cluster.add_topic("elsewhere", replicas=(2,))
    disk = cluster.replicas.disk
    meta = MetaProperties(node_id=1, cluster_id="c", directory_id=DIRECTORY_ID)
    LogDirectory.write_meta(disk, paths[0], meta)
    directory = LogDirectory.open(disk, paths[0], node_id=1)
    for index in range(2):
        log = directory.create_log(
            "orders",
            index,
            topic_id,
            settings=cluster.replicas.partition("orders", 0).log.settings,
            wall_ms=0,
            producer_expiration_ms=1,
            random=Random(1),
        )
    batch = memoryview(bytearray(build_batch([(5, None, b"x" * 100, [])])))
    log.append(batch, read_header(batch), 0, 0)
    cluster.replicas.online.append(directory)
    cluster.paths = paths
    yield cluster
    await directory.close(clean=False)


def named(**topics: list[int]) -> DescribeLogDirsRequest:
    return DescribeLogDirsRequest(
        topics=[
            DescribableLogDirTopic(topic=name, partitions=indexes)
            for name, indexes in topics.items()
        ]
    )


def partitions(result: Any) -> list[tuple[str, int, int, int, bool]]:
    return [
        (t.name, p.partition_index, p.partition_size, p.offset_lag, p.is_future_key)
        for t in result.topics
        for p in t.partitions
    ]


@pytest.mark.parametrize("version", range(1, 6))
async def test_directories_are_described_with_what_lies_in_them(two: Any, version: int) -> None:
    answer = await two.ask(DescribeLogDirsRequest(topics=None), version)
    first, second = answer.results
    assert (first.error_code, first.log_dir) == (0, two.paths[0])
    size = two.replicas.online[0].logs["orders", 1].size_bytes
    assert size > 100
    assert partitions(first) == [("orders", 0, 0, 0, False), ("orders", 1, size, 0, False)]
    if version >= 4:
        assert first.total_bytes > first.usable_bytes > 0
    assert (second.error_code, second.log_dir, second.topics) == (56, two.paths[1], [])


async def test_only_what_is_asked_for_is_described(two: Any) -> None:
    answer = await two.ask(named(orders=[1, 7], nope=[0], elsewhere=[0]), 5)
    assert [p[:2] for p in partitions(answer.results[0])] == [("orders", 1)]
    answer = await two.ask(named(), 5)
    assert partitions(answer.results[0]) == []


async def test_a_cordoned_directory_is_told(two: Any) -> None:
    request = DescribeLogDirsRequest(topics=None)
    assert not (await two.ask(request, 5)).results[0].is_cordoned
    epoch = two.image.brokers[1].epoch
    two.replay(
        BrokerRegistrationChangeRecord(
            broker_id=1, broker_epoch=epoch, cordoned_log_dirs=[DIRECTORY_ID]
        )
    )
    assert (await two.ask(request, 5)).results[0].is_cordoned


@pytest.mark.parametrize("version", [1, 2])
async def test_a_replica_stays_where_it_is(two: Any, version: int) -> None:
    async def move(path: str, topic: str = "orders", index: int = 0) -> int:
        wanted = AlterReplicaLogDirTopic(name=topic, partitions=[index])
        request = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=path, topics=[wanted])])
        (result,) = (await two.ask(request, version)).results
        (answered,) = result.partitions
        assert (result.topic_name, answered.partition_index) == (topic, index)
        code: int = answered.error_code
        return code

    home, failed = two.paths
    assert await move(home) == 0
    assert await move("/nowhere") == 57
    assert await move("/nowhere", "nope") == 57
    assert await move(failed) == 56
    assert await move(home, "nope") == 3
    assert await move(home, "orders", 9) == 3
    assert await move(home, "elsewhere") == 6
    del two.replicas.online[0].logs["orders", 1]
    assert await move(home, "orders", 1) == 35


async def test_the_last_directory_named_for_a_replica_counts(two: Any) -> None:
    wanted = AlterReplicaLogDirTopic(name="orders", partitions=[0, 1])
    only_one = AlterReplicaLogDirTopic(name="orders", partitions=[1])
    request = AlterReplicaLogDirsRequest(
        dirs=[
            AlterReplicaLogDir(path=two.paths[0], topics=[wanted]),
            AlterReplicaLogDir(path="/nowhere", topics=[only_one]),
        ]
    )
    (result,) = (await two.ask(request, 2)).results
    assert [(p.partition_index, p.error_code) for p in result.partitions] == [(0, 0), (1, 57)]
