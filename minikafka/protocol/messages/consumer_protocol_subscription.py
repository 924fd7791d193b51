"""ConsumerProtocolSubscription: what a member of a classic consumer group wants (bytes inside
JoinGroup).

v1: added the `OwnedPartitions` field to allow assigner know what partitions each member owned.
v2: added a new field `GenerationId` to indicate if the member has out-of-date ownedPartitions.
v3: adds rack id to enable rack-aware assignment.
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
