"""FetchSnapshot (api key 59): reads a chunk of a metadata snapshot (KIP-630).

v1: adds replica directory id (KIP-853).
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
    Uint16,
    Uuid,
    ignorable,
    never_null,
    tag,
)


class FetchSnapshotRequest(Message, api_key=59, versions=(0, 1), flexible=0):
    # clusterId if known, this is used to validate metadata fetches prior to broker
    # registration
    cluster_id: Annotated[String | None, tag(0, 0)] = None
    replica_id: Int32 = -1
    max_bytes: Int32 = 0x7FFFFFFF
    topics: list[FetchSnapshotRequestTopicSnapshot] = FRESH


class FetchSnapshotRequestTopicSnapshot(Struct):
    name: String = ""
    partitions: list[FetchSnapshotRequestPartitionSnapshot] = FRESH


class FetchSnapshotRequestPartitionSnapshot(Struct):
    partition: Int32 = 0
    current_leader_epoch: Int32 = 0
    snapshot_id: SnapshotId = FRESH
    position: Int64 = 0
    replica_directory_id: Annotated[Uuid, tag(0, 1), ignorable] = ZERO_UUID


class SnapshotId(Struct):
    end_offset: Int64 = 0
    epoch: Int32 = 0


class FetchSnapshotResponse(Message, api_key=59, versions=(0, 1), flexible=0):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    error_code: Int16 = 0
    topics: list[FetchSnapshotResponseTopicSnapshot] = FRESH
    node_endpoints: Annotated[list[NodeEndpoint], tag(0, 1)] = FRESH


class FetchSnapshotResponseTopicSnapshot(Struct):
    name: String = ""
    partitions: list[FetchSnapshotResponsePartitionSnapshot] = FRESH


class FetchSnapshotResponsePartitionSnapshot(Struct):
    index: Int32 = 0
    error_code: Int16 = 0
    snapshot_id: SnapshotId = FRESH
    current_leader: Annotated[LeaderIdAndEpoch | None, tag(0, 0), never_null] = None
    size: Int64 = 0
    position: Int64 = 0
    # snapshot data in records format which may not be aligned on an offset boundary
    unaligned_records: Records = b""


class LeaderIdAndEpoch(Struct):
    # the ID of the current leader or -1 if the leader is unknown
    leader_id: Int32 = 0
    leader_epoch: Int32 = 0


class NodeEndpoint(Struct):
    node_id: Int32 = 0
    host: String = ""
    port: Uint16 = 0
