"""ListConfigResources (api key 74): lists resources that have configs.

v0: only client metrics subscriptions; the api was named ListClientMetricsResources.
v1: resource_types, all if empty (KIP-1142).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class ListConfigResourcesRequest(Message, api_key=74, versions=(0, 1), flexible=0):
    # list of resource type. If the list is empty, it uses default supported config resource
    # types
    resource_types: Annotated[list[Int8], since(1)] = FRESH


class ListConfigResourcesResponse(Message, api_key=74, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    config_resources: list[ConfigResource] = FRESH


class ConfigResource(Struct):
    resource_name: String = ""
    resource_type: Annotated[Int8, since(1), ignorable] = 16
