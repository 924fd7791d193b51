"""OffsetCommit (api key 8): stores a group's consumed offsets.

v2: adds retention time. It removes the commit timestamp added in version 1.
v3: adds the throttle time to the response.
v5: removes the retention time, which is now controlled only by a broker configuration.
v6: adds the leader epoch for fencing. version 7 adds a new field called groupInstanceId to
    indicate member identity across restarts.
v7: offsetCommitRequest supports a new field called groupInstanceId to indicate member identity
    across restarts.
v9: is the first version that can be used with the new consumer group protocol (KIP-848).
v10: adds support for topic ids and removes support for topic names (KIP-848).
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
    # responses for each topic
    topics: list[OffsetCommitResponseTopic] = FRESH


class OffsetCommitResponseTopic(Struct):
    name: Annotated[String, until(9), ignorable] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    # responses for each partition in the topic
    partitions: list[OffsetCommitResponsePartition] = FRESH


class OffsetCommitResponsePartition(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
