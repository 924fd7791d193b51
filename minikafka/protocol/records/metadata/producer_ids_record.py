"""ProducerIdsRecord (metadata record type 15): a block of producer ids was given to a broker."""

from __future__ import annotations

from minikafka.protocol.types import Int32, Int64, Message


class ProducerIdsRecord(Message, api_key=15, versions=(0, 0), flexible=0):
    broker_id: Int32 = 0
    broker_epoch: Int64 = -1
    next_producer_id: Int64 = 0
