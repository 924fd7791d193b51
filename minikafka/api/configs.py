"""DescribeConfigs (key 32, v1-4): the settings of a resource, and where each value comes from.

v1 synonyms (KIP-226) · v3 types and documentation (KIP-569) · v4 flexible. Topics, groups and
client metrics subscriptions can be asked of any broker; a broker and its loggers only of itself.
No keys, or null for them, means all; keys that do not exist are left out without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from minikafka.api.broker_changes import ALL_BROKERS, resource_id
from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles, per_item
from minikafka.api.loggers import logger_levels
from minikafka.metadata.image import (
    BROKER_LOGGER_RESOURCE,
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from minikafka.metadata.topic_names import illegal_name_reason
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from minikafka.settings.describe import (
    ConfigEntry,
    Source,
    describe_broker,
    describe_client_metrics,
    describe_cluster_defaults,
    describe_group,
    describe_topic,
)
from minikafka.settings.kinds import UNKNOWN_TYPE

Keys = Collection[str] | None
Describe = Callable[[NodeContext, str, Keys], Iterable[ConfigEntry]]


def refuse_configs(
    context: NodeContext, request: DescribeConfigsRequest, error: KafkaError
) -> DescribeConfigsResponse:
    """The error at every resource."""
    return DescribeConfigsResponse(
        results=[_failed(resource, error) for resource in request.resources]
    )


@handles(ApiKey.DESCRIBE_CONFIGS, refusal=refuse_configs)
def describe_configs(
    context: NodeContext, request: DescribeConfigsRequest
) -> DescribeConfigsResponse:
    """Describe each resource; raises `KafkaError` 42 when the type of one does not exist."""
    if any(resource.resource_type not in _DESCRIBE for resource in request.resources):
        raise KafkaError(ErrorCode.INVALID_REQUEST)

    def describe(resource: DescribeConfigsResource) -> DescribeConfigsResult:
        entries = _DESCRIBE[resource.resource_type](
            context, resource.resource_name, resource.configuration_keys
        )
        return DescribeConfigsResult(
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
            configs=[_config(entry, request) for entry in entries],
        )

    return DescribeConfigsResponse(results=per_item(request.resources, describe, _failed))


def _config(entry: ConfigEntry, request: DescribeConfigsRequest) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=entry.sensitive,
        synonyms=[
            DescribeConfigsSynonym(name=name, value=value, source=source)
            for name, value, source in entry.synonyms
        ]
        if request.include_synonyms
        else [],
        config_type=entry.config_type,
        documentation=entry.documentation if request.include_documentation else None,
    )


def _failed(resource: DescribeConfigsResource, error: KafkaError) -> DescribeConfigsResult:
    return DescribeConfigsResult(
        error_code=int(error.code),
        # Nothing more than the code for a topic that is not there.
        error_message="" if error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION else error.message,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )


def _topic(context: NodeContext, name: str, keys: Keys) -> Iterable[ConfigEntry]:
    """Raises `KafkaError` 17 for an illegal name, 3 for a topic that does not exist."""
    services = context.services
    image = services.image
    reason = illegal_name_reason(name)
    if reason is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, reason)
    if name not in image.topics:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return describe_topic(
        image.topic_configs(name),
        services.settings,
        image.broker_configs(services.node_id),
        image.cluster_configs,
        keys,
    )


def _broker(context: NodeContext, name: str, keys: Keys) -> Iterable[ConfigEntry]:
    """Raises `KafkaError` 42 for another broker; no name asks for what is set for all brokers."""
    services = context.services
    image = services.image
    if name == ALL_BROKERS:
        return describe_cluster_defaults(image.cluster_configs, keys)
    if resource_id(name, "Broker") != services.node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {services.node_id} or empty string, "
            f"but received {name}",
        )
    return describe_broker(
        services.settings, image.broker_configs(services.node_id), image.cluster_configs, keys
    )


def _loggers(context: NodeContext, name: str, keys: Keys) -> Iterable[ConfigEntry]:
    node_id = context.services.node_id
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Broker id must not be empty")
    if resource_id(name, "Broker") != node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {node_id} but received {name}",
        )
    return [
        ConfigEntry(logger, level, False, Source.DYNAMIC_LOGGER, False, (), UNKNOWN_TYPE, "")
        for logger, level in logger_levels().items()
        if not keys or logger in keys
    ]


def _client_metrics(context: NodeContext, name: str, keys: Keys) -> Iterable[ConfigEntry]:
    """A subscription that does not exist has the defaults."""
    if not name:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, "Client metrics subscription name must not be empty"
        )
    return describe_client_metrics(
        context.services.image.config(CLIENT_METRICS_RESOURCE, name), keys
    )


def _group(context: NodeContext, name: str, keys: Keys) -> Iterable[ConfigEntry]:
    """A group that nobody configured, or that does not exist, has the defaults."""
    services = context.services
    image = services.image
    if not name:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Group name must not be empty")
    return describe_group(
        image.config(GROUP_RESOURCE, name),
        services.settings,
        image.broker_configs(services.node_id),
        image.cluster_configs,
        keys,
    )


_DESCRIBE: dict[int, Describe] = {
    TOPIC_RESOURCE: _topic,
    BROKER_RESOURCE: _broker,
    BROKER_LOGGER_RESOURCE: _loggers,
    CLIENT_METRICS_RESOURCE: _client_metrics,
    GROUP_RESOURCE: _group,
}
