"""Which partition is whose, as clients compute it; shards come and go with leadership."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from unit.coordinators.shards import ME, OTHER, Asked, Room, commit, committed, fetch

from minikafka.coordinators.group.coordinator import GroupCoordinator
from minikafka.coordinators.runtime.host import CoordinatorHost, java_hash, partition_for
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.list_groups import ListedGroup
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.replication.partition import Partition
from minikafka.runtime.clock import AgeClock


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("polygenelubricants", -(2**31)),
        ("grüße", 98768023),
        ("𝄞", 0xD834 * 31 + 0xDD1E),
    ],
)
def test_java_hash(text: str, value: int) -> None:
    assert java_hash(text) == value


@pytest.mark.parametrize(
    ("group", "partition"),
    [("a", 47), ("group-7", 5), ("group-1-0", 4), ("group-2-0", 43), ("polygenelubricants", 0)],
)
def test_a_group_is_where_apache_kafka_has_it(group: str, partition: int) -> None:
    """As Kafka 4.3 was seen to choose among 50; the hashes of the last three are negative."""
    assert partition_for(group, 50) == partition


TOPIC = "__consumer_offsets"
HOUR_MS = 3_600_000


class Broker:
    """Two partitions of the topic, replicas of this broker, and their coordinator."""

    def __init__(self, directory: Path) -> None:
        self.rooms = [Room(directory, index, offsets_retention_minutes="60") for index in (0, 1)]
        self.image = MetadataImage()
        self.clock = AgeClock(asyncio.get_running_loop(), self.rooms[0].wall_clock)
        self.host = self.new_host()

    def new_host(self) -> CoordinatorHost[GroupCoordinator]:
        return CoordinatorHost(
            TOPIC,
            make_shard=self.rooms[0].make_shard,
            image=self.image,
            replicas=self,
            loop=asyncio.get_running_loop(),
            age_clock=self.clock,
            age_interval_ms=HOUR_MS,
        )

    def partition(self, topic: str, index: int) -> Partition:
        if index not in range(2):
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return self.rooms[index].partition

    def storage_failed(self, partition: Partition, error: OSError) -> None:
        raise error

    def create_topic(self) -> None:
        self.publish(
            TopicRecord(name=TOPIC, topic_id=UUID(int=7)),
            *(
                PartitionRecord(
                    partition_id=index, topic_id=UUID(int=7), replicas=[ME], isr=[ME], leader=ME
                )
                for index in (0, 1)
            ),
        )

    def publish(self, *records: TopicRecord | PartitionRecord) -> None:
        delta = MetadataDelta()
        for record in records:
            delta.touch(self.image, record)
            self.image.replay(record)
        self.host.publish(self.image, delta)

    def moved(self, index: int) -> None:
        """What the host hears after the replica has been told."""
        delta = MetadataDelta()
        delta.changed_partitions.add((TOPIC, index))
        self.host.publish(self.image, delta)

    def groups(self) -> list[list[ListedGroup] | ErrorCode]:
        """What each shard says when it is asked for its groups."""
        answers = []
        for shard in self.host.shards():
            asked = Asked()
            shard.submit(
                asked,
                lambda groups, decision, _, asked=asked: decision.answer(
                    asked, groups.list_groups((), ())
                ),
            )
            answers.append(asked.response if asked.error is None else asked.error)
        return answers


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.host.close()
    made.clock.close()
    for room in made.rooms:
        room.log.close(clean=False)


async def test_shards_come_with_the_topic_before_anybody_asks(broker: Broker) -> None:
    broker.host.start()
    assert broker.groups() == []
    broker.create_topic()
    assert broker.groups() == [[], []]


async def test_offsets_expire_although_nobody_asks(broker: Broker) -> None:
    broker.create_topic()
    commit(broker.rooms[0].shard(), 5)
    broker.host.start()
    end_offset = broker.rooms[0].log.log_end_offset
    await broker.clock.advance(HOUR_MS)
    await broker.clock.advance(HOUR_MS)
    assert broker.rooms[0].log.log_end_offset > end_offset
    assert committed(fetch(broker.rooms[0].shard())) == []


async def test_shards_are_loaded_one_after_the_other(broker: Broker) -> None:
    broker.create_topic()
    for room in broker.rooms:
        for offset in range(40):
            commit(room.shard(), offset, partitions=100, metadata="x" * 200)
    broker.host.start()
    loading = [ErrorCode.COORDINATOR_LOAD_IN_PROGRESS] * 2
    assert broker.groups() == loading
    seen = []
    async with asyncio.timeout(30):
        while ErrorCode.COORDINATOR_LOAD_IN_PROGRESS in (now := broker.groups()):
            if seen[-1:] != [now]:
                seen.append(now)
            await asyncio.sleep(0)
    first, second = broker.groups()
    assert seen == [loading, [first, loading[1]]]
    assert first == second


async def test_a_shard_goes_and_comes_with_leadership(broker: Broker) -> None:
    broker.create_topic()
    broker.host.start()
    room = broker.rooms[1]
    room.partition.apply(
        PartitionImage(
            replicas=[ME, OTHER], isr=[OTHER], leader=OTHER, leader_epoch=1, partition_epoch=1
        )
    )
    broker.moved(1)
    assert len(broker.groups()) == 1
    room.lead([ME], epoch=2)
    broker.moved(1)
    assert broker.groups() == [[], []]
