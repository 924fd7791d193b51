"""A replica manager on a real directory that follows an image made of real records."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from unit.log.making import BROKER

from minikafka.log.checkpoints import MetaProperties
from minikafka.log.directory import LogDirectory
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.remove_topic_record import RemoveTopicRecord
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.replicas import ReplicaManager
from minikafka.runtime.clock import WallClock
from minikafka.runtime.disk import Disk
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.sim.disk import SimDisk

CLUSTER_ID = "Nj5GKOPgT4q9kBth5aocGg"
NODE_ID = 1


class Followed:
    """Metadata, and the replicas of broker 1 that follow it."""

    def __init__(self, root: Path, directory_count: int, disk: Disk | None = None) -> None:
        self.disk = disk or LocalDisk()
        self.wall_clock = WallClock()
        self.paths = [root / f"data-{number}" for number in range(directory_count)]
        for number, path in enumerate(self.paths):
            if not self.disk.exists(str(path)):
                meta = MetaProperties(NODE_ID, CLUSTER_ID, uuid.UUID(int=number + 7 << 80))
                LogDirectory.write_meta(self.disk, str(path), meta)
        self.image = MetadataImage()
        self.offline: list[str] = []
        self.replicas = self.fresh_replicas()

    def fresh_replicas(self) -> ReplicaManager:
        values = {
            "node.id": str(NODE_ID),
            "process.roles": "broker,controller",
            "producer.id.expiration.ms": "3600000",
        } | dict(BROKER)
        self.settings = BrokerSettings.parse(values)
        self.purgatory = Purgatory(asyncio.get_running_loop())
        return ReplicaManager(
            settings=self.settings,
            image=self.image,
            directories=[
                LogDirectory.open(self.disk, str(path), node_id=NODE_ID, cluster_id=CLUSTER_ID)
                for path in self.paths
            ],
            purgatory=self.purgatory,
            wall_clock=self.wall_clock,
            random=random.Random(3),
            on_offline=lambda directory, _: self.offline.append(Path(directory.path).name),
        )

    def commit(self, *records: Any) -> None:
        delta = MetadataDelta()
        for record in records:
            delta.touch(self.image, record)
            self.image.replay(record)
        self.replicas.publish(self.image, delta)

    def topic_records(
        self, name: str, partitions: int = 1, replicas: tuple[int, ...] = (NODE_ID,), **rest: Any
    ) -> list[Any]:
        topic_id = uuid.uuid4()
        fields = {
            "replicas": list(replicas),
            "isr": list(replicas),
            "leader": replicas[0],
            "leader_epoch": 0,
            "partition_epoch": 0,
        }
        return [
            TopicRecord(name=name, topic_id=topic_id),
            *(
                PartitionRecord(partition_id=index, topic_id=topic_id, **(fields | rest))
                for index in range(partitions)
            ),
        ]

    def create(self, name: str, partitions: int = 1, **rest: Any) -> uuid.UUID:
        records = self.topic_records(name, partitions, **rest)
        self.commit(*records)
        assert isinstance(records[0].topic_id, uuid.UUID)
        return records[0].topic_id

    def configure(self, topic: str, key: str, value: str) -> None:
        self.commit(ConfigRecord(resource_type=2, resource_name=topic, name=key, value=value))

    def delete_records(self, name: str) -> RemoveTopicRecord:
        return RemoveTopicRecord(topic_id=self.image.topics[name].topic_id)

    def change(self, name: str, index: int = 0, **fields: Any) -> None:
        topic_id = self.image.topics[name].topic_id
        self.commit(PartitionChangeRecord(partition_id=index, topic_id=topic_id, **fields))

    async def restart(self, *, clean: bool) -> None:
        await self.close(clean=clean)
        self.replicas = self.fresh_replicas()
        self.replicas.load()

    async def close(self, *, clean: bool = False) -> None:
        if clean:
            await self.replicas.close(5)
        else:
            for directory in self.replicas.online:
                await directory.close(clean=False)
            self.replicas.online.clear()


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncIterator[Followed]:
    made = Followed(tmp_path, 1)
    yield made
    await made.close()


@pytest.fixture
def sim_disk() -> SimDisk:
    """The disk under `simulated`."""
    return SimDisk()


@pytest.fixture
async def simulated(sim_disk: SimDisk) -> AsyncIterator[Followed]:
    made = Followed(Path("/sim"), 1, sim_disk.mount())
    yield made
    await made.close()


@pytest.fixture
async def two_disks(tmp_path: Path) -> AsyncIterator[Followed]:
    made = Followed(tmp_path, 2)
    yield made
    await made.close()
