"""ShareFetch (api key 78): acquires records for a share group's member and acknowledges earlier
ones (KIP-932).

v2: introduces ShareAcquireMode and Renew acknowledgements (KIP-1206 and KIP-1222).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
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
    since,
)


class ShareFetchRequest(Message, api_key=78, versions=(1, 2), flexible=0):
    group_id: String | None = None
    member_id: String | None = ""
    # current share session epoch: 0 to open a share session; -1 to close it; otherwise
    # increments for consecutive requests
    share_session_epoch: Int32 = 0
    # maximum time in milliseconds to wait for the response
    max_wait_ms: Int32 = 0
    min_bytes: Int32 = 0
    # maximum bytes to fetch. See KIP-74 for cases where this limit may not be honored
    max_bytes: Int32 = 0x7FFFFFFF
    # maximum number of records to fetch. This limit can be exceeded for alignment of batch
    # boundaries
    max_records: Int32 = 0
    # optimal number of records for batches of acquired records and acknowledgements
    batch_size: Int32 = 0
    # acquire mode to control the fetch behavior - 0:batch-optimized,1:record-limit
    share_acquire_mode: Annotated[Int8, since(2), ignorable] = 0
    is_renew_ack: Annotated[Bool, since(2)] = False
    topics: list[FetchTopic] = FRESH
    forgotten_topics_data: list[ForgottenTopic] = FRESH


class FetchTopic(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[FetchPartition] = FRESH


class FetchPartition(Struct):
    partition_index: Int32 = 0
    acknowledgement_batches: list[AcknowledgementBatch] = FRESH


class AcknowledgementBatch(Struct):
    first_offset: Int64 = 0
    # last offset (inclusive) of batch of records to acknowledge
    last_offset: Int64 = 0
    # array of acknowledge types - 0:Gap,1:Accept,2:Release,3:Reject,4:Renew
    acknowledge_types: list[Int8] = FRESH


class ForgottenTopic(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[Int32] = FRESH


class ShareFetchResponse(Message, api_key=78, versions=(1, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    # time in milliseconds for which the acquired records are locked
    acquisition_lock_timeout_ms: Int32 = 0
    responses: list[ShareFetchableTopicResponse] = FRESH
    # endpoints for all current leaders enumerated in PartitionData with error
    # NOT_LEADER_OR_FOLLOWER
    node_endpoints: list[NodeEndpoint] = FRESH


class ShareFetchableTopicResponse(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    acknowledge_error_code: Int16 = 0
    acknowledge_error_message: String | None = None
    current_leader: LeaderIdAndEpoch = FRESH
    records: Records = b""
    acquired_records: list[AcquiredRecords] = FRESH


class LeaderIdAndEpoch(Struct):
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0


class AcquiredRecords(Struct):
    first_offset: Int64 = 0
    last_offset: Int64 = 0
    delivery_count: Int16 = 0


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    # rack of the node, or null if it has not been assigned to a rack
    rack: String | None = None
