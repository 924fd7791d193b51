"""ShareGroupMetadataKey (record type 11): which share group an epoch is for."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ShareGroupMetadataKey(Message, api_key=11, versions=(0, 0)):
    group_id: String = ""
