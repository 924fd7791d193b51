"""UnregisterBroker (64): a broker is gone for good (KIP-631).

It leaves every ISR and its registration is forgotten. Should its process still run, its heartbeats
are refused; only a new process registers again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.leadership import broker_goes
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.unregister_broker import (
    UnregisterBrokerRequest,
    UnregisterBrokerResponse,
)
from minikafka.protocol.records.metadata.unregister_broker_record import UnregisterBrokerRecord

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState


def decide(
    state: ControllerState, request: UnregisterBrokerRequest, version: int
) -> Decision[UnregisterBrokerResponse]:
    """Forget the broker. KafkaError BROKER_ID_NOT_REGISTERED."""
    broker = state.image.brokers.get(request.broker_id)
    if broker is None:
        raise KafkaError(
            ErrorCode.BROKER_ID_NOT_REGISTERED,
            f"Broker ID {request.broker_id} is not currently registered",
        )
    records = [
        *broker_goes(state, broker.broker_id),
        UnregisterBrokerRecord(broker_id=broker.broker_id, broker_epoch=broker.epoch),
    ]
    return Decision(records, UnregisterBrokerResponse(), atomic=False)
