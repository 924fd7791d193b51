"""DescribeCluster (60) of a controller: the controllers, and which of them is active (KIP-919)."""

from __future__ import annotations

from minikafka.api.authorized_operations import ALL_CLUSTER_OPERATIONS, NOT_ASKED
from minikafka.api.context import ControllerContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

_BROKERS = 1
_CONTROLLERS = 2


@handles(ApiKey.DESCRIBE_CLUSTER)
def describe_cluster(
    context: ControllerContext, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    """List the controllers that have registered a listener of this name.

    Raises `KafkaError` 114 when brokers are asked for, 115 for an endpoint type that does not
    exist.
    """
    if request.endpoint_type == _BROKERS:
        raise KafkaError(
            ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            "The request was sent to an endpoint of type CONTROLLER, but we wanted an endpoint of "
            "type BROKER",
        )
    if request.endpoint_type != _CONTROLLERS:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            f"Unsupported endpoint type {request.endpoint_type}",
        )
    services = context.services
    return DescribeClusterResponse(
        endpoint_type=_CONTROLLERS,
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
        cluster_authorized_operations=(
            ALL_CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NOT_ASKED
        ),
    )
