"""AlterClientQuotas (api key 49): sets and removes quotas (KIP-546)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bool, Float64, Int16, Int32, Message, String, Struct


class AlterClientQuotasRequest(Message, api_key=49, versions=(0, 1), flexible=1):
    entries: list[AlterClientQuotasRequestEntryData] = FRESH
    validate_only: Bool = False


class AlterClientQuotasRequestEntryData(Struct):
    entity: list[EntityData] = FRESH
    ops: list[OpData] = FRESH


class EntityData(Struct):
    entity_type: String = ""
    # name of the entity, or null if the default
    entity_name: String | None = ""


class OpData(Struct):
    key: String = ""
    # value to set, otherwise ignored if the value is to be removed
    value: Float64 = 0.0
    remove: Bool = False


class AlterClientQuotasResponse(Message, api_key=49, versions=(0, 1), flexible=1):
    throttle_time_ms: Int32 = 0
    entries: list[AlterClientQuotasResponseEntryData] = FRESH


class AlterClientQuotasResponseEntryData(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
    entity: list[EntityData] = FRESH
