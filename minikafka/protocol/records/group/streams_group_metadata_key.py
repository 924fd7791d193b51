"""StreamsGroupMetadataKey (record type 17): which streams group an epoch is for."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class StreamsGroupMetadataKey(Message, api_key=17, versions=(0, 0)):
    group_id: String = ""
