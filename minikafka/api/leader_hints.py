"""Where a moved leader is now (KIP-951): the endpoints that Produce and Fetch answers carry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from minikafka.api.context import RequestContext
from minikafka.api.endpoints import endpoint_for

NodeEndpoint = TypeVar("NodeEndpoint")


def leader_endpoints(
    context: RequestContext, node_ids: Iterable[int], make: Callable[..., NodeEndpoint]
) -> list[NodeEndpoint]:
    """One `make(node_id=, host=, port=, rack=)` for each known node, on the client's listener."""
    brokers: Any = context.services.image.brokers
    endpoints = []
    for node_id in dict.fromkeys(node_ids):
        broker = brokers.get(node_id)
        address = None if broker is None else endpoint_for(context, broker)
        if address is not None:
            host, port = address
            endpoints.append(make(node_id=node_id, host=host, port=port, rack=broker.rack))
    return endpoints
