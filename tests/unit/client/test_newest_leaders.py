"""Which leader of a partition a client believes in."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from minikafka.protocol.messages.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from minikafka_client.cluster import Cluster
from minikafka_client.config import ClientConfig


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster(ClientConfig((("127.0.0.1", 1),)))
    yield made
    await made.close()


def hear(cluster: Cluster, leader: int, epoch: int, topic_id: int = 1) -> int:
    """Some broker says so; what the client believes then."""
    partition = MetadataResponsePartition(
        partition_index=0, leader_id=leader, leader_epoch=epoch, replica_nodes=[1, 2]
    )
    topic = MetadataResponseTopic(name="t", topic_id=UUID(int=topic_id), partitions=[partition])
    brokers = [MetadataResponseBroker(node_id=1, host="a", port=1)]
    cluster._adopt(MetadataResponse(brokers=brokers, topics=[topic]), frozenset({"t"}))
    return cluster.leader("t", 0)


async def test_a_leader_of_an_older_epoch_is_not_believed(cluster: Cluster) -> None:
    assert hear(cluster, 2, 5) == 2
    assert hear(cluster, 1, 4) == 2
    assert hear(cluster, 1, 6) == 1


async def test_a_record_shows_that_there_is_a_newer_one(cluster: Cluster) -> None:
    cluster.note_leader_epoch("t", 0, 5)
    assert hear(cluster, 1, 4) == 1, "nothing is noted of what nobody has told of"
    cluster.note_leader_epoch("t", 0, 4)
    assert cluster.leader("t", 0) == 1
    cluster.note_leader_epoch("t", 0, 5)
    assert cluster.leader("t", 0) == -1
    assert hear(cluster, 1, 4) == -1
    assert hear(cluster, 2, 5) == 2


async def test_a_topic_that_is_made_anew_begins_anew(cluster: Cluster) -> None:
    assert hear(cluster, 2, 5) == 2
    cluster.note_leader_epoch("t", 0, 6)
    assert hear(cluster, 1, 0, topic_id=2) == 1
