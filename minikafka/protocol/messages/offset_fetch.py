"""OffsetFetch (api key 9): reads a group's committed offsets.

v2: a null topics array asks for all topics; a top-level error_code.
v5: leader epochs with the offsets (KIP-320).
v7: require_stable waits for offsets of open transactions, by UNSTABLE_OFFSET_COMMIT (KIP-447).
v8: several groups at once (KIP-709).
v9: member id and epoch of consumer groups (KIP-848).
v10: topic ids instead of names (KIP-848).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uuid,
    ignorable,
    null_since,
    since,
    until,
)


class OffsetFetchRequest(Message, api_key=9, versions=(1, 10), flexible=6):
    group_id: Annotated[String, until(7)] = ""
    topics: Annotated[list[OffsetFetchRequestTopic] | None, until(7), null_since(2)] = FRESH
    groups: Annotated[list[OffsetFetchRequestGroup], since(8)] = FRESH
    # whether broker should hold on returning unstable offsets but set a retriable error
    # code for the partitions
    require_stable: Annotated[Bool, since(7)] = False


class OffsetFetchRequestTopic(Struct):
    name: String = ""
    partition_indexes: list[Int32] = FRESH


class OffsetFetchRequestGroup(Struct):
    group_id: String = ""
    member_id: Annotated[String | None, since(9), ignorable] = None
    # member epoch if using the new consumer protocol (KIP-848)
    member_epoch: Annotated[Int32, since(9), ignorable] = -1
    topics: list[OffsetFetchRequestTopics] | None = FRESH


class OffsetFetchRequestTopics(Struct):
    name: Annotated[String, until(9), ignorable] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    partition_indexes: list[Int32] = FRESH


class OffsetFetchResponse(Message, api_key=9, versions=(1, 10), flexible=6):
    throttle_time_ms: Annotated[Int32, since(3), ignorable] = 0
    topics: Annotated[list[OffsetFetchResponseTopic], until(7)] = FRESH
    error_code: Annotated[Int16, since(2), until(7), ignorable] = 0
    groups: Annotated[list[OffsetFetchResponseGroup], since(8)] = FRESH


class OffsetFetchResponseTopic(Struct):
    name: String = ""
    partitions: list[OffsetFetchResponsePartition] = FRESH


class OffsetFetchResponsePartition(Struct):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, since(5), ignorable] = -1
    metadata: String | None = ""
    error_code: Int16 = 0


class OffsetFetchResponseGroup(Struct):
    group_id: String = ""
    topics: list[OffsetFetchResponseTopics] = FRESH
    error_code: Int16 = 0


class OffsetFetchResponseTopics(Struct):
    name: Annotated[String, until(9), ignorable] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    partitions: list[OffsetFetchResponsePartitions] = FRESH


class OffsetFetchResponsePartitions(Struct):
    partition_index: Int32 = 0
    committed_offset: Int64 = 0
    committed_leader_epoch: Annotated[Int32, ignorable] = -1
    metadata: String | None = ""
    error_code: Int16 = 0
