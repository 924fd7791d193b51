"""JoinGroup (api key 11): enters a classic group, or its next generation.

v1: rebalance_timeout_ms apart from the session timeout (KIP-62).
v4: a new member is sent back once, with a member id to join with (KIP-394).
v5: group_instance_id: static members keep their place across restarts (KIP-345).
v7: the response tells protocol_type (KIP-559).
v8: reason (KIP-800).
v9: skip_assignment: a static leader that returns need not assign anew (KIP-814).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Bytes,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    null_since,
    since,
)


class JoinGroupRequest(Message, api_key=11, versions=(0, 9), flexible=6):
    group_id: String = ""
    # coordinator considers the consumer dead if it receives no heartbeat after this timeout
    # in milliseconds
    session_timeout_ms: Int32 = 0
    # maximum time in milliseconds that the coordinator will wait for each member to rejoin
    # when rebalancing the group
    rebalance_timeout_ms: Annotated[Int32, since(1), ignorable] = -1
    member_id: String = ""
    group_instance_id: Annotated[String | None, since(5)] = None
    # unique name the for class of protocols implemented by the group we want to join
    protocol_type: String = ""
    protocols: list[JoinGroupRequestProtocol] = FRESH
    reason: Annotated[String | None, since(8), ignorable] = None


class JoinGroupRequestProtocol(Struct):
    name: String = ""
    metadata: Bytes = b""


class JoinGroupResponse(Message, api_key=11, versions=(0, 9), flexible=6):
    throttle_time_ms: Annotated[Int32, since(2), ignorable] = 0
    error_code: Int16 = 0
    generation_id: Int32 = -1
    protocol_type: Annotated[String | None, since(7), ignorable] = None
    protocol_name: Annotated[String | None, null_since(7)] = ""
    leader: String = ""
    skip_assignment: Annotated[Bool, since(9)] = False
    member_id: String = ""
    members: list[JoinGroupResponseMember] = FRESH


class JoinGroupResponseMember(Struct):
    member_id: String = ""
    group_instance_id: Annotated[String | None, since(5), ignorable] = None
    metadata: Bytes = b""
