"""RemoteLogSegmentMetadataUpdateRecord (record type 1): a change of a remote segment's state
(KIP-405).
"""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bytes,
    Int8,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uuid,
)


class RemoteLogSegmentMetadataUpdateRecord(Message, api_key=1, versions=(0, 0), flexible=0):
    remote_log_segment_id: RemoteLogSegmentIdEntry = FRESH
    # broker id from which this event is generated
    broker_id: Int32 = 0
    # epoch time in milliseconds at which this event is generated
    event_timestamp_ms: Int64 = 0
    custom_metadata: Bytes | None = None
    remote_log_segment_state: Int8 = 0


class RemoteLogSegmentIdEntry(Struct):
    topic_id_partition: TopicIdPartitionEntry = FRESH
    id: Uuid = ZERO_UUID


class TopicIdPartitionEntry(Struct):
    name: String = ""
    id: Uuid = ZERO_UUID
    partition: Int32 = 0
