"""AlterPartitionReassignments: begun, completed at once where possible, cancelled, refused."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.controller.decision import Decision
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord


def come_into_sync(bench: Any, topic: str, *replicas: int) -> None:
    """What the leader reports when a follower has caught up, or has fallen behind."""
    record = PartitionChangeRecord(
        partition_id=0, topic_id=bench.image.topics[topic].topic_id, isr=list(replicas)
    )
    bench.take(Decision([record], None))


@pytest.fixture
def bench(make_bench: Any) -> Any:
    """Three brokers and a topic on the first two."""
    made = make_bench()
    made.activate()
    made.up(1, 2, 3)
    topic = CreatableTopic(
        name="orders",
        num_partitions=-1,
        replication_factor=-1,
        assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=[1, 2])],
    )
    made.take(made.controller.create_topics(CreateTopicsRequest(topics=[topic])))
    return made


def reassign(
    bench: Any, replicas: list[int] | None, topic: str = "orders", index: int = 0, **fields: Any
) -> tuple[int, str | None]:
    request = AlterPartitionReassignmentsRequest(
        topics=[
            ReassignableTopic(
                name=topic,
                partitions=[ReassignablePartition(partition_index=index, replicas=replicas)],
            )
        ],
        **fields,
    )
    response = bench.take(bench.controller.administer(request, 1))
    (answered,) = response.responses
    (result,) = answered.partitions
    assert (answered.name, result.partition_index) == (topic, index)
    return result.error_code, result.error_message


def test_the_same_replicas_change_nothing(bench: Any) -> None:
    before = len(bench.log)
    assert reassign(bench, [1, 2]) == (0, None)
    assert len(bench.log) == before


def test_another_order_is_complete_at_once(bench: Any) -> None:
    assert reassign(bench, [2, 1]) == (0, None)
    partition = bench.partition("orders")
    assert (partition.replicas, partition.leader) == ([2, 1], 1)
    assert [d.int for d in partition.directories] == [1002, 1001]
    assert not partition.is_reassigning


def test_fewer_replicas_are_complete_at_once(bench: Any) -> None:
    epoch = bench.partition("orders").leader_epoch
    assert reassign(bench, [2]) == (0, None)
    partition = bench.partition("orders")
    assert (partition.replicas, partition.isr, partition.leader) == ([2], [2], 2)
    assert partition.leader_epoch == epoch + 1
    assert not partition.is_reassigning


def test_who_is_dropped_without_having_led_learns_by_the_epoch(bench: Any) -> None:
    epoch = bench.partition("orders").leader_epoch
    assert reassign(bench, [1]) == (0, None)
    partition = bench.partition("orders")
    assert (partition.replicas, partition.leader, partition.leader_epoch) == ([1], 1, epoch + 1)


def test_a_new_replica_is_added_first(bench: Any) -> None:
    assert reassign(bench, [3, 1]) == (0, None)
    partition = bench.partition("orders")
    assert partition.replicas == [3, 1, 2]
    assert (partition.adding_replicas, partition.removing_replicas) == ([3], [2])
    assert (partition.isr, partition.leader) == ([1, 2], 1)
    assert [d.int for d in partition.directories] == [1003, 1001, 1002]


def test_what_has_begun_can_be_cancelled(bench: Any) -> None:
    reassign(bench, [3, 1])
    assert reassign(bench, None) == (0, None)
    partition = bench.partition("orders")
    assert sorted(partition.replicas) == [1, 2]
    assert not partition.is_reassigning
    assert reassign(bench, None) == (ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, None)


def test_cancelling_loses_no_records(bench: Any) -> None:
    reassign(bench, [3])
    come_into_sync(bench, "orders", 3)
    code, text = reassign(bench, None)
    assert code == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    assert text is not None
    assert "unclean leader election" in text


def test_the_replication_factor_may_be_fixed(bench: Any) -> None:
    fixed: dict[str, Any] = {"allow_replication_factor_change": False}
    assert reassign(bench, [1, 2, 3], **fixed) == (
        ErrorCode.INVALID_REPLICATION_FACTOR,
        "The replication factor is changed from 2 to 3",
    )
    assert reassign(bench, [1, 3], **fixed) == (0, None)
    assert reassign(bench, [3, 2], **fixed) == (0, None)


@pytest.mark.parametrize(
    ("replicas", "topic", "index", "code", "text"),
    [
        ([1], "nope", 0, 3, "Unable to find a topic named nope."),
        (None, "nope", 0, 3, "Unable to find a topic named nope."),
        ([1], "orders", 7, 3, "Unable to find partition orders:7."),
        ([], "orders", 0, 39, "The manual partition assignment includes an empty replica list."),
        (
            [1, 1],
            "orders",
            0,
            39,
            "The manual partition assignment includes the broker 1 more than once.",
        ),
        (
            [9],
            "orders",
            0,
            39,
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
    ],
)
def test_mistakes_are_told(
    bench: Any, replicas: list[int] | None, topic: str, index: int, code: int, text: str
) -> None:
    before = len(bench.log)
    assert reassign(bench, replicas, topic, index) == (code, text)
    assert len(bench.log) == before


def test_a_request_for_nothing_is_answered_with_nothing(bench: Any) -> None:
    response = bench.controller.administer(AlterPartitionReassignmentsRequest(), 1).response
    assert (response.error_code, response.responses) == (0, [])
