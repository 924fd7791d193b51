"""Metadata: brokers, topics and leaders as a client of one listener is told them."""

import uuid
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord
from minikafka.protocol.types import ZERO_UUID

ALL_VERSIONS = range(14)
NOT_ASKED = -(2**31)


def asking(*names: str | None, **rest: Any) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names], **rest)


def by_id(*topic_ids: uuid.UUID) -> MetadataRequest:
    return MetadataRequest(
        topics=[MetadataRequestTopic(name=None, topic_id=topic_id) for topic_id in topic_ids]
    )


@pytest.mark.parametrize("version", ALL_VERSIONS)
async def test_tells_brokers_and_leaders_in_every_version(cluster: Any, version: int) -> None:
    topic_id = cluster.add_topic("gold", partitions=2)
    answer = await cluster.ask(asking("gold"), version)
    assert [(b.node_id, b.host, b.port) for b in answer.brokers] == [(1, "127.0.0.1", 9092)]
    assert answer.controller_id == (1 if version >= 1 else -1)
    assert answer.cluster_id == ("G9pOVcrcTuKIrxnu_FpNhg" if version >= 2 else None)
    (topic,) = answer.topics
    assert (topic.error_code, topic.name) == (0, "gold")
    assert topic.topic_id == (topic_id if version >= 10 else ZERO_UUID)
    assert [
        (p.error_code, p.partition_index, p.leader_id, p.leader_epoch, p.replica_nodes, p.isr_nodes)
        for p in topic.partitions
    ] == [(0, index, 1, 0 if version >= 7 else -1, [1], [1]) for index in range(2)]
    assert topic.topic_authorized_operations == NOT_ASKED


@pytest.mark.parametrize("version", ALL_VERSIONS)
async def test_all_topics_is_an_empty_list_at_first_and_null_ever_since(
    cluster: Any, version: int
) -> None:
    cluster.add_topic("a")
    cluster.add_topic("b")
    empty = await cluster.ask(MetadataRequest(topics=[]), version)
    assert len(empty.topics) == (2 if version == 0 else 0)
    if version >= 1:
        null = await cluster.ask(MetadataRequest(topics=None), version)
        assert {topic.name for topic in null.topics} == {"a", "b"}


async def test_unknown_names_stand_behind_known_ones_and_names_count_once(cluster: Any) -> None:
    cluster.add_topic("a")
    cluster.add_topic("b")
    request = asking("b", "nope", "a", "b", "nope", allow_auto_topic_creation=False)
    answer = await cluster.ask(request, 9)
    assert [(t.name, t.error_code) for t in answer.topics] == [("b", 0), ("a", 0), ("nope", 3)]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "ö", "x" * 250])
async def test_illegal_names_are_told_so_and_never_created(cluster: Any, name: str) -> None:
    answer = await cluster.ask(asking(name), 9)
    assert answer.topics[0].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    await cluster.settle()
    assert cluster.controller.asked == []


async def test_topics_by_id_leave_names_out_of_sight(cluster: Any) -> None:
    topic_id = cluster.add_topic("a")
    cluster.add_topic("b")
    unknown = uuid.UUID(int=99)
    request = by_id(topic_id, unknown, topic_id)
    request.topics.append(MetadataRequestTopic(name="b"))
    answer = await cluster.ask(request, 12)
    assert [(t.name, t.topic_id, t.error_code) for t in answer.topics] == [
        (None, unknown, ErrorCode.UNKNOWN_TOPIC_ID),
        ("a", topic_id, 0),
    ]


@pytest.mark.parametrize("version", [10, 11])
async def test_ids_and_nulls_are_refused_before_version_12(cluster: Any, version: int) -> None:
    for request in (by_id(uuid.UUID(int=9)), asking(None)):
        answer = await cluster.ask(request, version)
        assert answer.brokers == []
        assert (answer.cluster_id, answer.controller_id) == (None, -1)
        assert answer.topics[0].error_code == ErrorCode.INVALID_REQUEST


async def test_a_topic_with_neither_name_nor_id_fails_as_it_does_in_kafka(cluster: Any) -> None:
    answer = await cluster.ask(asking(None), 13)
    assert answer.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
    assert answer.topics[0].error_code == ErrorCode.UNKNOWN_SERVER_ERROR


