"""OffsetCommitKey (record type 1): which group, topic and partition a committed offset is for."""

from __future__ import annotations

from minikafka.protocol.types import Int32, Message, String


class OffsetCommitKey(Message, api_key=1, versions=(0, 0)):
    group: String = ""
    topic: String = ""
    partition: Int32 = 0
