"""FindCoordinator (key 10, v0-6): which broker coordinates a group.

v1 key types · v4 several keys (KIP-699) · v6 share groups (KIP-932). The coordinator is the leader
of the partition of `__consumer_offsets` that the key hashes to; who asks first creates that topic.
"""

from __future__ import annotations

from enum import IntEnum

from minikafka.api.auto_creation import create_topics
from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, per_item
from minikafka.api.endpoints import endpoint_for
from minikafka.metadata.topic_names import CONSUMER_OFFSETS_TOPIC
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)


class KeyType(IntEnum):
    """What a key names."""

    GROUP = 0
    TRANSACTION = 1
    SHARE = 2


_KEY_TYPES = frozenset(KeyType)
_SEVERAL_KEYS_SINCE = 4
_SHARE_SINCE = 6
_OK_MESSAGE = "NONE"
"""What versions 1 to 3 say on success."""


def refuse(
    context: RequestContext, request: FindCoordinatorRequest, error: KafkaError
) -> FindCoordinatorResponse:
    """The error at every key, which names no broker then; here with a text."""
    refused = [_nobody(key, error) for key in _keys(context, request)]
    for each in refused:
        each.error_message = error.message
    return _response(context, refused)


@handles(ApiKey.FIND_COORDINATOR, refusal=refuse)
def find_coordinator(
    context: RequestContext, request: FindCoordinatorRequest
) -> FindCoordinatorResponse:
    """Look each key up by itself. Raises KafkaError 42 for a type of keys that nobody knows."""
    if request.key_type not in _KEY_TYPES:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    found = per_item(
        _keys(context, request), lambda key: _find(context, request.key_type, key), _nobody
    )
    return _response(context, found)


def _keys(context: RequestContext, request: FindCoordinatorRequest) -> list[str]:
    return request.coordinator_keys if context.version >= _SEVERAL_KEYS_SINCE else [request.key]


def _find(context: RequestContext, key_type: int, key: str) -> Coordinator:
    """Raises KafkaError 15 (none so far), 42 (no key of that type)."""
    if key_type == KeyType.SHARE:
        if context.version < _SHARE_SINCE or len(key.split(":")) != 3:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        # This version runs no share coordinator.
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    if key_type == KeyType.TRANSACTION:
        # This version runs no transaction coordinator.
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    assert key_type == KeyType.GROUP
    index = context.services.groups.partition_of(key)
    if index is None:
        create_topics(context, [CONSUMER_OFFSETS_TOPIC])
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    image = context.services.image
    broker = image.brokers.get(image.topics[CONSUMER_OFFSETS_TOPIC].partitions[index].leader)
    address = None if broker is None or broker.fenced else endpoint_for(context, broker)
    if broker is None or address is None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return Coordinator(key=key, node_id=broker.broker_id, host=address[0], port=address[1])


def _nobody(key: str, error: KafkaError) -> Coordinator:
    return Coordinator(key=key, node_id=-1, port=-1, error_code=int(error.code))


def _message(code: int) -> str:
    return ErrorCode(code).message if code else _OK_MESSAGE


def _response(context: RequestContext, found: list[Coordinator]) -> FindCoordinatorResponse:
    if context.version >= _SEVERAL_KEYS_SINCE:
        return FindCoordinatorResponse(coordinators=found)
    (only,) = found
    return FindCoordinatorResponse(
        error_code=only.error_code,
        error_message=only.error_message or _message(only.error_code),
        node_id=only.node_id,
        host=only.host,
        port=only.port,
    )
