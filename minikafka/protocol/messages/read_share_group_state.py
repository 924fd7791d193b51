"""ReadShareGroupState (api key 84): reads the stored state of share partitions (KIP-932)."""

from __future__ import annotations

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
)


class ReadShareGroupStateRequest(Message, api_key=84, versions=(0, 0), flexible=0):
    group_id: String = ""
    topics: list[ReadStateData] = FRESH


class ReadStateData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition: Int32 = 0
    leader_epoch: Int32 = 0


class ReadShareGroupStateResponse(Message, api_key=84, versions=(0, 0), flexible=0):
    results: list[ReadStateResult] = FRESH


class ReadStateResult(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = FRESH


class PartitionResult(Struct):
    partition: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    state_epoch: Int32 = 0
    # share-partition start offset, which can be -1 if it is not yet initialized
    start_offset: Int64 = 0
    state_batches: list[StateBatch] = FRESH


class StateBatch(Struct):
    first_offset: Int64 = 0
    last_offset: Int64 = 0
    # delivery state - 0:Available,2:Acked,4:Archived
    delivery_state: Int8 = 0
    delivery_count: Int16 = 0
