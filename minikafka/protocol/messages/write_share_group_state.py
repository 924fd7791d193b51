"""WriteShareGroupState (api key 85): stores the state of share partitions (KIP-932).

v1: introduces DeliveryCompleteCount (KIP-1226).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int8,
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


class WriteShareGroupStateRequest(Message, api_key=85, versions=(0, 1), flexible=0):
    group_id: String = ""
    topics: list[WriteStateData] = FRESH


class WriteStateData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition: Int32 = 0
    state_epoch: Int32 = 0
    leader_epoch: Int32 = 0
    # share-partition start offset, or -1 if the start offset is not being written
    start_offset: Int64 = 0
    # number of offsets greater than or equal to share-partition start offset for which
    # delivery has been completed
    delivery_complete_count: Annotated[Int32, since(1), ignorable] = -1
    state_batches: list[StateBatch] = FRESH


class StateBatch(Struct):
    first_offset: Int64 = 0
    last_offset: Int64 = 0
    # delivery state - 0:Available,2:Acked,4:Archived
    delivery_state: Int8 = 0
    delivery_count: Int16 = 0


class WriteShareGroupStateResponse(Message, api_key=85, versions=(0, 1), flexible=0):
    results: list[WriteStateResult] = FRESH


class WriteStateResult(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = FRESH


class PartitionResult(Struct):
    partition: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
