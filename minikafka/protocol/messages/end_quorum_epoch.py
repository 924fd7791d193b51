"""EndQuorumEpoch (api key 54): tells KRaft voters that the leader resigns.

v1: adds flexible versions, replaces preferred successors with preferred candidates and adds
    leader endpoints (KIP-853).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uint16,
    Uuid,
    ignorable,
    since,
    tag,
    until,
)


class EndQuorumEpochRequest(Message, api_key=54, versions=(0, 1), flexible=1):
    cluster_id: String | None = None
    topics: list[EndQuorumEpochRequestTopicData] = FRESH
    leader_endpoints: Annotated[list[LeaderEndpoint], since(1), ignorable] = FRESH


class EndQuorumEpochRequestTopicData(Struct):
    topic_name: String = ""
    partitions: list[EndQuorumEpochRequestPartitionData] = FRESH


class EndQuorumEpochRequestPartitionData(Struct):
    partition_index: Int32 = 0
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0
    preferred_successors: Annotated[list[Int32], until(0), ignorable] = FRESH
    preferred_candidates: Annotated[list[ReplicaInfo], since(1), ignorable] = FRESH


class ReplicaInfo(Struct):
    candidate_id: Int32 = 0
    candidate_directory_id: Uuid = ZERO_UUID


class LeaderEndpoint(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0


class EndQuorumEpochResponse(Message, api_key=54, versions=(0, 1), flexible=1):
    error_code: Int16 = 0
    topics: list[EndQuorumEpochResponseTopicData] = FRESH
    node_endpoints: Annotated[list[NodeEndpoint], tag(0, 1)] = FRESH


class EndQuorumEpochResponseTopicData(Struct):
    topic_name: String = ""
    partitions: list[EndQuorumEpochResponsePartitionData] = FRESH


class EndQuorumEpochResponsePartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Uint16 = 0
