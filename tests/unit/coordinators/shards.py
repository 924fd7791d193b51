"""Partitions of __consumer_offsets on a real log, shards on them, and who asks them."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from minikafka.coordinators.decision import Decision, Moment
from minikafka.coordinators.group.coordinator import GroupCoordinator
from minikafka.coordinators.runtime.shard import Shard
from minikafka.log.partition_log import PartitionLog
from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from minikafka.protocol.messages.offset_fetch import OffsetFetchRequestGroup
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.runtime.clock import WallClock
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings

ME, OTHER = 1, 2


class Asked:
    """A waiter that notes down its answer."""

    def __init__(self) -> None:
        self.response: Any = None
        self.error: ErrorCode | None = None
        self.told = asyncio.Event()

    def answer(self, response: Any) -> None:
        self.response = response
        self.told.set()

    def fail(self, error: KafkaError) -> None:
        self.error = error.code
        self.told.set()

    async def wait(self) -> None:
        async with asyncio.timeout(5):
            await self.told.wait()


class Room:
    """One partition of __consumer_offsets, with one or two replicas, and shards on it."""

    def __init__(self, directory: Path, index: int = 0, **settings: str) -> None:
        self.settings = BrokerSettings.parse(
            {
                "node.id": "1",
                "process.roles": "broker,controller",
                "controller.listener.names": "CONTROLLER",
                "controller.quorum.voters": "1@127.0.0.1:9093",
                "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
                "offsets.commit.timeout.ms": "50",
            }
            | {key.replace("_", "."): value for key, value in settings.items()}
        )
        self.log = PartitionLog.open(
            LocalDisk(),
            str(directory / f"__consumer_offsets-{index}"),
            topic="__consumer_offsets",
            partition=index,
            settings=TopicSettings.resolve({"cleanup.policy": "compact"}, self.settings),
            wall_ms=0,
            clean=True,
            producer_expiration_ms=86_400_000,
        )
        self.partition = Partition(ME, "__consumer_offsets", UUID(int=7), index, self.log)
        self.lead([ME])
        self.loop = asyncio.get_running_loop()
        self.purgatory = Purgatory(self.loop)
        self.wall_clock = WallClock()
        self.failures: list[OSError] = []

    def lead(self, isr: list[int], epoch: int = 0) -> None:
        self.partition.apply(
            PartitionImage(
                replicas=isr, isr=isr, leader=ME, leader_epoch=epoch, partition_epoch=epoch
            )
        )

    def shard(self) -> Shard[GroupCoordinator]:
        """One that is loaded as far as a single piece goes."""
        made = self.make_shard("test", self.partition)
        made.load_piece()
        return made

    def make_shard(self, name: str, partition: Any) -> Shard[GroupCoordinator]:
        return Shard(
            name,
            partition,
            lambda: GroupCoordinator(self.settings, Random(1)),
            loop=self.loop,
            wall_clock=self.wall_clock,
            parking=self.purgatory,
            on_storage_failure=lambda _, error: self.failures.append(error),
            commit_timeout_ms=self.settings.offsets_commit_timeout_ms,
            codec=0,
        )


def commit(
    shard: Shard[GroupCoordinator], offset: int, partitions: int = 1, metadata: str = ""
) -> Asked:
    request = OffsetCommitRequest(
        group_id="g",
        topics=[
            OffsetCommitRequestTopic(
                name="t",
                partitions=[
                    OffsetCommitRequestPartition(
                        partition_index=index, committed_offset=offset, committed_metadata=metadata
                    )
                    for index in range(partitions)
                ],
            )
        ],
    )
    asked = Asked()
    shard.submit(
        asked, lambda groups, decision, now: groups.commit(request, 9, asked, decision, now)
    )
    return asked


def fetch(shard: Shard[GroupCoordinator]) -> Asked:
    asked = Asked()

    def command(groups: GroupCoordinator, decision: Decision, now: Moment) -> None:
        wanted = OffsetFetchRequestGroup(group_id="g", topics=None)
        decision.answer(asked, groups.fetch_offsets(wanted, require_stable=False))

    shard.submit(asked, command)
    return asked


def committed(asked: Asked) -> list[int]:
    return [
        partition.committed_offset
        for topic in asked.response.topics
        for partition in topic.partitions
    ]
