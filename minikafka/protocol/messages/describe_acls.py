"""DescribeAcls (api key 29): lists access control entries that match a filter.

v1: adds resource pattern type.
v3: adds user resource type.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Message, String, Struct


class DescribeAclsRequest(Message, api_key=29, versions=(1, 3), flexible=2):
    resource_type_filter: Int8 = 0
    # resource name, or null to match any resource name
    resource_name_filter: String | None = ""
    pattern_type_filter: Int8 = 3
    # principal to match, or null to match any principal
    principal_filter: String | None = ""
    # host to match, or null to match any host
    host_filter: String | None = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class DescribeAclsResponse(Message, api_key=29, versions=(1, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
    resources: list[DescribeAclsResource] = FRESH


class DescribeAclsResource(Struct):
    resource_type: Int8 = 0
    resource_name: String = ""
    pattern_type: Int8 = 3
    acls: list[AclDescription] = FRESH


class AclDescription(Struct):
    principal: String = ""
    host: String = ""
    operation: Int8 = 0
    permission_type: Int8 = 0
