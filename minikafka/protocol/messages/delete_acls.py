"""DeleteAcls (api key 31): removes the access control entries that match filters.

v1: adds the pattern type.
v3: adds the user resource type.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Message, String, Struct


class DeleteAclsRequest(Message, api_key=31, versions=(1, 3), flexible=2):
    filters: list[DeleteAclsFilter] = FRESH


class DeleteAclsFilter(Struct):
    resource_type_filter: Int8 = 0
    # resource name, or null to match any resource name
    resource_name_filter: String | None = ""
    pattern_type_filter: Int8 = 3
    # principal filter, or null to accept all principals
    principal_filter: String | None = ""
    # host filter, or null to accept all hosts
    host_filter: String | None = ""
    operation: Int8 = 0
    permission_type: Int8 = 0


class DeleteAclsResponse(Message, api_key=31, versions=(1, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    filter_results: list[DeleteAclsFilterResult] = FRESH


class DeleteAclsFilterResult(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
    matching_acls: list[DeleteAclsMatchingAcl] = FRESH


class DeleteAclsMatchingAcl(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
    resource_type: Int8 = 0
    resource_name: String = ""
    pattern_type: Int8 = 3
    principal: String = ""
    host: String = ""
    operation: Int8 = 0
    permission_type: Int8 = 0
