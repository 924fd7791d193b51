"""BrokerRegistration (api key 62): registers a broker's process with the active controller
(KIP-631).
"""

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
    ignorable,
    since,
)


class BrokerRegistrationRequest(Message, api_key=62, versions=(0, 4), flexible=0):
    broker_id: Int32 = 0
    cluster_id: String = ""
    incarnation_id: Uuid = ZERO_UUID
    listeners: list[Listener] = FRESH
    # features on this broker. Note: in v0-v3, features with MinSupportedVersion = 0 are
    # omitted
    features: list[Feature] = FRESH
    rack: String | None = ""
    # if the required configurations for ZK migration are present, this value is set to true
    is_migrating_zk_broker: Annotated[Bool, since(1)] = False
    # log directories configured in this broker which are available
    log_dirs: Annotated[list[Uuid], since(2), ignorable] = FRESH
    # epoch before a clean shutdown
    previous_broker_epoch: Annotated[Int64, since(3), ignorable] = -1


class Listener(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0
    security_protocol: Int16 = 0


class Feature(Struct):
    name: String = ""
    min_supported_version: Int16 = 0
    max_supported_version: Int16 = 0


class BrokerRegistrationResponse(Message, api_key=62, versions=(0, 4), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    # broker's assigned epoch, or -1 if none was assigned
    broker_epoch: Int64 = -1
