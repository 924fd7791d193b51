"""RegisterControllerRecord (metadata record type 27): a controller has registered (KIP-919)."""

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


class RegisterControllerRecord(Message, api_key=27, versions=(0, 0), flexible=0):
    controller_id: Int32 = 0
    incarnation_id: Uuid = ZERO_UUID
    # set if the required configurations for ZK migration are present
    zk_migration_ready: Bool = False
    end_points: list[ControllerEndpoint] = FRESH
    features: list[ControllerFeature] = FRESH


class ControllerEndpoint(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0
    security_protocol: Int16 = 0


class ControllerFeature(Struct):
    name: String = ""
    min_supported_version: Int16 = 0
    max_supported_version: Int16 = 0
