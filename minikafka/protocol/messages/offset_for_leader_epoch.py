"""OffsetForLeaderEpoch (api key 23): tells where a leader epoch ends: how truncation is detected.

v2: current_leader_epoch fences askers with stale metadata (KIP-320).
v3: replica_id; -2, its default, is a debugging consumer that may see past the high watermark.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class OffsetForLeaderEpochRequest(Message, api_key=23, versions=(2, 4), flexible=4):
    # broker ID of the follower, of -1 if this request is from a consumer
    replica_id: Annotated[Int32, since(3), ignorable] = -2
    topics: list[OffsetForLeaderTopic] = FRESH


class OffsetForLeaderTopic(Struct):
    topic: String = ""
    partitions: list[OffsetForLeaderPartition] = FRESH


class OffsetForLeaderPartition(Struct):
    partition: Int32 = 0
    # an epoch used to fence consumers/replicas with old metadata
    current_leader_epoch: Annotated[Int32, ignorable] = -1
    # epoch to look up an offset for
    leader_epoch: Int32 = 0


class OffsetForLeaderEpochResponse(Message, api_key=23, versions=(2, 4), flexible=4):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    topics: list[OffsetForLeaderTopicResult] = FRESH


class OffsetForLeaderTopicResult(Struct):
    topic: String = ""
    partitions: list[EpochEndOffset] = FRESH


class EpochEndOffset(Struct):
    # error code 0, or if there was no error
    error_code: Int16 = 0
    partition: Int32 = 0
    leader_epoch: Annotated[Int32, ignorable] = -1
    end_offset: Int64 = -1
