"""A shard on a real partition log: answers wait for the watermark, a failed append loads again."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

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

    def __init__(self, directory: Path) -> None:
        self.settings = BrokerSettings.parse(
            {
                "node.id": "1",
                "process.roles": "broker,controller",
                "controller.listener.names": "CONTROLLER",
                "controller.quorum.voters": "1@127.0.0.1:9093",
                "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
                "offsets.commit.timeout.ms": "50",
            }
        )
        self.log = PartitionLog.open(
            LocalDisk(),
            str(directory / "__consumer_offsets-0"),
            topic="__consumer_offsets",
            partition=0,
            settings=TopicSettings.resolve({"cleanup.policy": "compact"}, self.settings),
            wall_ms=0,
            clean=True,
            producer_expiration_ms=86_400_000,
        )
        self.partition = Partition(ME, "__consumer_offsets", UUID(int=7), 0, self.log)
        self.lead([ME])
        self.loop = asyncio.get_running_loop()
        self.purgatory = Purgatory(self.loop)
        self.failures: list[OSError] = []

    def lead(self, isr: list[int], epoch: int = 0) -> None:
        self.partition.apply(
            PartitionImage(
                replicas=isr, isr=isr, leader=ME, leader_epoch=epoch, partition_epoch=epoch
            )
        )

    def shard(self) -> Shard[GroupCoordinator]:
        return Shard(
            "test",
            self.partition,
            lambda: GroupCoordinator(self.settings, Random(1)),
            loop=self.loop,
            wall_clock=WallClock(),
            parking=self.purgatory,
            on_storage_failure=lambda _, error: self.failures.append(error),
            commit_timeout_ms=self.settings.offsets_commit_timeout_ms,
            codec=0,
        )


@pytest.fixture
async def room(tmp_path: Path) -> Any:
    made = Room(tmp_path)
    yield made
    made.log.close(clean=False)


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


async def turn_of_the_loop() -> None:
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


async def test_a_new_shard_knows_what_an_old_one_wrote(room: Room) -> None:
    assert commit(room.shard(), 5).response is not None
    assert committed(fetch(room.shard())) == [5]


async def test_a_long_log_is_loaded_in_turns_and_refused_meanwhile(room: Room) -> None:
    writer = room.shard()
    for offset in range(40):
        commit(writer, offset, partitions=100, metadata="x" * 200)
    reader = room.shard()
    assert fetch(reader).error is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    for _ in range(20):
        await turn_of_the_loop()
    assert committed(fetch(reader)) == [39] * 100


async def test_answers_wait_for_the_high_watermark_also_those_without_records(room: Room) -> None:
    shard = room.shard()
    room.lead([ME, OTHER], epoch=1)
    written, read = commit(shard, 5), fetch(shard)
    assert written.response is None
    assert read.response is None
    room.partition.remote_end_offsets[OTHER] = room.log.log_end_offset
    room.partition.advance_high_watermark()
    room.purgatory.changed(room.partition)
    await read.wait()
    assert written.response is not None
    assert committed(read) == [5]
    assert not room.partition.waiting_produces
    assert len(room.purgatory) == 0


async def test_what_is_not_replicated_in_time_is_told(room: Room) -> None:
    shard = room.shard()
    room.lead([ME, OTHER], epoch=1)
    written = commit(shard, 5)
    await written.wait()
    assert written.error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert not room.partition.waiting_produces


async def test_after_a_failed_append_the_shard_is_what_the_log_says(room: Room) -> None:
    shard = room.shard()
    commit(shard, 5)
    usual = room.partition.append

    def fails(*arguments: Any, **options: Any) -> Any:
        raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)

    room.partition = Failing(room.partition, fails)  # type: ignore[assignment]  # forwards the rest
    shard.replica = room.partition
    assert commit(shard, 6).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    room.partition.append = usual  # type: ignore[method-assign]  # the disk is well again
    assert committed(fetch(shard)) == [5]
    assert commit(shard, 7).response is not None
    assert committed(fetch(shard)) == [7]


class Failing:
    """A partition whose append is another."""

    def __init__(self, partition: Partition, append: Any) -> None:
        self.partition = partition
        self.append = append

    def __getattr__(self, name: str) -> Any:
        return getattr(self.partition, name)


async def test_a_large_decision_goes_into_several_batches(room: Room) -> None:
    shard = room.shard()
    assert commit(shard, 9, partitions=3000, metadata="x" * 1000).response is not None
    loaded = room.shard()
    for _ in range(50):
        await turn_of_the_loop()
    assert committed(fetch(loaded)) == [9] * 3000


async def test_who_is_parked_when_leadership_goes_is_sent_away(room: Room) -> None:
    shard = room.shard()
    room.lead([ME, OTHER], epoch=1)
    written = commit(shard, 5)
    shard.stop()
    assert written.error is ErrorCode.NOT_COORDINATOR
    assert commit(shard, 6).error is ErrorCode.NOT_COORDINATOR
    assert len(room.purgatory) == 0
