"""ConsumerProtocolSubscription: what a member of a classic consumer group wants; the bytes in
JoinGroup, behind an int16 version. Newer versions are read as far as the fields are known.

v1: owned_partitions, for cooperative rebalancing (KIP-429).
v2: generation_id tells whether owned_partitions are out of date.
v3: rack_id, for rack-aware assignment (KIP-881).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Bytes, Int32, Message, String, Struct, ignorable, since


class ConsumerProtocolSubscription(Message, versions=(0, 3)):
    topics: list[String] = FRESH
    user_data: Bytes | None = None
    owned_partitions: Annotated[list[TopicPartition], since(1), ignorable] = FRESH
    generation_id: Annotated[Int32, since(2), ignorable] = -1
    rack_id: Annotated[String | None, since(3), ignorable] = None


class TopicPartition(Struct):
    topic: String = ""
    partitions: list[Int32] = FRESH
