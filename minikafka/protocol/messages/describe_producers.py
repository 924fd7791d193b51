"""DescribeProducers (api key 61): tells the producers that a partition knows (KIP-664)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Int64, Message, String, Struct


class DescribeProducersRequest(Message, api_key=61, versions=(0, 0), flexible=0):
    topics: list[TopicRequest] = FRESH


class TopicRequest(Struct):
    name: String = ""
    # indexes of the partitions to list producers for
    partition_indexes: list[Int32] = FRESH


class DescribeProducersResponse(Message, api_key=61, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    topics: list[TopicResponse] = FRESH


class TopicResponse(Struct):
    name: String = ""
    partitions: list[PartitionResponse] = FRESH


class PartitionResponse(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    # partition error message, which may be null if no additional details are available
    error_message: String | None = None
    active_producers: list[ProducerState] = FRESH


class ProducerState(Struct):
    producer_id: Int64 = 0
    producer_epoch: Int32 = 0
    last_sequence: Int32 = -1
    last_timestamp: Int64 = -1
    # current epoch of the producer group
    coordinator_epoch: Int32 = 0
    current_txn_start_offset: Int64 = -1
