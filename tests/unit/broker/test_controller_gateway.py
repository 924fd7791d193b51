"""Asking a controller that is in another process, and finding it again when it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from unit.broker.controller_stage import ControllerStage

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.allocate_producer_ids import AllocateProducerIdsRequest
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumRequestPartitionData,
    DescribeQuorumRequestTopicData,
)
from minikafka.runtime.tasks import turn_of_the_loop

SCHEMA_VERSION = 7
CLIENT = "192.0.2.9"


def creation(name: str, **fields: Any) -> CreateTopicsRequest:
    topic = CreatableTopic(name=name, num_partitions=1, replication_factor=1)
    return CreateTopicsRequest(topics=[topic], **fields)


@pytest.fixture
async def stage(make_node: Any) -> AsyncIterator[ControllerStage]:
    node = await make_node()
    await node.register()
    stage = await ControllerStage(node).start()
    yield stage
    await stage.stop()


@pytest.mark.parametrize("client_host", [None, CLIENT, "::1", "::ffff:192.0.2.9", "fe80::1%lo"])
async def test_a_topic_is_created_from_elsewhere(
    stage: ControllerStage, client_host: str | None
) -> None:
    stage.known.learn(1, stage.port)
    for expected in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS):
        answer: Any = await stage.gateway.handle(
            creation("orders"), SCHEMA_VERSION, "c", client_host
        )
        assert answer.topics[0].error_code == expected
    assert "orders" in stage.node.quorum.image.topics


async def test_the_quorum_is_described_from_elsewhere(stage: ControllerStage) -> None:
    stage.known.learn(1, stage.port)
    partition = DescribeQuorumRequestPartitionData(partition_index=0)
    topic = DescribeQuorumRequestTopicData(topic_name="__cluster_metadata", partitions=[partition])
    answer: Any = await stage.gateway.handle(DescribeQuorumRequest(topics=[topic]), 2, "c", CLIENT)
    assert answer.topics[0].partitions[0].leader_id == 1


async def test_a_refusal_is_raised_as_if_it_were_decided_here(stage: ControllerStage) -> None:
    stage.known.learn(1, stage.port)
    request = AllocateProducerIdsRequest(broker_id=1, broker_epoch=77)
    with pytest.raises(KafkaError) as refused:
        await stage.gateway.handle(request, 0, None)
    assert refused.value.code is ErrorCode.STALE_BROKER_EPOCH


async def test_who_asks_before_there_is_a_controller_waits_for_it(stage: ControllerStage) -> None:
    asked = asyncio.ensure_future(stage.gateway.handle(creation("orders"), 7, "c", CLIENT))
    await turn_of_the_loop()
    assert not asked.done()
    stage.known.learn(1, stage.port)
    answer: Any = await asked
    assert answer.topics[0].error_code == 0


async def test_what_is_in_flight_when_the_controller_moves_is_asked_again(
    stage: ControllerStage,
) -> None:
    """The first answer never comes: it is not waited for once somebody else leads."""
    stage.known.learn(1, stage.port)
    stage.node.disk.flush_asked.clear()
    stage.node.disk.let_flush.clear()
    asked = asyncio.ensure_future(stage.gateway.handle(creation("orders"), 7, "c", CLIENT))
    await stage.node.disk.flush_asked.wait()
    stage.known.learn(1, stage.port)
    stage.node.disk.let_flush.set()
    answer: Any = await asked
    assert answer.topics[0].error_code == ErrorCode.TOPIC_ALREADY_EXISTS


async def test_a_controller_that_is_not_active_is_asked_until_the_time_is_over(
    stage: ControllerStage,
) -> None:
    await stage.node.quorum.stop()
    stage.known.learn(1, stage.port)
    for client_host in (None, CLIENT):
        with pytest.raises(KafkaError) as over:
            await stage.gateway.handle(creation("orders", timeout_ms=100), 7, "c", client_host)
        assert over.value.code is ErrorCode.REQUEST_TIMED_OUT


async def test_without_any_controller_the_time_is_over_as_well(stage: ControllerStage) -> None:
    with pytest.raises(KafkaError) as over:
        await stage.gateway.handle(creation("orders", timeout_ms=100), 7, "c", CLIENT)
    assert over.value.code is ErrorCode.REQUEST_TIMED_OUT


async def test_who_waits_when_the_node_stops_is_told(stage: ControllerStage) -> None:
    asked = asyncio.ensure_future(stage.gateway.handle(creation("orders"), 7, "c", CLIENT))
    await turn_of_the_loop()
    stage.gateway.close()
    with pytest.raises(KafkaError) as stopped:
        await asked
    assert stopped.value.code is ErrorCode.NOT_CONTROLLER
