"""ShareGroupStatePartitionMetadataValue (record type 15): the partitions whose share state is
initialized, coming or going.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int32, Message, String, Struct, Uuid


class ShareGroupStatePartitionMetadataValue(Message, api_key=15, versions=(0, 0), flexible=0):
    initializing_topics: list[TopicPartitionsInfo] = FRESH
    initialized_topics: list[TopicPartitionsInfo] = FRESH
    deleting_topics: list[TopicInfo] = FRESH


class TopicPartitionsInfo(Struct):
    topic_id: Uuid = ZERO_UUID
    topic_name: String = ""
    partitions: list[Int32] = FRESH


class TopicInfo(Struct):
    topic_id: Uuid = ZERO_UUID
    topic_name: String = ""
