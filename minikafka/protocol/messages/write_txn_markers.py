"""WriteTxnMarkers (api key 27): writes commit or abort markers into partitions, sent by a
transaction coordinator.

v2: transaction_version of each marker (KIP-1228).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class WriteTxnMarkersRequest(Message, api_key=27, versions=(1, 2), flexible=1):
    markers: list[WritableTxnMarker] = FRESH


class WritableTxnMarker(Struct):
    producer_id: Int64 = 0
    producer_epoch: Int16 = 0
    # result of the transaction to write to the partitions (false = ABORT, true = COMMIT)
    transaction_result: Bool = False
    topics: list[WritableTxnMarkerTopic] = FRESH
    # epoch associated with the transaction state partition hosted by this transaction
    # coordinator
    coordinator_epoch: Int32 = 0
    transaction_version: Annotated[Int8, since(2), ignorable] = 0


class WritableTxnMarkerTopic(Struct):
    name: String = ""
    # indexes of the partitions to write transaction markers for
    partition_indexes: list[Int32] = FRESH


class WriteTxnMarkersResponse(Message, api_key=27, versions=(1, 2), flexible=1):
    markers: list[WritableTxnMarkerResult] = FRESH


class WritableTxnMarkerResult(Struct):
    producer_id: Int64 = 0
    topics: list[WritableTxnMarkerTopicResult] = FRESH


class WritableTxnMarkerTopicResult(Struct):
    name: String = ""
    partitions: list[WritableTxnMarkerPartitionResult] = FRESH


class WritableTxnMarkerPartitionResult(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
