"""DeleteRecords (api key 21): moves the start of a partition's log forward."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Int64, Message, String, Struct


class DeleteRecordsRequest(Message, api_key=21, versions=(0, 2), flexible=2):
    topics: list[DeleteRecordsTopic] = FRESH
    timeout_ms: Int32 = 0


class DeleteRecordsTopic(Struct):
    name: String = ""
    partitions: list[DeleteRecordsPartition] = FRESH


class DeleteRecordsPartition(Struct):
    partition_index: Int32 = 0
    # deletion offset. -1 means that records should be truncated to the high watermark
    offset: Int64 = 0


class DeleteRecordsResponse(Message, api_key=21, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    topics: list[DeleteRecordsTopicResult] = FRESH


class DeleteRecordsTopicResult(Struct):
    name: String = ""
    partitions: list[DeleteRecordsPartitionResult] = FRESH


class DeleteRecordsPartitionResult(Struct):
    partition_index: Int32 = 0
    low_watermark: Int64 = 0
    error_code: Int16 = 0
