"""InitializeShareGroupState (api key 83): starts the stored state of share partitions (KIP-932)."""

from __future__ import annotations

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
)


class InitializeShareGroupStateRequest(Message, api_key=83, versions=(0, 0), flexible=0):
    group_id: String = ""
    topics: list[InitializeStateData] = FRESH


class InitializeStateData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition: Int32 = 0
    state_epoch: Int32 = 0
    # share-partition start offset, or -1 if the start offset is not being initialized
    start_offset: Int64 = 0


class InitializeShareGroupStateResponse(Message, api_key=83, versions=(0, 0), flexible=0):
    results: list[InitializeStateResult] = FRESH


class InitializeStateResult(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = FRESH


class PartitionResult(Struct):
    partition: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
