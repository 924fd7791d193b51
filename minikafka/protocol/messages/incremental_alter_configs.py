"""IncrementalAlterConfigs (api key 44): sets, deletes, appends to or subtracts from single
configs (KIP-339).
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bool, Int8, Int16, Int32, Message, String, Struct


class IncrementalAlterConfigsRequest(Message, api_key=44, versions=(0, 1), flexible=1):
    resources: list[AlterConfigsResource] = FRESH
    # true if we should validate the request, but not change the configurations
    validate_only: Bool = False


class AlterConfigsResource(Struct):
    resource_type: Int8 = 0
    resource_name: String = ""
    configs: list[AlterableConfig] = FRESH


class AlterableConfig(Struct):
    name: String = ""
    config_operation: Int8 = 0
    value: String | None = ""


class IncrementalAlterConfigsResponse(Message, api_key=44, versions=(0, 1), flexible=1):
    throttle_time_ms: Int32 = 0
    responses: list[AlterConfigsResourceResponse] = FRESH


class AlterConfigsResourceResponse(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
    resource_type: Int8 = 0
    resource_name: String = ""
