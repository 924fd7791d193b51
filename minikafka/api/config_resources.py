"""ListConfigResources (key 74, v0-1; KIP-1142): what configs can be asked of.

v0 was ListClientMetricsResources and names subscriptions only · v1 asks by resource type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.api.listener_view import ListenerView
from minikafka.metadata.image import (
    BROKER_LOGGER_RESOURCE,
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)


@handles(ApiKey.LIST_CONFIG_RESOURCES)
def list_config_resources(
    context: RequestContext, request: ListConfigResourcesRequest
) -> ListConfigResourcesResponse:
    """Name the resources. Raises `KafkaError` 35 for a type that does not exist."""
    wanted = set(request.resource_types) or set(_NAMES)
    if context.version == 0:
        wanted = {CLIENT_METRICS_RESOURCE}
    if not wanted <= _NAMES.keys():
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    return ListConfigResourcesResponse(
        config_resources=[
            ConfigResource(resource_name=name, resource_type=kind)
            for kind, names in _NAMES.items()
            if kind in wanted
            for name in names(context)
        ]
    )


def _configured(kind: int) -> Callable[[RequestContext], Iterable[str]]:
    """Groups and subscriptions are resources by having configs."""

    def names(context: RequestContext) -> Iterable[str]:
        configs = context.services.image.configs
        return [name for resource_type, name in configs if resource_type == kind]

    return names


def _topics(context: RequestContext) -> Iterable[str]:
    return context.services.image.topics


def _brokers(context: RequestContext) -> Iterable[str]:
    return [str(broker.broker_id) for broker, _ in ListenerView(context).listed()]


_NAMES: Final[dict[int, Callable[[RequestContext], Iterable[str]]]] = {
    GROUP_RESOURCE: _configured(GROUP_RESOURCE),
    CLIENT_METRICS_RESOURCE: _configured(CLIENT_METRICS_RESOURCE),
    BROKER_LOGGER_RESOURCE: _brokers,
    BROKER_RESOURCE: _brokers,
    TOPIC_RESOURCE: _topics,
}
