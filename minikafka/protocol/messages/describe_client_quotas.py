"""DescribeClientQuotas (api key 48): lists quotas that match a filter (KIP-546)."""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Float64,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Struct,
)


class DescribeClientQuotasRequest(Message, api_key=48, versions=(0, 1), flexible=1):
    components: list[ComponentData] = FRESH
    strict: Bool = False


class ComponentData(Struct):
    entity_type: String = ""
    # how to match the entity {0 = exact name, 1 = default name, 2 = any specified name}
    match_type: Int8 = 0
    # string to match against, or null if unused for the match type
    match: String | None = ""


class DescribeClientQuotasResponse(Message, api_key=48, versions=(0, 1), flexible=1):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
    entries: list[EntryData] | None = FRESH


class EntryData(Struct):
    entity: list[EntityData] = FRESH
    values: list[ValueData] = FRESH


class EntityData(Struct):
    entity_type: String = ""
    # entity name, or null if the default
    entity_name: String | None = ""


class ValueData(Struct):
    key: String = ""
    value: Float64 = 0.0
