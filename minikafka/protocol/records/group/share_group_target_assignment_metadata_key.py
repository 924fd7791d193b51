"""ShareGroupTargetAssignmentMetadataKey (record type 12): which share group's target assignment."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ShareGroupTargetAssignmentMetadataKey(Message, api_key=12, versions=(0, 0)):
    group_id: String = ""
