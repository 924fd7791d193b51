"""Produce (api key 0): appends record batches to partitions.

v3: adds the transactional ID, which is used for authorization when attempting to write
    transactional data; also adds support for Kafka Message Format v2.
v4: the requester must be prepared to handle a KAFKA_STORAGE_ERROR; added KAFKA_STORAGE_ERROR as a
    possible error code.
v5: added LogStartOffset to filter out spurious OutOfOrderSequenceExceptions on the client.
v7: records can be produced using ZStandard compression. See KIP-110. Starting in.
v8: response has RecordErrors and ErrorMessage. See KIP-467.
v10: adds 'CurrentLeader' and 'NodeEndpoints' as tagged fields (KIP-951).
v11: adds support for new error code TRANSACTION_ABORTABLE (KIP-890).
v13: replaces topic names with topic IDs (KIP-516). May return UNKNOWN_TOPIC_ID error code.
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


class ProduceRequest(Message, api_key=0, versions=(3, 13), flexible=9):
    # transactional ID, or null if the producer is not transactional
    transactional_id: String | None = None
    # number of acknowledgments the producer requires the leader to have received before
    # considering a request complete
    acks: Int16 = 0
    # timeout to await a response in milliseconds
    timeout_ms: Int32 = 0
    topic_data: list[TopicProduceData] = FRESH


class TopicProduceData(Struct):
    name: Annotated[String, until(12), ignorable] = ""
    topic_id: Annotated[Uuid, since(13), ignorable] = ZERO_UUID
    partition_data: list[PartitionProduceData] = FRESH


class PartitionProduceData(Struct):
    index: Int32 = 0
    records: Records | None = None


class ProduceResponse(Message, api_key=0, versions=(3, 13), flexible=9):
    responses: list[TopicProduceResponse] = FRESH
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    # endpoints for all current-leaders enumerated in PartitionProduceResponses, with errors
    # NOT_LEADER_OR_FOLLOWER
    node_endpoints: Annotated[list[NodeEndpoint], tag(0, 10)] = FRESH


class TopicProduceResponse(Struct):
    name: Annotated[String, until(12), ignorable] = ""
    topic_id: Annotated[Uuid, since(13), ignorable] = ZERO_UUID
    partition_responses: list[PartitionProduceResponse] = FRESH


class PartitionProduceResponse(Struct):
    index: Int32 = 0
    error_code: Int16 = 0
    base_offset: Int64 = 0
    # timestamp returned by broker after appending the messages
    log_append_time_ms: Annotated[Int64, ignorable] = -1
    log_start_offset: Annotated[Int64, since(5), ignorable] = -1
    record_errors: Annotated[list[BatchIndexAndErrorMessage], since(8), ignorable] = FRESH
    error_message: Annotated[String | None, since(8), ignorable] = None
    # leader broker that the producer should use for future requests
    current_leader: Annotated[LeaderIdAndEpoch | None, tag(0, 10), never_null] = None


class BatchIndexAndErrorMessage(Struct):
    batch_index: Int32 = 0
    batch_index_error_message: String | None = None


class LeaderIdAndEpoch(Struct):
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = -1
    leader_epoch: Int32 = -1


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    # rack of the node, or null if it has not been assigned to a rack
    rack: String | None = None
