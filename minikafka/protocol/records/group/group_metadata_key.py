"""GroupMetadataKey (record type 2): which classic group a snapshot of it is for."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class GroupMetadataKey(Message, api_key=2, versions=(0, 0)):
    group: String = ""
