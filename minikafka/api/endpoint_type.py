"""Whom DescribeCluster is asked about, and by which listener (KIP-919)."""

from __future__ import annotations

from enum import IntEnum

from minikafka.protocol.errors import ErrorCode, KafkaError


class EndpointType(IntEnum):
    """What listens: nodes as brokers or as controllers."""

    BROKER = 1
    CONTROLLER = 2


def require_endpoint_type(asked: int, own: EndpointType, version: int) -> None:
    """KafkaError 114 when a listener of the type `own` is asked for the other type, 115 for a type
    that does not exist; 42 instead of 114 in version 0, which knows of no types.
    """
    if asked == own:
        return
    if asked not in list(EndpointType):
        raise KafkaError(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE, f"Unsupported endpoint type {asked}")
    raise KafkaError(
        ErrorCode.MISMATCHED_ENDPOINT_TYPE if version else ErrorCode.INVALID_REQUEST,
        f"The request was sent to an endpoint of type {own.name}, but we wanted an endpoint of "
        f"type {EndpointType(asked).name}",
    )
