"""Produce (api key 0): appends record batches to partitions.

v3: batches of magic 2 only; transactional_id, which transactional batches are authorized by.
v4: KAFKA_STORAGE_ERROR may be returned.
v5: log_start_offset in the response.
v7: batches may be compressed with zstd (KIP-110).
v8: record_errors and error_message tell which records were refused (KIP-467).
v10: current_leader and node_endpoints tell where to go (KIP-951).
v11: TRANSACTION_ABORTABLE may be returned (KIP-890).
v12: in a transaction, partitions are added to it by the produce itself (KIP-890 part 2).
v13: topic ids instead of names (KIP-516); UNKNOWN_TOPIC_ID may be returned.
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
