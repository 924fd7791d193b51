"""A foreign broker at the controllers' listener: its registration, and what it may do before it.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka).
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from harness.broker import RunningBroker
from harness.peer import Peer

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.alter_partition import AlterPartitionRequest
from minikafka.protocol.messages.api_versions import ApiVersionsRequest
from minikafka.protocol.messages.broker_heartbeat import BrokerHeartbeatRequest
from minikafka.protocol.messages.broker_registration import (
    BrokerRegistrationRequest,
    Feature,
    Listener,
)
from minikafka.protocol.messages.describe_cluster import DescribeClusterRequest
from minikafka.protocol.messages.envelope import EnvelopeRequest

BROKER_ID = 4077
FAR = 1 << 40


class Stranger:
    """A broker that nobody has started."""

    def __init__(self, broker: RunningBroker, peer: Peer) -> None:
        self.peer = peer
        with Peer(broker.host, broker.port) as client:
            about = ApiVersionsRequest(client_software_name="x", client_software_version="1")
            self.features = [
                Feature(
                    name=found.name,
                    min_supported_version=found.min_version,
                    max_supported_version=found.max_version,
                )
                for found in client.call(about, 4).supported_features
            ]
            self.cluster_id = client.call(DescribeClusterRequest(), 1).cluster_id
        self.directory = uuid4()

    def register(self, **fields: Any) -> Any:
        request = BrokerRegistrationRequest(
            broker_id=BROKER_ID,
            cluster_id=self.cluster_id,
            incarnation_id=UUID(int=7),
            listeners=[Listener(name="PLAINTEXT", host="127.0.0.1", port=9)],
            features=self.features,
            rack=None,
            log_dirs=[self.directory],
        )
        for name, value in fields.items():
            setattr(request, name, value)
        return self.peer.call(request, 4)

    def heartbeat(self, epoch: int, **fields: Any) -> Any:
        request = BrokerHeartbeatRequest(broker_id=BROKER_ID, broker_epoch=epoch)
        for name, value in fields.items():
            setattr(request, name, value)
        return self.peer.call(request, 2)


@pytest.fixture
def stranger(own_broker: RunningBroker) -> Iterator[Stranger]:
    with Peer(own_broker.host, own_broker.controller_port) as peer:
        yield Stranger(own_broker, peer)


def foo(lowest: int, highest: int) -> Feature:
    """A feature that nobody has finalised."""
    return Feature(name="foo", min_supported_version=lowest, max_supported_version=highest)


def test_who_is_registered_and_who_is_not(stranger: Stranger) -> None:
    features = stranger.features
    for code, fields in (
        (ErrorCode.INCONSISTENT_CLUSTER_ID, {"cluster_id": "X" * 22}),
        (ErrorCode.INVALID_REGISTRATION, {"features": []}),
        (ErrorCode.UNSUPPORTED_VERSION, {"features": [*features, foo(1, 2)]}),
        (ErrorCode.UNSUPPORTED_VERSION, {"features": [foo(1, 2)]}),
        (ErrorCode.INVALID_REGISTRATION, {"log_dirs": []}),
        (ErrorCode.INVALID_REGISTRATION, {"log_dirs": [UUID(int=1)]}),
        (ErrorCode.INVALID_REGISTRATION, {"log_dirs": [stranger.directory] * 2}),
        (ErrorCode.BROKER_ID_NOT_REGISTERED, {"is_migrating_zk_broker": True, "log_dirs": []}),
        (ErrorCode.NONE, {"features": [*features, foo(0, 2)], "listeners": []}),
    ):
        assert stranger.register(**fields).error_code == code, fields


def test_the_first_heartbeat_keeps_others_away(stranger: Stranger) -> None:
    first = stranger.register().broker_epoch
    other = stranger.register(incarnation_id=UUID(int=8)).broker_epoch
    assert other > first
    assert stranger.heartbeat(first).error_code == ErrorCode.STALE_BROKER_EPOCH
    assert stranger.register(incarnation_id=UUID(int=9)).broker_epoch > other
    mine = stranger.register().broker_epoch
    behind = stranger.heartbeat(mine, current_metadata_offset=0)
    assert (behind.error_code, behind.is_caught_up, behind.is_fenced) == (0, False, True)
    late = stranger.register(incarnation_id=UUID(int=8))
    assert late.error_code == ErrorCode.DUPLICATE_BROKER_REGISTRATION
    assert stranger.register().broker_epoch == mine
    up = stranger.heartbeat(mine, current_metadata_offset=FAR)
    assert (up.is_caught_up, up.is_fenced) == (True, False)
    gone = stranger.heartbeat(mine, current_metadata_offset=FAR, want_shut_down=True)
    assert (gone.is_fenced, gone.should_shut_down) == (True, True)


def test_what_makes_no_sense_to_a_controller(stranger: Stranger) -> None:
    stale = AlterPartitionRequest(broker_id=BROKER_ID, broker_epoch=3)
    assert stranger.peer.call(stale, 3).error_code == ErrorCode.NONE, "nothing is asked for"
    brokers = stranger.peer.call(DescribeClusterRequest(), 0)
    assert brokers.error_code == ErrorCode.INVALID_REQUEST
    brokers = stranger.peer.call(DescribeClusterRequest(), 1)
    assert brokers.error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE
    nobody = EnvelopeRequest(request_data=b"abc", client_host_address=b"")
    refused = stranger.peer.call(nobody, 0)
    assert refused.error_code == ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE
