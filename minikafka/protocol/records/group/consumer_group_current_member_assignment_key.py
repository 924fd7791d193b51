"""ConsumerGroupCurrentMemberAssignmentKey (record type 8): which member's present assignment."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupCurrentMemberAssignmentKey(Message, api_key=8, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
