"""Reassignments: listed from the metadata, decided by the controller."""

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignableTopic,
)
from minikafka.protocol.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsTopics,
)


async def ongoing(cluster: Any, topics: Any = None) -> list[tuple[Any, ...]]:
    answer = await cluster.ask(ListPartitionReassignmentsRequest(topics=topics), 0)
    assert (answer.error_code, answer.error_message) == (0, None)
    return [
        (t.name, p.partition_index, p.replicas, p.adding_replicas, p.removing_replicas)
        for t in answer.topics
        for p in t.partitions
    ]


async def test_a_healthy_cluster_moves_nothing(cluster: Any) -> None:
    cluster.add_topic("orders", 3)
    assert await ongoing(cluster) == []
    asked = ListPartitionReassignmentsTopics(name="orders", partition_indexes=[0, 9])
    unknown = ListPartitionReassignmentsTopics(name="nope", partition_indexes=[0])
    assert await ongoing(cluster, [asked, unknown]) == []


async def test_what_is_under_way_is_listed(cluster: Any) -> None:
    cluster.add_topic("still")
    moving: dict[str, Any] = {"adding_replicas": [3], "removing_replicas": [2]}
    cluster.add_topic("moving", 2, replicas=(1, 3, 2), **moving)
    expected = [("moving", index, [1, 3, 2], [3], [2]) for index in range(2)]
    assert await ongoing(cluster) == expected
    asked = ListPartitionReassignmentsTopics(name="moving", partition_indexes=[1])
    assert await ongoing(cluster, [asked]) == expected[1:]


@pytest.mark.parametrize("version", [0, 1])
async def test_the_controller_decides(cluster: Any, version: int) -> None:
    partition = ReassignablePartition(partition_index=4, replicas=[1])
    request = AlterPartitionReassignmentsRequest(
        topics=[ReassignableTopic(name="orders", partitions=[partition])]
    )
    cluster.controller.answers += [
        AlterPartitionReassignmentsResponse(),
        KafkaError(ErrorCode.REQUEST_TIMED_OUT),
    ]
    assert (await cluster.ask(request, version)).error_code == 0
    refused = await cluster.ask(request, version)
    assert refused.error_code == 7
    (topic,) = refused.responses
    assert [(p.partition_index, p.error_code) for p in topic.partitions] == [(4, 7)]
    assert [asked[1:] for asked in cluster.controller.asked] == [(version, "tester")] * 2
