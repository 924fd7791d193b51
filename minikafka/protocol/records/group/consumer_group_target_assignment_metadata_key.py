"""ConsumerGroupTargetAssignmentMetadataKey (record type 6): which consumer group's target
assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupTargetAssignmentMetadataKey(Message, api_key=6, versions=(0, 0)):
    group_id: String = ""
