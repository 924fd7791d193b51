"""DescribeCluster (60) of a controller: the controllers, and which of them is active (KIP-919)."""

from __future__ import annotations

from minikafka.api.authorized_operations import cluster_operations
from minikafka.api.context import ControllerContext
from minikafka.api.dispatch import handles
from minikafka.api.endpoint_type import EndpointType, require_endpoint_type
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)


@handles(ApiKey.DESCRIBE_CLUSTER)
def describe_cluster(
    context: ControllerContext, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    """List the controllers that have registered a listener of this name.

    Raises `KafkaError` 114 when brokers are asked for (42 in version 0), 115 for an endpoint
    type that does not exist.
    """
    require_endpoint_type(request.endpoint_type, EndpointType.CONTROLLER, context.version)
    services = context.services
    return DescribeClusterResponse(
        endpoint_type=EndpointType.CONTROLLER,
        cluster_id=services.cluster_id,
        controller_id=services.quorum.leader_id,
        brokers=[
            DescribeClusterBroker(
                broker_id=controller.controller_id, host=endpoint.host, port=endpoint.port
            )
            for _, controller in sorted(services.image.controllers.items())
            for endpoint in controller.endpoints
            if endpoint.name == context.listener
        ],
        cluster_authorized_operations=cluster_operations(
            asked=request.include_cluster_authorized_operations
        ),
    )