async def test_authorized_operations_are_told_when_asked(cluster: Any) -> None:
    cluster.add_topic("a")
    request = asking(
        "a",
        "nope",
        allow_auto_topic_creation=False,
        include_topic_authorized_operations=True,
        include_cluster_authorized_operations=True,
    )
    answer = await cluster.ask(request, 10)
    assert answer.cluster_authorized_operations == 8096
    assert [topic.topic_authorized_operations for topic in answer.topics] == [3576, 3576]


async def test_internal_topics_are_marked_even_while_they_do_not_exist(cluster: Any) -> None:
    cluster.add_topic("__consumer_offsets")
    request = asking("__consumer_offsets", "__transaction_state", allow_auto_topic_creation=False)
    answer = await cluster.ask(request, 9)
    assert [topic.is_internal for topic in answer.topics] == [True, True]


async def test_a_partition_without_a_leader_is_listed_with_error_5(cluster: Any) -> None:
    topic_id = cluster.add_topic("a")
    cluster.replay(PartitionChangeRecord(partition_id=0, topic_id=topic_id, leader=-1, isr=[]))
    (partition,) = (await cluster.ask(asking("a"), 13)).topics[0].partitions
    assert partition.error_code == ErrorCode.LEADER_NOT_AVAILABLE
    assert (partition.leader_id, partition.leader_epoch, partition.isr_nodes) == (-1, 1, [])


@pytest.mark.parametrize(("version", "code"), [(5, 5), (6, 72), (13, 72)])
async def test_a_leader_without_the_clients_listener_is_none(
    cluster: Any, version: int, code: int
) -> None:
    cluster.add_broker(2, "OTHER://far:9099")
    cluster.add_topic("a", replicas=(2, 1))
    answer = await cluster.ask(asking("a"), version)
    assert [broker.node_id for broker in answer.brokers] == [1]
    (partition,) = answer.topics[0].partitions
    assert (partition.error_code, partition.leader_id) == (code, -1)
    assert partition.offline_replicas == [2]


async def test_version_0_sees_only_replicas_that_are_there(cluster: Any) -> None:
    cluster.add_topic("a", replicas=(1, 3))
    (partition,) = (await cluster.ask(asking("a"), 0)).topics[0].partitions
    assert partition.error_code == ErrorCode.REPLICA_NOT_AVAILABLE
    assert (partition.replica_nodes, partition.isr_nodes) == ([1], [1])
    (partition,) = (await cluster.ask(asking("a"), 5)).topics[0].partitions
    assert (partition.error_code, partition.replica_nodes) == (0, [1, 3])
    assert partition.offline_replicas == [3]


async def test_fenced_brokers_are_not_listed_and_their_replicas_are_offline(cluster: Any) -> None:
    cluster.add_broker(2, "PLAINTEXT://b:9092", fenced=True, rack="r2")
    cluster.add_broker(3, "PLAINTEXT://c:9092", rack="r3")
    cluster.add_topic("a", replicas=(1, 2, 3))
    answer = await cluster.ask(asking("a"), 9)
    assert [(b.node_id, b.host, b.rack) for b in answer.brokers] == [
        (1, "127.0.0.1", None),
        (3, "c", "r3"),
    ]
    assert answer.topics[0].partitions[0].offline_replicas == [2]
    seen = {(await cluster.ask(asking("a"), 9)).controller_id for _ in range(50)}
    assert seen == {1, 3}, "any broker that is alive forwards to the controller"


async def test_replicas_in_a_failed_directory_are_offline(cluster: Any) -> None:
    good, bad, lost = uuid.UUID(int=50), uuid.UUID(int=51), uuid.UUID(int=1)
    for broker_id in (2, 3, 4, 5):
        cluster.add_broker(broker_id, f"PLAINTEXT://h{broker_id}:9092", log_dirs=[good])
    cluster.add_topic("a", replicas=(2, 3, 4, 5), directories=[good, bad, lost, ZERO_UUID])
    (partition,) = (await cluster.ask(asking("a"), 9)).topics[0].partitions
    assert partition.offline_replicas == [3, 4]


async def test_no_broker_at_all_is_an_honest_answer(bare: Any) -> None:
    answer = await bare.ask(MetadataRequest(topics=None), 13)
    assert (answer.brokers, answer.controller_id, answer.topics) == ([], -1, [])
