"""ListOffsets (api key 2): finds the offset of a timestamp, or of the log's start or end.

Special timestamps: -1 the end, -2 the start, -3 the largest timestamp (v7, KIP-734), -4 the start
of what is stored locally (v8, KIP-405), -5 the last offset in tiered storage (v9, KIP-1005), -6 the
first that is not there yet (v11, KIP-1023).

v1: one offset per partition, with its timestamp.
v2: isolation_level.
v4: current_leader_epoch fences askers with stale metadata (KIP-320).
v5: OFFSET_NOT_AVAILABLE may be returned.
v10: timeout_ms, for timestamps that are looked up in tiered storage (KIP-1075).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
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


class ListOffsetsRequest(Message, api_key=2, versions=(1, 11), flexible=6):
    # broker ID of the requester, or -1 if this request is being made by a normal consumer
    replica_id: Int32 = 0
    # this setting controls the visibility of transactional records
    isolation_level: Annotated[Int8, since(2)] = 0
    topics: list[ListOffsetsTopic] = FRESH
    # timeout to await a response in milliseconds for requests that require reading from
    # remote storage for topics enabled with tiered storage
    timeout_ms: Annotated[Int32, since(10), ignorable] = 0


class ListOffsetsTopic(Struct):
    name: String = ""
    partitions: list[ListOffsetsPartition] = FRESH


class ListOffsetsPartition(Struct):
    partition_index: Int32 = 0
    current_leader_epoch: Annotated[Int32, since(4), ignorable] = -1
    timestamp: Int64 = 0


class ListOffsetsResponse(Message, api_key=2, versions=(1, 11), flexible=6):
    throttle_time_ms: Annotated[Int32, since(2), ignorable] = 0
    topics: list[ListOffsetsTopicResponse] = FRESH


class ListOffsetsTopicResponse(Struct):
    name: String = ""
    partitions: list[ListOffsetsPartitionResponse] = FRESH


class ListOffsetsPartitionResponse(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    timestamp: Int64 = -1
    offset: Int64 = -1
    leader_epoch: Annotated[Int32, since(4)] = -1
