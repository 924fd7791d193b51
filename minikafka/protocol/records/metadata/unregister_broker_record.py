"""UnregisterBrokerRecord (metadata record type 1): a broker is gone for good."""

from __future__ import annotations

from minikafka.protocol.types import Int32, Int64, Message


class UnregisterBrokerRecord(Message, api_key=1, versions=(0, 0), flexible=0):
    broker_id: Int32 = 0
    broker_epoch: Int64 = 0
