"""ClientQuotaRecord (metadata record type 14): a client quota was set or removed."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bool, Float64, Message, String, Struct


class ClientQuotaRecord(Message, api_key=14, versions=(0, 0), flexible=0):
    entity: list[EntityData] = FRESH
    key: String = ""
    # value to set, otherwise ignored if the value is to be removed
    value: Float64 = 0.0
    remove: Bool = False


class EntityData(Struct):
    entity_type: String = ""
    # name of the entity, or null if the default
    entity_name: String | None = ""
