"""RegisterBrokerRecord (metadata record type 0): a broker's process has registered."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uint16,
    Uuid,
    since,
    tag,
)


class RegisterBrokerRecord(Message, api_key=0, versions=(0, 4), flexible=0):
    broker_id: Int32 = 0
    # true if the broker is a ZK broker in migration mode. Otherwise, false
    is_migrating_zk_broker: Annotated[Bool, since(2)] = False
    incarnation_id: Uuid = ZERO_UUID
    # broker epoch assigned by the controller
    broker_epoch: Int64 = 0
    end_points: list[BrokerEndpoint] = FRESH
    features: list[BrokerFeature] = FRESH
    rack: String | None = ""
    fenced: Bool = True
    in_controlled_shutdown: Annotated[Bool, since(1)] = False
    # log directories configured in this broker which are available
    log_dirs: Annotated[list[Uuid], tag(0, 3)] = FRESH
    # log directories that are cordoned. This is initially null before the broker starts
    # sending the value via its heartbeats
    cordoned_log_dirs: Annotated[list[Uuid] | None, tag(1, 4)] = None


class BrokerEndpoint(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0
    security_protocol: Int16 = 0


class BrokerFeature(Struct):
    name: String = ""
    min_supported_version: Int16 = 0
    max_supported_version: Int16 = 0
