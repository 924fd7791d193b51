"""DescribeQuorum (api key 55): tells leader, voters and observers of the metadata quorum.

v1: when replicas last fetched and were last caught up (KIP-836).
v2: error messages, directory ids and the nodes' endpoints (KIP-853).
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
    String,
    Struct,
    Uint16,
    Uuid,
    ignorable,
    since,
)


class DescribeQuorumRequest(Message, api_key=55, versions=(0, 2), flexible=0):
    topics: list[DescribeQuorumRequestTopicData] = FRESH


class DescribeQuorumRequestTopicData(Struct):
    topic_name: String = ""
    partitions: list[DescribeQuorumRequestPartitionData] = FRESH


class DescribeQuorumRequestPartitionData(Struct):
    partition_index: Int32 = 0


class DescribeQuorumResponse(Message, api_key=55, versions=(0, 2), flexible=0):
    error_code: Int16 = 0
    error_message: Annotated[String | None, since(2), ignorable] = ""
    topics: list[DescribeQuorumResponseTopicData] = FRESH
    nodes: Annotated[list[Node], since(2)] = FRESH


class DescribeQuorumResponseTopicData(Struct):
    topic_name: String = ""
    partitions: list[DescribeQuorumResponsePartitionData] = FRESH


class DescribeQuorumResponsePartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, since(2), ignorable] = ""
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0
    high_watermark: Int64 = 0
    current_voters: list[ReplicaState] = FRESH
    observers: list[ReplicaState] = FRESH


class ReplicaState(Struct):
    replica_id: Int32 = 0
    replica_directory_id: Annotated[Uuid, since(2)] = ZERO_UUID
    # last known log end offset of the follower or -1 if it is unknown
    log_end_offset: Int64 = 0
    # last known leader wall clock time time when a follower fetched from the leader. This
    # is reported as -1 both for the current leader or if it is unknown for a voter
    last_fetch_timestamp: Annotated[Int64, since(1), ignorable] = -1
    # leader wall clock append time of the offset for which the follower made the most
    # recent fetch request. This is reported as the current time for the leader and -1 if
    # unknown for a voter
    last_caught_up_timestamp: Annotated[Int64, since(1), ignorable] = -1


class Node(Struct):
    node_id: Int32 = 0
    listeners: list[Listener] = FRESH


class Listener(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0
