"""GroupMetadataValue (record type 2): a classic group: generation, protocol, leader, members with
subscriptions and assignments.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bytes,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class GroupMetadataValue(Message, api_key=2, versions=(0, 4), flexible=4):
    protocol_type: String = ""
    generation: Int32 = 0
    protocol: String | None = ""
    leader: String | None = ""
    current_state_timestamp: Annotated[Int64, since(2), ignorable] = -1
    members: list[MemberMetadata] = FRESH


class MemberMetadata(Struct):
    member_id: String = ""
    group_instance_id: Annotated[String | None, since(3), ignorable] = None
    client_id: String = ""
    client_host: String = ""
    rebalance_timeout: Annotated[Int32, since(1), ignorable] = -1
    session_timeout: Int32 = 0
    subscription: Bytes = b""
    assignment: Bytes = b""
