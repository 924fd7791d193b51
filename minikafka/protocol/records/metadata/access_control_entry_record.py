"""AccessControlEntryRecord (metadata record type 18): an access control entry exists."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Int8, Message, String, Uuid


class AccessControlEntryRecord(Message, api_key=18, versions=(0, 0), flexible=0):
    id: Uuid = ZERO_UUID
    resource_type: Int8 = 0
    resource_name: String = ""
    pattern_type: Int8 = 0
    principal: String = ""
    host: String = ""
    operation: Int8 = 0
    permission_type: Int8 = 0
