"""The life of brokers with an active controller, which here is in the same process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from unit.broker.conftest import node_settings

from minikafka.broker.lifecycle import BrokerLifecycle
from minikafka.metadata.image import BrokerImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.unregister_broker import UnregisterBrokerRequest
from minikafka.runtime.entropy import random_uuid

ENDPOINTS = [("PLAINTEXT", "localhost", 9092, "PLAINTEXT")]
NEVER_MS = "1000000"  # heartbeats that only come when there is something to say
PATIENCE_S = 60


async def _yes() -> bool:
    return True


async def _no() -> bool:
    return False


def make_lifecycle(node: Any, broker_id: int, previous_epoch: int = -1) -> BrokerLifecycle:
    settings = node_settings(
        node.storage.metadata_directory,
        node_id=str(broker_id),
        controller_quorum_voters=f"1@localhost:9093,{broker_id}@localhost:9094",
        broker_heartbeat_interval_ms=NEVER_MS,
        initial_broker_registration_timeout_ms="500",
    )
    directory_ids = [random_uuid(node.random)]
    lifecycle = BrokerLifecycle(
        settings=settings,
        cluster_id=node.storage.cluster_id,
        incarnation_id=random_uuid(node.random),
        directory_ids=directory_ids,
        previous_broker_epoch=previous_epoch,
        controller=node.host,
        image=node.quorum.image,
        scope=node.scope,
        online_directory_ids=lambda: directory_ids,
    )
    node.quorum.on_publish(lifecycle.publish)
    return lifecycle


async def join(node: Any, broker_id: int) -> BrokerLifecycle:
    lifecycle = make_lifecycle(node, broker_id)
    await lifecycle.register(ENDPOINTS)
    await lifecycle.unfence()
    return lifecycle


async def until_up(node: Any, broker_id: int, *, other_than: int = -1) -> BrokerImage:
    """The registration, once it is unfenced and has another epoch."""
    published = asyncio.Event()
    node.quorum.on_publish(lambda image, delta: published.set())
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found: BrokerImage | None = node.quorum.image.brokers.get(broker_id)
            if found is not None and not found.fenced and found.epoch != other_than:
                return found
            await published.wait()
            published.clear()


async def test_a_broker_comes_up(make_node: Any) -> None:
    node = await make_node()
    lifecycle = make_lifecycle(node, 2)
    await lifecycle.register(ENDPOINTS)
    assert node.quorum.image.brokers[2].fenced
    await lifecycle.unfence()
    broker = node.quorum.image.brokers[2]
    assert (broker.fenced, broker.epoch) == (False, lifecycle.broker_epoch)


async def test_who_is_forgotten_registers_anew(make_node: Any) -> None:
    node = await make_node()
    lifecycle = await join(node, 2)
    before = lifecycle.broker_epoch
    await node.host.handle(UnregisterBrokerRequest(broker_id=2), 0, None)
    found = await until_up(node, 2, other_than=before)
    assert found.epoch == lifecycle.broker_epoch > before


async def test_who_is_taken_for_dead_says_so_at_once(make_node: Any) -> None:
    node = await make_node()
    lifecycle = await join(node, 2)
    node.host.broker_gone(2, lifecycle.broker_epoch)
    await node.quorum.committed(node.quorum.log_end_offset - 1)
    found = await until_up(node, 2)
    assert found.epoch == lifecycle.broker_epoch


async def test_a_successor_waits_for_a_session_and_not_for_one_that_has_ended(
    make_node: Any,
) -> None:
    node = await make_node()
    first = await join(node, 2)
    with pytest.raises(KafkaError) as late:
        await make_lifecycle(node, 2).register(ENDPOINTS)
    assert late.value.code is ErrorCode.REQUEST_TIMED_OUT
    node.host.broker_gone(2, first.broker_epoch)
    second = make_lifecycle(node, 2)
    await second.register(ENDPOINTS)
    assert second.broker_epoch > first.broker_epoch


async def test_brokers_tell_at_once_that_they_know_who_leaves(make_node: Any) -> None:
    """Nobody here sends a heartbeat in time, so it is by this news alone that one may leave."""
    node = await make_node()
    leaving, _staying = await join(node, 2), await join(node, 3)
    await node.create("orders", partitions=2)  # one of them led by broker 2: there is news
    await leaving.leave(PATIENCE_S, may_elect=_yes)
    broker = node.quorum.image.brokers[2]
    assert (broker.fenced, broker.in_controlled_shutdown) == (True, True)


async def test_nobody_waits_for_a_controller_that_is_not_there(make_node: Any) -> None:
    node = await make_node()
    lifecycle = await join(node, 2)
    node.disk.let_flush.clear()
    await lifecycle.leave(PATIENCE_S, may_elect=_no)
    assert not node.quorum.image.brokers[2].in_controlled_shutdown
