"""Metadata (api key 3): tells brokers, topics, partitions and their leaders.

v1: a null topics array asks for all topics, an empty one for none (in v0 empty means all); racks,
    the controller's id, and which topics are internal.
v2: cluster_id.
v4: allow_auto_topic_creation; before, it was always allowed.
v5: offline_replicas of each partition.
v7: leader_epoch of each partition (KIP-320).
v8: authorized operations of cluster and topics on request (KIP-430).
v10: topic ids in the response (KIP-516).
v11: cluster_authorized_operations moves to DescribeCluster (KIP-700).
v12: topics may be asked for by id.
v13: a top-level error_code, for REBOOTSTRAP_REQUIRED (KIP-1102).
"""

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
    null_since,
    since,
    until,
)


class MetadataRequest(Message, api_key=3, versions=(0, 13), flexible=9):
    topics: Annotated[list[MetadataRequestTopic] | None, null_since(1)] = FRESH
    # if this is true, the broker may auto-create topics that we requested which do not
    # already exist, if it is configured to do so
    allow_auto_topic_creation: Annotated[Bool, since(4)] = True
    include_cluster_authorized_operations: Annotated[Bool, since(8), until(10)] = False
    include_topic_authorized_operations: Annotated[Bool, since(8)] = False


class MetadataRequestTopic(Struct):
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    name: Annotated[String | None, null_since(10)] = ""


class MetadataResponse(Message, api_key=3, versions=(0, 13), flexible=9):
    throttle_time_ms: Annotated[Int32, since(3), ignorable] = 0
    brokers: list[MetadataResponseBroker] = FRESH
    cluster_id: Annotated[String | None, since(2), ignorable] = None
    controller_id: Annotated[Int32, since(1), ignorable] = -1
    topics: list[MetadataResponseTopic] = FRESH
    # 32-bit bitfield to represent authorized operations for this cluster
    cluster_authorized_operations: Annotated[Int32, since(8), until(10)] = -0x80000000
    error_code: Annotated[Int16, since(13), ignorable] = 0


class MetadataResponseBroker(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    # rack of the broker, or null if it has not been assigned to a rack
    rack: Annotated[String | None, since(1), ignorable] = None


class MetadataResponseTopic(Struct):
    error_code: Int16 = 0
    name: Annotated[String | None, null_since(12)] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    is_internal: Annotated[Bool, since(1), ignorable] = False
    partitions: list[MetadataResponsePartition] = FRESH
    # 32-bit bitfield to represent authorized operations for this topic
    topic_authorized_operations: Annotated[Int32, since(8)] = -0x80000000


class MetadataResponsePartition(Struct):
    error_code: Int16 = 0
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Annotated[Int32, since(7), ignorable] = -1
    replica_nodes: list[Int32] = FRESH
    # set of nodes that are in sync with the leader for this partition
    isr_nodes: list[Int32] = FRESH
    offline_replicas: Annotated[list[Int32], since(5), ignorable] = FRESH
