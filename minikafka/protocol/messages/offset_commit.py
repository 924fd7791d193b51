"""OffsetCommit (api key 8): stores a group's consumed offsets.

v2: retention_time_ms for all of them.
v5: the broker's configuration alone decides on retention (KIP-211).
v6: leader_epoch of the last consumed record (KIP-320).
v7: group_instance_id (KIP-345).
v9: members of consumer groups may commit, with their epoch as generation (KIP-848).
v10: topic ids instead of names (KIP-848).
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
    until,
)


class OffsetCommitRequest(Message, api_key=8, versions=(2, 10), flexible=8):
    group_id: String = ""
    # generation of the group if using the classic group protocol or the member epoch if
    # using the consumer protocol
    generation_id_or_member_epoch: Annotated[Int32, ignorable] = -1
    member_id: Annotated[String, ignorable] = ""
    group_instance_id: Annotated[String | None, since(7)] = None
    retention_time_ms: Annotated[Int64, until(4), ignorable] = -1
    topics: list[OffsetCommitRequestTopic] = FRESH


class OffsetCommitRequestTopic(Struct):
    name: Annotated[String, until(9), ignorable] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    partitions: list[OffsetCommitRequestPartition] = FRESH


class OffsetCommitRequestPartition(Struct):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, since(6), ignorable] = -1
    committed_metadata: String | None = ""


class OffsetCommitResponse(Message, api_key=8, versions=(2, 10), flexible=8):
    throttle_time_ms: Annotated[Int32, since(3), ignorable] = 0
    topics: list[OffsetCommitResponseTopic] = FRESH


class OffsetCommitResponseTopic(Struct):
    name: Annotated[String, until(9), ignorable] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    partitions: list[OffsetCommitResponsePartition] = FRESH


class OffsetCommitResponsePartition(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
