"""ConsumerGroupTargetAssignmentMemberKey (record type 7): which member of a consumer group's
target assignment.
"""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupTargetAssignmentMemberKey(Message, api_key=7, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
