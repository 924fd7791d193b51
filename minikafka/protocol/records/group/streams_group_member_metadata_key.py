"""StreamsGroupMemberMetadataKey (record type 19): which member of a streams group."""

from __future__ import annotations

from minikafka.protocol.types import Message, String


class StreamsGroupMemberMetadataKey(Message, api_key=19, versions=(0, 0)):
    group_id: String = ""
    member_id: String = ""
