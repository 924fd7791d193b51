"""ShareGroupMemberMetadataValue (record type 10): a share group member's identity and
subscription.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Message, String


class ShareGroupMemberMetadataValue(Message, api_key=10, versions=(0, 0), flexible=0):
    rack_id: String | None = ""
    client_id: String = ""
    client_host: String = ""
    subscribed_topic_names: list[String] = FRESH
