"""Topics created because a client asked about them."""

import logging
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import CreatableTopicResult, CreateTopicsResponse
from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic


def asking(*names: str, **rest: Any) -> MetadataRequest:
    return MetadataRequest(topics=[MetadataRequestTopic(name=name) for name in names], **rest)


async def codes(cluster: Any, *names: str) -> list[int]:
    return [topic.error_code for topic in (await cluster.ask(asking(*names), 9)).topics]


async def test_the_first_answer_is_3_and_soon_the_topic_is_there(make_cluster: Any) -> None:
    cluster = make_cluster(num_partitions="3")
    cluster.add_broker(1, "PLAINTEXT://127.0.0.1:9092")
    assert await codes(cluster, "new") == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    await cluster.settle()
    answer = await cluster.ask(asking("new"), 9)
    assert answer.topics[0].error_code == 0
    assert len(answer.topics[0].partitions) == 3


async def test_a_name_is_asked_for_once_while_it_is_being_created(cluster: Any) -> None:
    cluster.controller.gate.clear()
    assert await codes(cluster, "a") == [3]
    assert await codes(cluster, "a", "b") == [3, 3]
    await cluster.settle()
    wanted = [[t.name for t in request.topics] for request, _, _ in cluster.controller.asked]
    assert wanted == [["a"], ["b"]]
    cluster.controller.gate.set()
    await cluster.settle()
    assert await codes(cluster, "a", "b") == [0, 0]


async def test_neither_the_request_nor_the_broker_may_forbid_it(make_cluster: Any) -> None:
    cluster = make_cluster()
    await cluster.ask(asking("a", allow_auto_topic_creation=False), 9)
    forbidding = make_cluster(auto_create_topics_enable="false")
    await forbidding.ask(asking("a"), 9)
    for one in (cluster, forbidding):
        await one.settle()
        assert one.controller.asked == []


async def test_old_clients_cannot_forbid_it(cluster: Any) -> None:
    await cluster.ask(asking("a"), 3)
    await cluster.settle()
    assert "a" in cluster.image.topics


async def test_a_failed_creation_is_tried_again_by_the_next_request(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.controller.answers += [
        KafkaError(ErrorCode.REQUEST_TIMED_OUT),
        CreateTopicsResponse(
            topics=[
                CreatableTopicResult(name="a", error_code=int(ErrorCode.INVALID_REPLICATION_FACTOR))
            ]
        ),
    ]
    with caplog.at_level(logging.WARNING, "minikafka.api"):
        for _ in range(3):
            assert await codes(cluster, "a") == [3]
            await cluster.settle()
    assert len(caplog.records) == 2
    assert await codes(cluster, "a") == [0]


async def test_kafkas_own_topics_are_created_with_settings_of_their_own(
    make_cluster: Any,
) -> None:
    cluster = make_cluster(
        offsets_topic_num_partitions="5",
        offsets_topic_replication_factor="1",
        transaction_state_log_min_isr="1",
    )
    cluster.controller.gate.clear()
    names = ("__consumer_offsets", "__transaction_state", "__share_group_state")
    await cluster.ask(asking(*names), 9)
    await cluster.settle()
    ((request, version, client_id),) = cluster.controller.asked
    assert (version, client_id) == (7, "tester")
    created = {
        topic.name: (
            topic.num_partitions,
            topic.replication_factor,
            {config.name: config.value for config in topic.configs},
        )
        for topic in request.topics
    }
    assert created == {
        "__consumer_offsets": (
            5,
            1,
            {
                "cleanup.policy": "compact",
                "compression.type": "producer",
                "segment.bytes": "104857600",
            },
        ),
        "__transaction_state": (
            50,
            3,
            {
                "cleanup.policy": "compact",
                "compression.type": "uncompressed",
                "min.insync.replicas": "1",
                "segment.bytes": "104857600",
                "unclean.leader.election.enable": "false",
            },
        ),
        "__share_group_state": (
            50,
            3,
            {
                "cleanup.policy": "delete",
                "compression.type": "producer",
                "min.insync.replicas": "2",
                "retention.ms": "-1",
                "segment.bytes": "104857600",
            },
        ),
    }
    cluster.controller.gate.set()
