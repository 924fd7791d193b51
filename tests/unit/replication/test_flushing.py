"""When logs are flushed, and who is answered only then; every promise is held against the disk.

The disk is simulated: `surely` is what any loss of power would leave at that moment.
"""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from unit.log.making import BROKER, batch

from minikafka.log.checkpoints import MetaProperties
from minikafka.log.directory import LogDirectory
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.records.batch import read_header, walk
from minikafka.replication.flushing import Flusher
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.replicas import ReplicaManager
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings
from minikafka.sim.disk import SimDisk

CLUSTER_ID = "Nj5GKOPgT4q9kBth5aocGg"


class Broker:
    """Replicas with their flusher on a simulated disk."""

    def __init__(self, **configs: str) -> None:
        self.disk = SimDisk(11)
        mount = self.disk.mount()
        LogDirectory.write_meta(mount, "/d", MetaProperties(1, CLUSTER_ID, uuid.UUID(int=7 << 80)))
        mount.fsync_dir_now("/")
        self.settings = BrokerSettings.parse(
            {"node.id": "1", "process.roles": "broker,controller"} | dict(BROKER) | configs
        )
        wall_clock = WallClock()
        self.age_clock = AgeClock(asyncio.get_running_loop(), wall_clock)
        self.image = MetadataImage()
        self.purgatory = Purgatory(asyncio.get_running_loop())
        self.offline: list[str] = []
        self.replicas = ReplicaManager(
            settings=self.settings,
            image=self.image,
            directories=[LogDirectory.open(mount, "/d", node_id=1)],
            purgatory=self.purgatory,
            wall_clock=wall_clock,
            random=random.Random(3),
            on_offline=lambda directory, _: self.offline.append(directory.path),
        )
        self.failures: list[BaseException] = []
        self.scope = Scope("test", lambda _, error: self.failures.append(error))
        Flusher(
            settings=self.settings,
            replicas=self.replicas,
            purgatory=self.purgatory,
            age_clock=self.age_clock,
            scope=self.scope,
        ).start()
        self.fsyncs: list[str] = []
        self.disk.note = self._note

    def _note(self, *event: object) -> None:
        if event[0] == "fsync" and str(event[1]).endswith(".log"):
            self.fsyncs.append(str(event[1]))

    def commit(self, *records: Any) -> None:
        delta = MetadataDelta()
        for record in records:
            delta.touch(self.image, record)
            self.image.replay(record)
        self.replicas.publish(self.image, delta)

    def topic(self, name: str, **configs: str) -> Partition:
        topic_id = uuid.uuid4()
        fields = {"replicas": [1], "isr": [1], "leader": 1, "leader_epoch": 0, "partition_epoch": 0}
        self.commit(
            *[self.config(name, key.replace("_", "."), value) for key, value in configs.items()],
            TopicRecord(name=name, topic_id=topic_id),
            PartitionRecord(partition_id=0, topic_id=topic_id, **fields),
        )
        return self.replicas.partition(name, 0)

    def config(self, topic: str, name: str, value: str) -> ConfigRecord:
        return ConfigRecord(resource_type=2, resource_name=topic, name=name, value=value)

    def surely_end(self, partition: Partition) -> int:
        """The log end offset after any loss of power, as the bytes on the platter tell."""
        end = 0
        for base in partition.log.segment_base_offsets:  # type: ignore[attr-defined]
            path = f"/d/{partition.topic}-0/{base:020d}.log"
            for _, header in walk(self.disk.surely(path) or b""):
                end = header.next_offset
        return end

    async def close(self) -> None:
        self.age_clock.close()
        await self.scope.close()
        assert not self.failures


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Broker]]:
    started: list[Broker] = []

    def begin(**configs: str) -> Broker:
        started.append(Broker(**{key.replace("_", "."): v for key, v in configs.items()}))
        return started[-1]

    yield begin
    for broker in started:
        await broker.close()


def produce(partition: Partition, count: int = 1, size: int = 100, acks: int = 1) -> int:
    made = batch(count, size=size)
    return partition.append(made, read_header(made), acks=acks, wall_ms=0).required_offset


async def acknowledged(broker: Broker, partition: Partition, end: int, acks: int = 1) -> None:
    """Wait for the answer, however long the disk takes."""
    while not partition.is_acknowledged(end, acks):
        assert len(broker.scope), "nobody is on the way to flush"
        await asyncio.sleep(0)


