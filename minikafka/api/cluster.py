"""DescribeCluster (key 60, v0-2; KIP-700): the cluster id and the brokers on this listener.

v1 endpoint type (KIP-919) · v2 fenced brokers on request (KIP-1073).
"""

from __future__ import annotations

from minikafka.api.authorized_operations import ALL_CLUSTER_OPERATIONS, NOT_ASKED
from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.api.listener_view import ListenerView, alive_controller_id
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
    context: RequestContext, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    """List the brokers.

    Raises `KafkaError` 114 when controllers are asked for on a broker's listener, 115 for an
    endpoint type that does not exist.
    """
    if request.endpoint_type == _CONTROLLERS:
        raise KafkaError(
            ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of "
            "type CONTROLLER",
        )
    if request.endpoint_type != _BROKERS:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            f"Unsupported endpoint type {request.endpoint_type}",
        )
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
        cluster_authorized_operations=(
            ALL_CLUSTER_OPERATIONS if request.include_cluster_authorized_operations else NOT_ASKED
        ),
    )
