"""AlterConfigs (api key 33): replaces all configs of a resource; IncrementalAlterConfigs changes
single ones.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bool, Int8, Int16, Int32, Message, String, Struct


class AlterConfigsRequest(Message, api_key=33, versions=(0, 2), flexible=2):
    resources: list[AlterConfigsResource] = FRESH
    # true if we should validate the request, but not change the configurations
    validate_only: Bool = False


class AlterConfigsResource(Struct):
    resource_type: Int8 = 0
    resource_name: String = ""
    configs: list[AlterableConfig] = FRESH


class AlterableConfig(Struct):
    name: String = ""
    value: String | None = ""


class AlterConfigsResponse(Message, api_key=33, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    responses: list[AlterConfigsResourceResponse] = FRESH


class AlterConfigsResourceResponse(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
    resource_type: Int8 = 0
    resource_name: String = ""
