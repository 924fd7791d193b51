"""ConsumerGroupMemberMetadataValue (record type 5): a consumer group member's identity and
subscription.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Bytes, Int32, Message, String, Struct, tag


class ConsumerGroupMemberMetadataValue(Message, api_key=5, versions=(0, 0), flexible=0):
    instance_id: String | None = ""
    rack_id: String | None = ""
    client_id: String = ""
    client_host: String = ""
    subscribed_topic_names: list[String] = FRESH
    subscribed_topic_regex: String | None = ""
    rebalance_timeout_ms: Int32 = -1
    # server assignor to use; or null if not used
    server_assignor: String | None = ""
    # classic member metadata which includes the supported protocols of the consumer if it
    # uses the classic protocol. The metadata is null if the consumer uses the consumer
    # protocol
    classic_member_metadata: Annotated[ClassicMemberMetadata | None, tag(0, 0)] = FRESH


class ClassicMemberMetadata(Struct):
    # session timeout if the consumer uses the classic protocol
    session_timeout_ms: Int32 = 0
    # list of protocols that the member supports if the consumer uses the classic protocol
    supported_protocols: list[ClassicProtocol] = FRESH


class ClassicProtocol(Struct):
    name: String = ""
    metadata: Bytes = b""
