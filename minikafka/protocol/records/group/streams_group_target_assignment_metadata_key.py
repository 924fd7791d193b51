"""StreamsGroupTargetAssignmentMetadataKey (record type 20): which streams group's target
assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class StreamsGroupTargetAssignmentMetadataKey(Message, api_key=20, versions=(0, 0)):
    group_id: String = ""
