"""ShareGroupCurrentMemberAssignmentKey (record type 14): which share group member's present
assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ShareGroupCurrentMemberAssignmentKey(Message, api_key=14, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
