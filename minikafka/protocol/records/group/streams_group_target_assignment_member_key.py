"""StreamsGroupTargetAssignmentMemberKey (record type 21): which member of a streams group's
target assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class StreamsGroupTargetAssignmentMemberKey(Message, api_key=21, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
