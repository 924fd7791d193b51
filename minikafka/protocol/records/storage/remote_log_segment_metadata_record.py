"""RemoteLogSegmentMetadataRecord (record type 0): a segment copied to remote storage (KIP-405)."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Bytes,
    Int8,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uuid,
    tag,
)


class RemoteLogSegmentMetadataRecord(Message, api_key=0, versions=(0, 0), flexible=0):
    remote_log_segment_id: RemoteLogSegmentIdEntry = FRESH
    start_offset: Int64 = 0
    end_offset: Int64 = 0
    # broker id from which this event is generated
    broker_id: Int32 = 0
    # maximum timestamp in milliseconds with in this segment
    max_timestamp_ms: Int64 = 0
    # epoch time in milliseconds at which this event is generated
    event_timestamp_ms: Int64 = 0
    # leader epoch to start-offset mappings for the records with in this segment
    segment_leader_epochs: list[SegmentLeaderEpochEntry] = FRESH
    segment_size_in_bytes: Int32 = 0
    custom_metadata: Bytes | None = None
    remote_log_segment_state: Int8 = 0
    # flag to indicate if the transaction index is empty
    txn_index_empty: Annotated[Bool, tag(0, 0)] = False


class RemoteLogSegmentIdEntry(Struct):
    topic_id_partition: TopicIdPartitionEntry = FRESH
    id: Uuid = ZERO_UUID


class TopicIdPartitionEntry(Struct):
    name: String = ""
    id: Uuid = ZERO_UUID
    partition: Int32 = 0


class SegmentLeaderEpochEntry(Struct):
    leader_epoch: Int32 = 0
    # start offset for the leader epoch
    offset: Int64 = 0
