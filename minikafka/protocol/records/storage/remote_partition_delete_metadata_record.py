"""RemotePartitionDeleteMetadataRecord (record type 2): the deletion of a partition's remote data
(KIP-405).
"""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int8,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uuid,
)


class RemotePartitionDeleteMetadataRecord(Message, api_key=2, versions=(0, 0), flexible=0):
    topic_id_partition: TopicIdPartitionEntry = FRESH
    # broker (controller or leader) id from which this event is created
    broker_id: Int32 = 0
    # epoch time in milliseconds at which this event is generated
    event_timestamp_ms: Int64 = 0
    # deletion state identifier of the remote partition, which is a
    # RemotePartitionDeleteState
    remote_partition_delete_state: Int8 = 0


class TopicIdPartitionEntry(Struct):
    name: String = ""
    id: Uuid = ZERO_UUID
    partition: Int32 = 0
