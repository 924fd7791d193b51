"""ShareAcknowledge (api key 79): acknowledges acquired records of a share group (KIP-932).

v2: introduces Renew acknowledgements (KIP-1222).
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
    String,
    Struct,
    Uuid,
    ignorable,
    since,
)


class ShareAcknowledgeRequest(Message, api_key=79, versions=(1, 2), flexible=0):
    group_id: String | None = None
    member_id: String | None = ""
    # current share session epoch: 0 to open a share session; -1 to close it; otherwise
    # increments for consecutive requests
    share_session_epoch: Int32 = 0
    is_renew_ack: Annotated[Bool, since(2)] = False
    topics: list[AcknowledgeTopic] = FRESH


class AcknowledgeTopic(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[AcknowledgePartition] = FRESH


class AcknowledgePartition(Struct):
    partition_index: Int32 = 0
    acknowledgement_batches: list[AcknowledgementBatch] = FRESH


class AcknowledgementBatch(Struct):
    first_offset: Int64 = 0
    # last offset (inclusive) of batch of records to acknowledge
    last_offset: Int64 = 0
    # array of acknowledge types - 0:Gap,1:Accept,2:Release,3:Reject,4:Renew
    acknowledge_types: list[Int8] = FRESH


class ShareAcknowledgeResponse(Message, api_key=79, versions=(1, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    # time in milliseconds for which the acquired records are locked
    acquisition_lock_timeout_ms: Annotated[Int32, since(2), ignorable] = 0
    responses: list[ShareAcknowledgeTopicResponse] = FRESH
    # endpoints for all current leaders enumerated in PartitionData with error
    # NOT_LEADER_OR_FOLLOWER
    node_endpoints: list[NodeEndpoint] = FRESH


class ShareAcknowledgeTopicResponse(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[PartitionData] = FRESH


class PartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    current_leader: LeaderIdAndEpoch = FRESH


class LeaderIdAndEpoch(Struct):
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    # rack of the node, or null if it has not been assigned to a rack
    rack: String | None = None
