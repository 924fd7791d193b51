"""ConsumerGroupPartitionMetadataValue (record type 4): partition counts of subscribed topics;
replaced in 4.1 (KIP-1101).
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int32, Message, String, Struct, Uuid


class ConsumerGroupPartitionMetadataValue(Message, api_key=4, versions=(0, 0), flexible=0):
    topics: list[TopicMetadata] = FRESH


class TopicMetadata(Struct):
    topic_id: Uuid = ZERO_UUID
    topic_name: String = ""
    num_partitions: Int32 = 0
    # deprecated: this field is not used after 4.0. Partitions mapped to a set of racks. If
    # the rack information is unavailable for all the partitions, an empty list is stored
    partition_metadata: list[PartitionMetadata] = FRESH


class PartitionMetadata(Struct):
    partition: Int32 = 0
    racks: list[String] = FRESH
