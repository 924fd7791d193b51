"""ShareGroupMemberMetadataKey (record type 10): which member of a share group."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class ShareGroupMemberMetadataKey(Message, api_key=10, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
