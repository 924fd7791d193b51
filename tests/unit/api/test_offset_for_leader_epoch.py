"""OffsetForLeaderEpoch: where epochs ended."""

from typing import Any

import pytest

from minikafka.protocol.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord


async def ends(
    cluster: Any, *epochs: int, version: int = 4, index: int = 0, current: int = -1
) -> list[tuple[int, int, int]]:
    """(error code, leader epoch, end offset) for each epoch asked for."""
    request = OffsetForLeaderEpochRequest(
        replica_id=-1,
        topics=[
            OffsetForLeaderTopic(
                topic="a",
                partitions=[
                    OffsetForLeaderPartition(
                        partition=index, leader_epoch=epoch, current_leader_epoch=current
                    )
                    for epoch in epochs
                ],
            )
        ],
    )
    (topic,) = (await cluster.ask(request, version)).topics
    assert [p.partition for p in topic.partitions] == [index] * len(epochs)
    return [(p.error_code, p.leader_epoch, p.end_offset) for p in topic.partitions]


def next_epoch(cluster: Any) -> None:
    topic_id = cluster.image.topics["a"].topic_id
    cluster.replay(PartitionChangeRecord(partition_id=0, topic_id=topic_id, leader=1))


@pytest.mark.parametrize("version", range(2, 5))
async def test_the_present_epoch_ends_at_the_end_of_the_log(cluster: Any, version: int) -> None:
    cluster.add_topic("a")
    assert await ends(cluster, 0, version=version) == [(0, 0, 0)]
    cluster.append("a", 1, 2, 3)
    assert await ends(cluster, 0, 1, -1, version=version) == [(0, 0, 3), (0, -1, -1), (0, -1, -1)]


async def test_earlier_epochs_end_where_the_next_one_begins(cluster: Any) -> None:
    cluster.add_topic("a", leader_epoch=4)
    cluster.append("a", 1, 2)
    next_epoch(cluster)
    next_epoch(cluster)
    cluster.append("a", 3)
    assert await ends(cluster, *range(3, 8)) == [
        (0, 3, 0),
        (0, 4, 2),
        (0, 4, 2),
        (0, 6, 3),
        (0, -1, -1),
    ]


async def test_who_may_not_be_asked(cluster: Any) -> None:
    cluster.add_topic("a")
    assert await ends(cluster, 0, index=9) == [(3, -1, -1)]
    assert await ends(cluster, 0, current=4) == [(75, -1, -1)]
    next_epoch(cluster)
    assert await ends(cluster, 0, current=0) == [(74, -1, -1)]
    topic_id = cluster.image.topics["a"].topic_id
    cluster.replay(PartitionChangeRecord(partition_id=0, topic_id=topic_id, leader=-1))
    assert await ends(cluster, 0) == [(6, -1, -1)]
