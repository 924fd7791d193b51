"""ReadShareGroupStateSummary (api key 87): reads start offsets and epochs of share partitions
(KIP-932).

v1: introduces DeliveryCompleteCount in the response (KIP-1226).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uuid,
    ignorable,
    since,
)


class ReadShareGroupStateSummaryRequest(Message, api_key=87, versions=(0, 1), flexible=0):
    group_id: String = ""
    topics: list[ReadStateSummaryData] = FRESH


class ReadStateSummaryData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition: Int32 = 0
    leader_epoch: Int32 = 0


class ReadShareGroupStateSummaryResponse(Message, api_key=87, versions=(0, 1), flexible=0):
    results: list[ReadStateSummaryResult] = FRESH


class ReadStateSummaryResult(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = FRESH


class PartitionResult(Struct):
    partition: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    state_epoch: Int32 = 0
    leader_epoch: Int32 = 0
    start_offset: Int64 = 0
    # number of offsets greater than or equal to share-partition start offset for which
    # delivery has been completed
    delivery_complete_count: Annotated[Int32, since(1), ignorable] = -1
