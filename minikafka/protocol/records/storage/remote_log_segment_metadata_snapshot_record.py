"""RemoteLogSegmentMetadataSnapshotRecord (record type 3): a remote segment in a snapshot of
remote metadata (KIP-405).
"""

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
    Struct,
    Uuid,
    tag,
)


class RemoteLogSegmentMetadataSnapshotRecord(Message, api_key=3, versions=(0, 0), flexible=0):
    segment_id: Uuid = ZERO_UUID
    start_offset: Int64 = 0
    end_offset: Int64 = 0
    # broker (controller or leader) id from which this event is created or updated
    broker_id: Int32 = 0
    max_timestamp_ms: Int64 = 0
    event_timestamp_ms: Int64 = 0
    segment_leader_epochs: list[SegmentLeaderEpochEntry] = FRESH
    segment_size_in_bytes: Int32 = 0
    custom_metadata: Bytes | None = None
    remote_log_segment_state: Int8 = 0
    # flag to indicate if the transaction index is empty
    txn_index_empty: Annotated[Bool, tag(0, 0)] = False


class SegmentLeaderEpochEntry(Struct):
    leader_epoch: Int32 = 0
    # start offset for the leader epoch
    offset: Int64 = 0
