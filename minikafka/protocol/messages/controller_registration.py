"""ControllerRegistration (api key 70): registers a controller with the active one (KIP-919)."""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uint16,
    Uuid,
)


class ControllerRegistrationRequest(Message, api_key=70, versions=(0, 0), flexible=0):
    controller_id: Int32 = 0
    # controller incarnation ID, which is unique to each process run
    incarnation_id: Uuid = ZERO_UUID
    # set if the required configurations for ZK migration are present
    zk_migration_ready: Bool = False
    listeners: list[Listener] = FRESH
    features: list[Feature] = FRESH


class Listener(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0
    security_protocol: Int16 = 0


class Feature(Struct):
    name: String = ""
    min_supported_version: Int16 = 0
    max_supported_version: Int16 = 0


class ControllerRegistrationResponse(Message, api_key=70, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
