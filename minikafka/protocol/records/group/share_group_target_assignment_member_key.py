"""ShareGroupTargetAssignmentMemberKey (record type 13): which member of a share group's target
assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ShareGroupTargetAssignmentMemberKey(Message, api_key=13, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
