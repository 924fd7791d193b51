"""BeginQuorumEpoch (api key 53): tells KRaft voters of a new leader.

v1: adds flexible versions, voter key and leader endpoints (KIP-853).
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
)


class BeginQuorumEpochRequest(Message, api_key=53, versions=(0, 1), flexible=1):
    cluster_id: String | None = None
    voter_id: Annotated[Int32, since(1), ignorable] = -1
    topics: list[BeginQuorumEpochRequestTopicData] = FRESH
    leader_endpoints: Annotated[list[LeaderEndpoint], since(1), ignorable] = FRESH


class BeginQuorumEpochRequestTopicData(Struct):
    topic_name: String = ""
    partitions: list[BeginQuorumEpochRequestPartitionData] = FRESH


class BeginQuorumEpochRequestPartitionData(Struct):
    partition_index: Int32 = 0
    voter_directory_id: Annotated[Uuid, since(1), ignorable] = ZERO_UUID
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0


class LeaderEndpoint(Struct):
    name: String = ""
    host: String = ""
    port: Uint16 = 0


class BeginQuorumEpochResponse(Message, api_key=53, versions=(0, 1), flexible=1):
    error_code: Int16 = 0
    topics: list[BeginQuorumEpochResponseTopicData] = FRESH
    node_endpoints: Annotated[list[NodeEndpoint], tag(0, 1)] = FRESH


class BeginQuorumEpochResponseTopicData(Struct):
    topic_name: String = ""
    partitions: list[BeginQuorumEpochResponsePartitionData] = FRESH


class BeginQuorumEpochResponsePartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Uint16 = 0
