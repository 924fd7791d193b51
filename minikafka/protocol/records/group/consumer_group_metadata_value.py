"""ConsumerGroupMetadataValue (record type 3): a consumer group's epoch."""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Int32, Int64, Message, tag


class ConsumerGroupMetadataValue(Message, api_key=3, versions=(0, 0), flexible=0):
    epoch: Int32 = 0
    metadata_hash: Annotated[Int64, tag(0, 0)] = 0
