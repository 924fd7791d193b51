"""ListOffsets (api key 2): finds the offset of a timestamp, or of the log's start or end.

v1: removes MaxNumOffsets. From this version forward, only a single offset can be returned;
    removes the offsets array in favor of returning a single offset; also adds the timestamp
    associated with the returned offset.
v2: adds the isolation level, which is used for transactional reads.
v4: adds the current leader epoch, which is used for fencing.
v5: adds a new error code, OFFSET_NOT_AVAILABLE.
v7: enables listing offsets by max timestamp (KIP-734).
v8: enables listing offsets by local log start offset (KIP-405).
v9: enables listing offsets by last tiered offset (KIP-1005).
v10: enables async remote list offsets support (KIP-1075).
v11: enables listing offsets by earliest pending upload offset (KIP-1023).
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
    # partition error code, or 0 if there was no error
    error_code: Int16 = 0
    timestamp: Int64 = -1
    offset: Int64 = -1
    # leader epoch associated with the returned offset
    leader_epoch: Annotated[Int32, since(4)] = -1
