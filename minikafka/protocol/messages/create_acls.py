"""CreateAcls (api key 30): adds access control entries.

v1: adds resource pattern type.
v3: adds user resource type.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Message, String, Struct


class CreateAclsRequest(Message, api_key=30, versions=(1, 3), flexible=2):
    creations: list[AclCreation] = FRESH


class AclCreation(Struct):
    resource_type: Int8 = 0
    resource_name: String = ""
    resource_pattern_type: Int8 = 3
    principal: String = ""
    host: String = ""
    # operation type for the ACL (read, write, etc.)
    operation: Int8 = 0
    # permission type for the ACL (allow, deny, etc.)
    permission_type: Int8 = 0


class CreateAclsResponse(Message, api_key=30, versions=(1, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    results: list[AclCreationResult] = FRESH


class AclCreationResult(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
