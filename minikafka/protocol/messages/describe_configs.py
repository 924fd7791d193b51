"""DescribeConfigs (api key 32): tells configs of topics, brokers and other resources, and where
they come from.

v1: config_source and, on request, synonyms replace is_default (KIP-226).
v3: types and, on request, documentation (KIP-569).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class DescribeConfigsRequest(Message, api_key=32, versions=(1, 4), flexible=4):
    resources: list[DescribeConfigsResource] = FRESH
    include_synonyms: Bool = False
    include_documentation: Annotated[Bool, since(3)] = False


class DescribeConfigsResource(Struct):
    resource_type: Int8 = 0
    resource_name: String = ""
    # configuration keys to list, or null to list all configuration keys
    configuration_keys: list[String] | None = FRESH


class DescribeConfigsResponse(Message, api_key=32, versions=(1, 4), flexible=4):
    throttle_time_ms: Int32 = 0
    results: list[DescribeConfigsResult] = FRESH


class DescribeConfigsResult(Struct):
    error_code: Int16 = 0
    error_message: String | None = ""
    resource_type: Int8 = 0
    resource_name: String = ""
    configs: list[DescribeConfigsResourceResult] = FRESH


class DescribeConfigsResourceResult(Struct):
    name: String = ""
    value: String | None = ""
    read_only: Bool = False
    config_source: Annotated[Int8, ignorable] = -1
    is_sensitive: Bool = False
    synonyms: Annotated[list[DescribeConfigsSynonym], ignorable] = FRESH
    config_type: Annotated[Int8, since(3), ignorable] = 0
    documentation: Annotated[String | None, since(3), ignorable] = ""


class DescribeConfigsSynonym(Struct):
    name: String = ""
    value: String | None = ""
    source: Int8 = 0
