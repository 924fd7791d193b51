"""TopicRecord (metadata record type 2): a topic exists."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Message, String, Uuid


class TopicRecord(Message, api_key=2, versions=(0, 0), flexible=0):
    name: String = ""
    topic_id: Uuid = ZERO_UUID
