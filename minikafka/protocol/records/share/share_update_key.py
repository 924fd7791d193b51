"""ShareUpdateKey (record type 1): which share partition a change is for."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Int32, Message, String, Uuid


class ShareUpdateKey(Message, api_key=1, versions=(0, 0)):
    group_id: String = ""
    topic_id: Uuid = ZERO_UUID
    partition: Int32 = 0
