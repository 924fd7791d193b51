"""AllocateProducerIds (67): blocks of producer ids, never given out twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.brokers import check_broker_epoch
from minikafka.controller.decision import Decision
from minikafka.protocol.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)
from minikafka.protocol.records.metadata.producer_ids_record import ProducerIdsRecord

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState

BLOCK_SIZE = 1000


def allocate_producer_ids(
    state: ControllerState, request: AllocateProducerIdsRequest
) -> Decision[AllocateProducerIdsResponse]:
    """The next block, for a broker in its present epoch (KafkaError STALE_BROKER_EPOCH)."""
    check_broker_epoch(state, request.broker_id, request.broker_epoch)
    start = state.image.next_producer_id
    record = ProducerIdsRecord(
        broker_id=request.broker_id,
        broker_epoch=request.broker_epoch,
        next_producer_id=start + BLOCK_SIZE,
    )
    response = AllocateProducerIdsResponse(producer_id_start=start, producer_id_len=BLOCK_SIZE)
    return Decision([record], response)
