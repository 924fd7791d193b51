"""DescribeTopicPartitions (api key 75): describes topics page by page (KIP-966)."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uuid,
    ignorable,
)


class DescribeTopicPartitionsRequest(Message, api_key=75, versions=(0, 0), flexible=0):
    topics: list[TopicRequest] = FRESH
    response_partition_limit: Int32 = 2000
    # first topic and partition index to fetch details for
    cursor: Cursor | None = None


class TopicRequest(Struct):
    name: String = ""


class Cursor(Struct):
    topic_name: String = ""
    partition_index: Int32 = 0


class DescribeTopicPartitionsResponse(Message, api_key=75, versions=(0, 0), flexible=0):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    topics: list[DescribeTopicPartitionsResponseTopic] = FRESH
    # next topic and partition index to fetch details for
    next_cursor: Cursor | None = None


class DescribeTopicPartitionsResponseTopic(Struct):
    error_code: Int16 = 0
    name: String | None = ""
    topic_id: Annotated[Uuid, ignorable] = ZERO_UUID
    is_internal: Annotated[Bool, ignorable] = False
    partitions: list[DescribeTopicPartitionsResponsePartition] = FRESH
    # 32-bit bitfield to represent authorized operations for this topic
    topic_authorized_operations: Int32 = -0x80000000


class DescribeTopicPartitionsResponsePartition(Struct):
    error_code: Int16 = 0
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Annotated[Int32, ignorable] = -1
    replica_nodes: list[Int32] = FRESH
    # set of nodes that are in sync with the leader for this partition
    isr_nodes: list[Int32] = FRESH
    eligible_leader_replicas: list[Int32] | None = None
    last_known_elr: list[Int32] | None = None
    offline_replicas: Annotated[list[Int32], ignorable] = FRESH
