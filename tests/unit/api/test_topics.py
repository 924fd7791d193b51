"""CreateTopics, DeleteTopics, CreatePartitions: passed to the controller and back."""

import uuid
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState

TOPIC_ID = uuid.UUID(int=77)


@pytest.mark.parametrize("version", range(2, 8))
async def test_a_topic_is_created_in_every_version(cluster: Any, version: int) -> None:
    request = CreateTopicsRequest(
        topics=[CreatableTopic(name="a", num_partitions=2, replication_factor=1)]
    )
    answer = await cluster.ask(request, version)
    assert [(t.name, t.error_code) for t in answer.topics] == [("a", 0)]
    assert len(cluster.image.topics["a"].partitions) == 2
    assert cluster.controller.asked[0][1:] == (version, "tester")


@pytest.mark.parametrize("version", range(2, 8))
async def test_a_refused_creation_names_every_topic(cluster: Any, version: int) -> None:
    cluster.controller.answers.append(KafkaError(ErrorCode.NOT_CONTROLLER))
    request = CreateTopicsRequest(topics=[CreatableTopic(name=name) for name in "ab"])
    answer = await cluster.ask(request, version)
    assert [(t.name, t.error_code) for t in answer.topics] == [("a", 41), ("b", 41)]
    assert all(t.error_message for t in answer.topics)


@pytest.mark.parametrize("version", range(1, 7))
async def test_a_refused_deletion_names_every_topic(cluster: Any, version: int) -> None:
    cluster.controller.answers.append(KafkaError(ErrorCode.REQUEST_TIMED_OUT))
    if version >= 6:
        request = DeleteTopicsRequest(
            topics=[DeleteTopicState(name="a"), DeleteTopicState(topic_id=TOPIC_ID)]
        )
        named = [("a", uuid.UUID(int=0)), (None, TOPIC_ID)]
    else:
        request = DeleteTopicsRequest(topic_names=["a", "b"])
        named = [("a", uuid.UUID(int=0)), ("b", uuid.UUID(int=0))]
    answer = await cluster.ask(request, version)
    assert [(r.name, r.topic_id) for r in answer.responses] == named
    assert {r.error_code for r in answer.responses} == {7}


@pytest.mark.parametrize("version", range(4))
async def test_partitions_are_the_controllers_too(cluster: Any, version: int) -> None:
    request = CreatePartitionsRequest(
        topics=[CreatePartitionsTopic(name="a", count=2, assignments=None)]
    )
    cluster.controller.answers += [
        CreatePartitionsResponse(results=[CreatePartitionsTopicResult(name="a", error_code=37)]),
        KafkaError(ErrorCode.NOT_CONTROLLER),
    ]
    for code in (37, 41):
        answer = await cluster.ask(request, version)
        assert [(r.name, r.error_code) for r in answer.results] == [("a", code)]
