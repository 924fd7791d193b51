"""Vote (api key 52): asks a KRaft voter for its vote, or its pre-vote (KIP-595, KIP-996).

v1: voter ids and directory ids on both sides (KIP-853).
v2: pre_vote; the candidate is called replica (KIP-996).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
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
    tag,
)


class VoteRequest(Message, api_key=52, versions=(0, 2), flexible=0):
    cluster_id: String | None = None
    voter_id: Annotated[Int32, since(1), ignorable] = -1
    topics: list[VoteRequestTopicData] = FRESH


class VoteRequestTopicData(Struct):
    topic_name: String = ""
    partitions: list[VoteRequestPartitionData] = FRESH


class VoteRequestPartitionData(Struct):
    partition_index: Int32 = 0
    # epoch of the voter sending the request
    replica_epoch: Int32 = 0
    replica_id: Int32 = 0
    replica_directory_id: Annotated[Uuid, since(1), ignorable] = ZERO_UUID
    voter_directory_id: Annotated[Uuid, since(1), ignorable] = ZERO_UUID
    # epoch of the last record written to the metadata log
    last_offset_epoch: Int32 = 0
    last_offset: Int64 = 0
    pre_vote: Annotated[Bool, since(2)] = False


class VoteResponse(Message, api_key=52, versions=(0, 2), flexible=0):
    error_code: Int16 = 0
    topics: list[VoteResponseTopicData] = FRESH
    node_endpoints: Annotated[list[NodeEndpoint], tag(0, 1)] = FRESH


class VoteResponseTopicData(Struct):
    topic_name: String = ""
    partitions: list[VoteResponsePartitionData] = FRESH


class VoteResponsePartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0
    vote_granted: Bool = False


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Uint16 = 0
