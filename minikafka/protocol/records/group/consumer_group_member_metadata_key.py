"""ConsumerGroupMemberMetadataKey (record type 5): which member of a consumer group."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ConsumerGroupMemberMetadataKey(Message, api_key=5, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
