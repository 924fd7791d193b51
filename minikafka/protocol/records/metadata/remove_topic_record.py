"""RemoveTopicRecord (metadata record type 9): a topic was deleted."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Message, Uuid


class RemoveTopicRecord(Message, api_key=9, versions=(0, 0), flexible=0):
    topic_id: Uuid = ZERO_UUID
