"""Metadata (api key 3): tells brokers, topics, partitions and their leaders.

v1: adds fields for the rack of each broker, the controller id, and whether or not the topic is
    internal.
v2: adds the cluster ID field.
v3: adds the throttle time.
v5: adds a per-partition offline_replicas field. This field specifies the list of replicas that
    are offline.
v7: adds the leader epoch to the partition metadata.
v8: brokers can send authorized operations for topic and cluster.
v10: adds topicId.
v11: deprecates ClusterAuthorizedOperations. This is now exposed by the DescribeCluster API
    (KIP-700).
v12: supports topicId.
v13: supports top-level error code in the response.
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
    # topic error, or 0 if there was no error
    error_code: Int16 = 0
    name: Annotated[String | None, null_since(12)] = ""
    topic_id: Annotated[Uuid, since(10), ignorable] = ZERO_UUID
    # true if the topic is internal
    is_internal: Annotated[Bool, since(1), ignorable] = False
    partitions: list[MetadataResponsePartition] = FRESH
    # 32-bit bitfield to represent authorized operations for this topic
    topic_authorized_operations: Annotated[Int32, since(8)] = -0x80000000


class MetadataResponsePartition(Struct):
    # partition error, or 0 if there was no error
    error_code: Int16 = 0
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Annotated[Int32, since(7), ignorable] = -1
    replica_nodes: list[Int32] = FRESH
    # set of nodes that are in sync with the leader for this partition
    isr_nodes: list[Int32] = FRESH
    offline_replicas: Annotated[list[Int32], since(5), ignorable] = FRESH
