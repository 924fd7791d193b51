"""StreamsGroupCurrentMemberAssignmentKey (record type 22): which streams group member's present
assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class StreamsGroupCurrentMemberAssignmentKey(Message, api_key=22, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
