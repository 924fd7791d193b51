"""Administrators' commands on their way through the gateway: committed, published, in time."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasRequestEntryData,
    EntityData,
    OpData,
)
from minikafka.protocol.messages.broker_heartbeat import BrokerHeartbeatRequest
from minikafka.protocol.messages.elect_leaders import ElectLeadersRequest
from minikafka.protocol.messages.unregister_broker import UnregisterBrokerRequest
from minikafka.protocol.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest

ELR = "eligible.leader.replicas.version"


async def test_what_is_answered_stands_in_this_brokers_image(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    entry = AlterClientQuotasRequestEntryData(
        entity=[EntityData(entity_type="user", entity_name="u")],
        ops=[OpData(key="producer_byte_rate", value=1000.0)],
    )
    await node.host.handle(AlterClientQuotasRequest(entries=[entry]), 1, None)
    assert node.quorum.image.client_quotas == {(("user", "u"),): {"producer_byte_rate": 1000.0}}


async def test_only_an_update_of_features_has_all_the_time(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    with pytest.raises(KafkaError) as refused:
        await node.host.handle(ElectLeadersRequest(timeout_ms=0), 2, None)
    assert refused.value.code is ErrorCode.REQUEST_TIMED_OUT
    wanted = FeatureUpdateKey(feature=ELR, max_version_level=0, upgrade_type=2)
    request = UpdateFeaturesRequest(feature_updates=[wanted], timeout_ms=0)
    await node.host.handle(request, 2, None)
    assert ELR not in node.quorum.image.features


async def test_an_unregistered_broker_is_refused_until_it_registers(make_node: Any) -> None:
    node = await make_node()
    await node.register()
    await node.create("orders")
    epoch = node.quorum.image.brokers[1].epoch
    await node.host.handle(UnregisterBrokerRequest(broker_id=1), 0, None)
    assert node.quorum.image.brokers == {}
    assert node.quorum.image.partition("orders", 0).leader == -1
    late = BrokerHeartbeatRequest(broker_id=1, broker_epoch=epoch)
    with pytest.raises(KafkaError) as refused:
        await node.host.handle(late, 2, None)
    assert refused.value.code is ErrorCode.STALE_BROKER_EPOCH
    await node.register()
    assert node.quorum.image.partition("orders", 0).leader == 1
