"""DescribeCluster (key 60, v0-2; KIP-700): the cluster id and the brokers on this listener.

v1 endpoint type (KIP-919) · v2 fenced brokers on request (KIP-1073).
"""

from __future__ import annotations

from minikafka.api.authorized_operations import cluster_operations
from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.api.endpoint_type import EndpointType, require_endpoint_type
from minikafka.api.listener_view import ListenerView, alive_controller_id
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)


@handles(ApiKey.DESCRIBE_CLUSTER)
def describe_cluster(
    context: RequestContext, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    """List the brokers.

    Raises `KafkaError` 114 when controllers are asked for on a broker's listener, 115 for an
    endpoint type that does not exist.
    """
    require_endpoint_type(request.endpoint_type, EndpointType.BROKER, context.version)
    listed = ListenerView(context).listed(include_fenced=request.include_fenced_brokers)
    return DescribeClusterResponse(
        cluster_id=context.services.cluster_id,
        controller_id=alive_controller_id(context),
        brokers=[
            DescribeClusterBroker(
                broker_id=broker.broker_id,
                host=host,
                port=port,
                rack=broker.rack,
                is_fenced=broker.fenced,
            )
            for broker, (host, port) in listed
        ],
        cluster_authorized_operations=cluster_operations(
            asked=request.include_cluster_authorized_operations
        ),
    )
