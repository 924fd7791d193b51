"""ShareGroupTargetAssignmentMemberValue (record type 13): the partitions that a share group's
member shall have.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int32, Message, Struct, Uuid


class ShareGroupTargetAssignmentMemberValue(Message, api_key=13, versions=(0, 0), flexible=0):
    topic_partitions: list[TopicPartition] = FRESH


class TopicPartition(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[Int32] = FRESH