async def all_flushed(broker: Broker) -> None:
    """Wait until the flusher rests."""
    for _ in range(100_000):
        if not len(broker.scope):
            return
        await asyncio.sleep(0)
    raise AssertionError("the flusher does not rest")


async def test_by_default_a_produce_is_acknowledged_from_the_page_cache(start: Any) -> None:
    broker = start()
    partition = broker.topic("t")
    end = produce(partition)
    assert partition.is_acknowledged(end, -1)
    assert partition.high_watermark == 1
    assert len(broker.scope) == 0
    assert broker.fsyncs == []


@pytest.mark.parametrize("acks", [1, -1])
async def test_with_flush_messages_1_nothing_is_acknowledged_before_its_fsync(
    start: Any, acks: int
) -> None:
    broker = start()
    broker.disk.flush_s = 0.001
    partition = broker.topic("t", flush_messages="1", segment_bytes="1048576")
    for n in range(60):
        end = produce(partition, 1 + n % 3, size=40_000, acks=acks)
        assert not partition.is_acknowledged(end, acks)
        assert partition.high_watermark < end
        if n % 4 == 0:
            await acknowledged(broker, partition, end, acks)
            assert partition.high_watermark == end
            assert broker.surely_end(partition) >= end
    assert len(partition.log.segment_base_offsets) > 3  # type: ignore[attr-defined]


async def test_produces_that_come_together_share_one_fsync(start: Any) -> None:
    broker = start()
    broker.disk.flush_s = 0.005
    partition = broker.topic("t", flush_messages="1")
    produce(partition)
    await asyncio.sleep(0)  # the fsync of the first has begun
    ends = [produce(partition) for _ in range(50)]
    for end in ends:
        await acknowledged(broker, partition, end)
    assert len(broker.fsyncs) in (2, 3)  # the names of a new log are made durable once, too


async def test_an_fsync_is_due_every_so_many_messages(start: Any) -> None:
    broker = start()
    partition = broker.topic("t", flush_messages="10")
    end = produce(partition, 9)
    assert partition.is_acknowledged(end, 1)
    assert partition.high_watermark == 9
    end = produce(partition, 2)
    assert not partition.is_acknowledged(end, 1)
    await acknowledged(broker, partition, end)
    assert broker.surely_end(partition) == 11
    assert partition.is_acknowledged(produce(partition, 9), 1)


async def test_the_setting_changes_while_running(start: Any) -> None:
    broker = start()
    partition = broker.topic("t")
    produce(partition, 5)
    broker.commit(broker.config("t", "flush.messages", "1"))
    assert not partition.is_acknowledged(5, 1)
    await acknowledged(broker, partition, 5)
    assert broker.surely_end(partition) == 5


async def test_a_sealed_segment_is_flushed(start: Any) -> None:
    broker = start()
    partition = broker.topic("t", segment_bytes="1048576")
    while partition.log.segment_base_offsets == [0]:  # type: ignore[attr-defined]
        produce(partition, size=400_000)
    await all_flushed(broker)
    assert broker.surely_end(partition) == partition.log.log_end_offset
    assert partition.log.recovery_point == partition.log.log_end_offset


async def test_by_time_what_has_waited_for_flush_ms_is_flushed(start: Any) -> None:
    broker = start(log_flush_scheduler_interval_ms="1000")
    early, late = broker.topic("a", flush_ms="3000"), broker.topic("b", flush_ms="3600000")
    for partition in (early, late):
        produce(partition, 3)
    await broker.age_clock.advance(2_000)
    assert early.log.recovery_point == 0
    await broker.age_clock.advance(4_000)
    await all_flushed(broker)
    assert broker.surely_end(early) == 3
    assert late.log.recovery_point == 0


async def test_a_failed_fsync_takes_the_directory_offline_and_acknowledges_nothing(
    start: Any,
) -> None:
    broker = start()
    partition = broker.topic("t", flush_messages="1")
    broker.disk.fail("fsync", "/d/t-0")
    end = produce(partition)
    await all_flushed(broker)
    assert broker.offline == ["/d"]
    assert not partition.is_acknowledged(end, 1)
    assert not partition.is_leader
