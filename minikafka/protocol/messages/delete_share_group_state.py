"""DeleteShareGroupState (api key 86): deletes the stored state of share partitions (KIP-932)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int16, Int32, Message, String, Struct, Uuid


class DeleteShareGroupStateRequest(Message, api_key=86, versions=(0, 0), flexible=0):
    group_id: String = ""
    topics: list[DeleteStateData] = FRESH


class DeleteStateData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition: Int32 = 0


class DeleteShareGroupStateResponse(Message, api_key=86, versions=(0, 0), flexible=0):
    results: list[DeleteStateResult] = FRESH


class DeleteStateResult(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionResult] = FRESH


class PartitionResult(Struct):
    partition: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
