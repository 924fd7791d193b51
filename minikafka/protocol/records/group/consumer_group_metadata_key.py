"""ConsumerGroupMetadataKey (record type 3): which consumer group an epoch is for."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupMetadataKey(Message, api_key=3, versions=(0, 0)):
    group_id: String = ""
