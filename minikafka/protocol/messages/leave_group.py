"""LeaveGroup (api key 13): takes members out of a classic group.

v3: several members at once, each by member id and group instance id (KIP-345).
v5: reason (KIP-800).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
    until,
)


class LeaveGroupRequest(Message, api_key=13, versions=(0, 5), flexible=4):
    group_id: String = ""
    member_id: Annotated[String, until(2)] = ""
    members: Annotated[list[MemberIdentity], since(3)] = FRESH


class MemberIdentity(Struct):
    member_id: String = ""
    group_instance_id: String | None = None
    reason: Annotated[String | None, since(5), ignorable] = None


class LeaveGroupResponse(Message, api_key=13, versions=(0, 5), flexible=4):
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    error_code: Int16 = 0
    members: Annotated[list[MemberResponse], since(3)] = FRESH


class MemberResponse(Struct):
    member_id: String = ""
    group_instance_id: String | None = ""
    error_code: Int16 = 0
