"""LegacyOffsetCommitKey (record type 0): a committed offset, in the first key format."""

from __future__ import annotations

from minikafka.protocol.types import Int32, Message, String


class LegacyOffsetCommitKey(Message, api_key=0, versions=(0, 0)):
    group: String = ""
    topic: String = ""
    partition: Int32 = 0
