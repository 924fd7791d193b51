"""UnregisterBroker: forgotten, out of every ISR, until a new process registers."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.broker_heartbeat import BrokerHeartbeatRequest
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.unregister_broker import UnregisterBrokerRequest


def unregister(bench: Any, broker_id: int) -> None:
    request = UnregisterBrokerRequest(broker_id=broker_id)
    assert bench.take(bench.controller.administer(request, 0)).error_code == 0


def create(bench: Any, name: str, *replicas: int) -> None:
    assignment = CreatableReplicaAssignment(partition_index=0, broker_ids=list(replicas))
    topic = CreatableTopic(
        name=name, num_partitions=-1, replication_factor=-1, assignments=[assignment]
    )
    bench.take(bench.controller.create_topics(CreateTopicsRequest(topics=[topic])))


def test_its_leaderships_move_to_others(bench: Any) -> None:
    bench.up(2)
    create(bench, "orders", 2, 1)
    unregister(bench, 2)
    assert list(bench.image.brokers) == [1]
    partition = bench.partition("orders")
    assert (partition.leader, partition.isr, partition.replicas) == (1, [1], [2, 1])


def test_its_heartbeats_are_refused_until_it_starts_again(bench: Any) -> None:
    create(bench, "orders", 1)
    epoch = bench.image.brokers[1].epoch
    unregister(bench, 1)
    assert bench.partition("orders").leader == -1
    late = BrokerHeartbeatRequest(broker_id=1, broker_epoch=epoch)
    with pytest.raises(KafkaError, match="STALE_BROKER_EPOCH"):
        bench.controller.broker_heartbeat(late, 0)
    bench.up(1)
    assert bench.partition("orders").leader == 1


def test_an_unknown_broker_is_told(bench: Any) -> None:
    with pytest.raises(KafkaError) as refused:
        unregister(bench, 55)
    assert refused.value.code is ErrorCode.BROKER_ID_NOT_REGISTERED
    assert refused.value.message == "Broker ID 55 is not currently registered"
