"""The gateway to the controller: answers in time, in order, and only for what will stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from minikafka.broker.controller import RECORDS_PER_BATCH
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.allocate_producer_ids import AllocateProducerIdsRequest
from minikafka.protocol.messages.alter_configs import AlterConfigsRequest
from minikafka.protocol.messages.controller_registration import ControllerRegistrationRequest
from minikafka.protocol.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsTopic,
)
from minikafka.protocol.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)


async def test_an_answer_comes_when_this_broker_has_it(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    result = await node.create("orders", 3)
    assert result.error_code == 0
    topic = node.quorum.image.topics["orders"]
    assert topic.topic_id == result.topic_id
    assert topic.partitions[2].leader == 1


async def test_each_command_sees_what_the_one_before_appended(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    first, second = await asyncio.gather(node.create("orders"), node.create("orders"))
    assert (first.error_code, second.error_code) == (0, ErrorCode.TOPIC_ALREADY_EXISTS)


async def test_a_refusal_waits_for_what_it_refers_to(make_node: Any) -> None:
    """ "Exists already" must not be heard before it is sure that the topic stays."""
    node = await make_node()
    await node.register()
    node.disk.let_flush.clear()
    first = asyncio.ensure_future(node.create("orders"))
    second = asyncio.ensure_future(node.create("orders"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    node.disk.let_flush.set()
    assert (await second).error_code == ErrorCode.TOPIC_ALREADY_EXISTS
    assert first.done()


async def test_what_the_disk_has_no_room_for_is_refused_and_leaves_nothing(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    end_offset = node.quorum.log_end_offset
    node.disk.is_full = True
    for _ in range(2):
        with pytest.raises(KafkaError, match="no room for the metadata log") as refused:
            await node.create("orders")
        assert refused.value.code == ErrorCode.KAFKA_STORAGE_ERROR
    await node.heartbeat()  # writes nothing, so it needs no room
    assert node.quorum.log_end_offset == end_offset
    node.disk.is_full = False
    assert (await node.create("orders")).error_code == 0
    assert list(node.quorum.image.topics) == ["orders"]


async def test_a_request_may_time_out_and_still_happen(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    node.disk.let_flush.clear()
    with pytest.raises(KafkaError) as over:
        await node.create("orders", timeout_ms=5)
    assert over.value.code is ErrorCode.REQUEST_TIMED_OUT
    node.disk.let_flush.set()
    assert (await node.create("orders")).error_code == ErrorCode.TOPIC_ALREADY_EXISTS


@pytest.mark.parametrize("timeout_ms", [0, -1])
async def test_no_time_at_all_is_over_before_anything_is_done(
    make_node: Any, timeout_ms: int
) -> None:
    node = await make_node()
    await node.register()
    with pytest.raises(KafkaError) as over:
        await node.create("orders", timeout_ms=timeout_ms)
    assert over.value.code is ErrorCode.REQUEST_TIMED_OUT
    assert "orders" not in node.controller.image.topics


async def test_validation_writes_nothing(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    before = node.quorum.log_end_offset
    assert (await node.create("orders", validate_only=True)).error_code == 0
    assert node.quorum.log_end_offset == before


async def test_every_command_of_the_controller(make_node: Any) -> None:
    node = await make_node()
    epoch = await node.register()
    await node.create("orders")
    config = AlterConfigsResource(
        resource_type=2,
        resource_name="orders",
        configs=[AlterableConfig(name="retention.ms", value="5")],
    )
    partitions = CreatePartitionsTopic(name="orders", count=2, assignments=None)
    requests = [
        CreatePartitionsRequest(topics=[partitions], timeout_ms=1000),
        IncrementalAlterConfigsRequest(resources=[config]),
        AlterConfigsRequest(),
        AllocateProducerIdsRequest(broker_id=1, broker_epoch=epoch),
        ControllerRegistrationRequest(controller_id=1),
    ]
    for request in requests:
        await node.host.handle(request, 0, None)
    image = node.quorum.image
    assert len(image.topics["orders"].partitions) == 2
    assert image.topic_configs("orders") == {"retention.ms": "5"}
    assert image.next_producer_id == 1000
    assert list(image.controllers) == [1]
    deletion = DeleteTopicsRequest(topics=[DeleteTopicState(name="orders")], timeout_ms=1000)
    await node.host.handle(deletion, 6, None)
    assert image.topics == {}


async def test_a_refused_request_raises(make_node: Any) -> None:
    node = await make_node()
    with pytest.raises(KafkaError) as stale:
        await node.host.handle(AllocateProducerIdsRequest(broker_id=1), 0, None)
    assert stale.value.code is ErrorCode.STALE_BROKER_EPOCH


async def test_after_the_stop_there_is_no_controller_here(make_node: Any) -> None:
    node = await make_node()
    await node.stop()
    with pytest.raises(KafkaError) as gone:
        await node.create("orders")
    assert gone.value.code is ErrorCode.NOT_CONTROLLER


async def test_stopping_and_starting_moves_the_leader_epoch_twice(make_node: Any) -> None:
    node = await make_node()
    epoch = await node.register()
    await node.create("orders")
    assert not (await node.heartbeat(want_shut_down=True)).should_shut_down
    assert (await node.heartbeat(want_shut_down=True)).should_shut_down
    await node.stop()
    again = await make_node()
    assert again.quorum.image.topics["orders"].partitions[0].leader == -1
    await again.register(previous_epoch=epoch)
    partition = again.quorum.image.topics["orders"].partitions[0]
    assert (partition.leader, partition.leader_epoch, partition.isr) == (1, 2, [1])
    assert partition.leader_recovery_state == 0


async def test_a_start_with_many_partitions_writes_batches_that_others_can_read(
    make_node: Any,
) -> None:
    node = await make_node()
    await node.register()
    for name in "abc":
        assert (await node.create(name, RECORDS_PER_BATCH // 2 + 1)).error_code == 0
    await node.crash()
    again = await make_node()
    await again.register()
    topics = again.quorum.image.topics.values()
    assert all(p.leader == 1 for topic in topics for p in topic.partitions.values())
