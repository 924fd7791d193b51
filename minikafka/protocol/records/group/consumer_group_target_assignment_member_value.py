"""ConsumerGroupTargetAssignmentMemberValue (record type 7): the partitions that a member shall
have.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int32, Message, Struct, Uuid


class ConsumerGroupTargetAssignmentMemberValue(Message, api_key=7, versions=(0, 0), flexible=0):
    topic_partitions: list[TopicPartition] = FRESH


class TopicPartition(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[Int32] = FRESH
