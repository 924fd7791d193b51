"""ConsumerProtocolAssignment: what the leader of a classic consumer group assigns to a member; the
bytes in SyncGroup, behind an int16 version. All versions are alike: they follow the subscription's.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bytes, Int32, Message, String, Struct


class ConsumerProtocolAssignment(Message, versions=(0, 3)):
    assigned_partitions: list[TopicPartition] = FRESH
    user_data: Bytes | None = None


class TopicPartition(Struct):
    topic: String = ""
    partitions: list[Int32] = FRESH
