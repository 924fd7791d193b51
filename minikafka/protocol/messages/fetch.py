"""Fetch (api key 1): reads record batches; also how followers and KRaft voters replicate.

v5: log_start_offset, in both directions.
v6: KAFKA_STORAGE_ERROR may be returned.
v7: incremental fetch sessions (KIP-227).
v9: current_leader_epoch fences readers with stale metadata (KIP-320).
v10: batches may be compressed with zstd (KIP-110).
v11: rack_id and preferred_read_replica: reading from the nearest replica (KIP-392).
v12: last_fetched_epoch and diverging_epoch: followers truncate without OffsetForLeaderEpoch
    (KIP-595); current_leader tells where to go.
v13: topic ids instead of names (KIP-516); UNKNOWN_TOPIC_ID may be returned.
v14: OFFSET_MOVED_TO_TIERED_STORAGE may be returned (KIP-405).
v15: replica_state with the follower's broker epoch replaces replica_id (KIP-903).
v16: node_endpoints go with current_leader (KIP-951).
v17: replica_directory_id tells KRaft voters on other disks apart (KIP-853).
v18: the follower's high watermark travels with the request (KIP-1166).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int8,
    Int16,
    Int32,
    Int64,
    Message,
    Records,
    String,
    Struct,
    Uuid,
    ignorable,
    never_null,
    since,
    tag,
    until,
)


class FetchRequest(Message, api_key=1, versions=(4, 18), flexible=12):
    # clusterId if known. This is used to validate metadata fetches prior to broker
    # registration
    cluster_id: Annotated[String | None, tag(0, 12), ignorable] = None
    # broker ID of the follower, of -1 if this request is from a consumer
    replica_id: Annotated[Int32, until(14)] = -1
    replica_state: Annotated[ReplicaState | None, tag(1, 15), never_null] = None
    # maximum time in milliseconds to wait for the response
    max_wait_ms: Int32 = 0
    min_bytes: Int32 = 0
    # maximum bytes to fetch. See KIP-74 for cases where this limit may not be honored
    max_bytes: Annotated[Int32, ignorable] = 0x7FFFFFFF
    # this setting controls the visibility of transactional records
    isolation_level: Annotated[Int8, ignorable] = 0
    session_id: Annotated[Int32, since(7), ignorable] = 0
    # fetch session epoch, which is used for ordering requests in a session
    session_epoch: Annotated[Int32, since(7), ignorable] = -1
    topics: list[FetchTopic] = FRESH
    forgotten_topics_data: Annotated[list[ForgottenTopic], since(7)] = FRESH
    rack_id: Annotated[String, since(11), ignorable] = ""


class ReplicaState(Struct):
    # replica ID of the follower, or -1 if this request is from a consumer
    replica_id: Int32 = -1
    # epoch of this follower, or -1 if not available
    replica_epoch: Int64 = -1


class FetchTopic(Struct):
    topic: Annotated[String, until(12), ignorable] = ""
    topic_id: Annotated[Uuid, since(13), ignorable] = ZERO_UUID
    partitions: list[FetchPartition] = FRESH


class FetchPartition(Struct):
    partition: Int32 = 0
    current_leader_epoch: Annotated[Int32, since(9), ignorable] = -1
    fetch_offset: Int64 = 0
    # epoch of the last fetched record or -1 if there is none
    last_fetched_epoch: Annotated[Int32, since(12)] = -1
    # earliest available offset of the follower replica. The field is only used when the
    # request is sent by the follower
    log_start_offset: Annotated[Int64, since(5), ignorable] = -1
    # maximum bytes to fetch from this partition. See KIP-74 for cases where this limit may
    # not be honored
    partition_max_bytes: Int32 = 0
    replica_directory_id: Annotated[Uuid, tag(0, 17), ignorable] = ZERO_UUID
    # high-watermark known by the replica. -1 if the high-watermark is not known and
    # 9223372036854775807 if the feature is not supported
    high_watermark: Annotated[Int64, tag(1, 18), ignorable] = 0x7FFFFFFFFFFFFFFF


class ForgottenTopic(Struct):
    topic: Annotated[String, until(12), ignorable] = ""
    topic_id: Annotated[Uuid, since(13), ignorable] = ZERO_UUID
    partitions: list[Int32] = FRESH


class FetchResponse(Message, api_key=1, versions=(4, 18), flexible=12):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    error_code: Annotated[Int16, since(7), ignorable] = 0
    # fetch session ID, or 0 if this is not part of a fetch session
    session_id: Annotated[Int32, since(7)] = 0
    responses: list[FetchableTopicResponse] = FRESH
    # endpoints for all current-leaders enumerated in PartitionData, with errors
    # NOT_LEADER_OR_FOLLOWER & FENCED_LEADER_EPOCH
    node_endpoints: Annotated[list[NodeEndpoint], tag(0, 16)] = FRESH


class FetchableTopicResponse(Struct):
    topic: Annotated[String, until(12), ignorable] = ""
    topic_id: Annotated[Uuid, since(13), ignorable] = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    high_watermark: Int64 = 0
    last_stable_offset: Annotated[Int64, ignorable] = -1
    log_start_offset: Annotated[Int64, since(5), ignorable] = -1
    # in case divergence is detected based on the `LastFetchedEpoch` and `FetchOffset` in
    # the request, this field indicates the largest epoch and its end offset such that
    # subsequent records are known to diverge
    diverging_epoch: Annotated[EpochEndOffset | None, tag(0, 12), never_null] = None
    current_leader: Annotated[LeaderIdAndEpoch | None, tag(1, 12), never_null] = None
    # in the case of fetching an offset less than the LogStartOffset, this is the end offset
    # and epoch that should be used in the FetchSnapshot request
    snapshot_id: Annotated[SnapshotId | None, tag(2, 12), never_null] = None
    aborted_transactions: Annotated[list[AbortedTransaction] | None, ignorable] = FRESH
    # preferred read replica for the consumer to use on its next fetch request
    preferred_read_replica: Annotated[Int32, since(11)] = -1
    records: Records | None = None


class EpochEndOffset(Struct):
    epoch: Int32 = -1
    end_offset: Int64 = -1


class LeaderIdAndEpoch(Struct):
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class SnapshotId(Struct):
    end_offset: Int64 = -1
    epoch: Int32 = -1


class AbortedTransaction(Struct):
    producer_id: Int64 = 0
    first_offset: Int64 = 0


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    # rack of the node, or null if it has not been assigned to a rack
    rack: String | None = None
