"""AssignReplicasToDirs: brokers that tell in which directory a replica is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.assign_replicas_to_dirs import (
    AssignReplicasToDirsRequest,
    AssignReplicasToDirsRequestDirectoryData,
    AssignReplicasToDirsRequestPartitionData,
    AssignReplicasToDirsRequestTopicData,
)
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest

FIRST, SECOND, FAILED = UUID(int=2001), UUID(int=2002), UUID(int=2003)
UNKNOWN = UUID(int=99)


@pytest.fixture
def bench(make_bench: Any) -> Any:
    """Two brokers, the second with two directories; three partitions on both."""
    made = make_bench()
    made.activate()
    made.up(1)
    made.register(2, log_dirs=[FIRST, SECOND])
    made.heartbeat(2)
    topic = CreatableTopic(name="orders", num_partitions=3, replication_factor=2)
    made.take(made.controller.create_topics(CreateTopicsRequest(topics=[topic])))
    return made


def assign(bench: Any, placed: dict[UUID, list[int]], broker_id: int = 2, **fields: Any) -> Any:
    topic_id = fields.pop("topic_id", bench.image.topics["orders"].topic_id)
    directories = [
        AssignReplicasToDirsRequestDirectoryData(
            id=directory,
            topics=[
                AssignReplicasToDirsRequestTopicData(
                    topic_id=topic_id,
                    partitions=[
                        AssignReplicasToDirsRequestPartitionData(partition_index=i) for i in indexes
                    ],
                )
            ],
        )
        for directory, indexes in placed.items()
    ]
    request = AssignReplicasToDirsRequest(
        broker_id=broker_id,
        broker_epoch=fields.pop("epoch", bench.image.brokers[broker_id].epoch),
        directories=directories,
    )
    answered = bench.take(bench.controller.administer(request, 0)).directories
    assert [answer.id for answer in answered] == list(placed)
    return [
        partition.error_code
        for answer in answered
        for topic in answer.topics
        for partition in topic.partitions
    ]


def directory(bench: Any, index: int) -> Any:
    return bench.partition("orders", index).directory_of(2)


def test_directories_are_noted_and_nothing_else_changes(bench: Any) -> None:
    before = bench.partition("orders", 0)
    assert assign(bench, {FIRST: [0, 1], SECOND: [2]}) == [0, 0, 0]
    assert [directory(bench, index) for index in range(3)] == [FIRST, FIRST, SECOND]
    assert bench.partition("orders", 0).isr == before.isr
    assert bench.partition("orders", 0).leader_epoch == before.leader_epoch
    said = len(bench.log)
    assert assign(bench, {FIRST: [0, 1], SECOND: [2]}) == [0, 0, 0]
    assert len(bench.log) == said


def test_in_a_failed_directory_a_replica_is_not_in_sync(bench: Any) -> None:
    assert assign(bench, {FAILED: [0, 1, 2]}) == [0, 0, 0]
    for index in range(3):
        partition = bench.partition("orders", index)
        assert (partition.isr, partition.leader) == ([1], 1)
        assert directory(bench, index) == FAILED


def test_what_is_not_there_is_told(bench: Any) -> None:
    assert assign(bench, {FIRST: [7]}) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert assign(bench, {FIRST: [0]}, topic_id=UNKNOWN) == [ErrorCode.UNKNOWN_TOPIC_ID]
    bench.up(3)
    assert assign(bench, {UUID(int=1003): [0]}, broker_id=3) == [ErrorCode.NOT_LEADER_OR_FOLLOWER]


def test_a_former_process_is_refused(bench: Any) -> None:
    with pytest.raises(KafkaError) as refused:
        assign(bench, {FIRST: [0]}, epoch=0)
    assert refused.value.code is ErrorCode.STALE_BROKER_EPOCH
