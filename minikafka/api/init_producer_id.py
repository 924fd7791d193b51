"""InitProducerId (key 22, v0-5): an id for a producer that writes idempotently.

v3 the present id and epoch (KIP-360) · v4 PRODUCER_FENCED · v5 TRANSACTION_ABORTABLE (KIP-890);
v6 (two-phase commit) is unstable in Kafka 4.3 and not advertised. Without a transactional id any
broker gives a fresh id with epoch 0, whatever the producer had before. With one the transaction
coordinator decides, which this broker does not run: like a broker whose `__transaction_state` does
not exist it answers COORDINATOR_NOT_AVAILABLE, after the checks that come before the look-up.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.init_producer_id import (
    InitProducerIdRequest,
    InitProducerIdResponse,
)

_NONE = -1


def refuse_producer(
    context: RequestContext, request: InitProducerIdRequest, error: KafkaError
) -> InitProducerIdResponse:
    """The error, with neither id nor epoch."""
    return InitProducerIdResponse(
        error_code=int(error.code), producer_id=_NONE, producer_epoch=_NONE
    )


@handles(ApiKey.INIT_PRODUCER_ID, refusal=refuse_producer)
def init_producer_id(
    context: RequestContext, request: InitProducerIdRequest
) -> InitProducerIdResponse:
    """A fresh producer id with epoch 0.

    Raises `KafkaError`: 14 until the first block of ids is here, 42 for one of id and epoch
    without the other or an empty transactional id, 50 for its timeout, 15 for any other.
    """
    if (request.producer_id == _NONE) != (request.producer_epoch == _NONE):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if request.transactional_id is not None:
        _check_transactional(context, request)
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return InitProducerIdResponse(
        producer_id=context.services.producer_ids.next(), producer_epoch=0
    )


def _check_transactional(context: RequestContext, request: InitProducerIdRequest) -> None:
    if request.transactional_id == "":
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    longest_ms = context.services.settings.transaction_max_timeout_ms
    if not 0 < request.transaction_timeout_ms <= longest_ms:
        raise KafkaError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
