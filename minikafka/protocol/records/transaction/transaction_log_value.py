"""TransactionLogValue (record type 0): a transactional id: its producer, the state of its
transaction and the partitions in it.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int8, Int16, Int32, Int64, Message, String, Struct, tag


class TransactionLogValue(Message, api_key=0, versions=(0, 1), flexible=1):
    producer_id: Int64 = 0
    previous_producer_id: Annotated[Int64, tag(0, 1)] = -1
    # latest producer ID sent to the producer for the given transactional id
    next_producer_id: Annotated[Int64, tag(1, 1)] = -1
    producer_epoch: Int16 = 0
    # producer epoch associated with the NextProducerId
    next_producer_epoch: Annotated[Int16, tag(3, 1)] = -1
    transaction_timeout_ms: Int32 = 0
    transaction_status: Int8 = 0
    transaction_partitions: list[PartitionsSchema] | None = FRESH
    transaction_last_update_timestamp_ms: Int64 = 0
    transaction_start_timestamp_ms: Int64 = 0
    client_transaction_version: Annotated[Int16, tag(2, 1)] = 0


class PartitionsSchema(Struct):
    topic: String = ""
    partition_ids: list[Int32] = FRESH
