"""DescribeGroups (api key 15): tells state, members and assignments of classic groups.

v3: authorized operations on request (KIP-430).
v4: group_instance_id (KIP-345).
v6: GROUP_ID_NOT_FOUND for an unknown group, which was shown as dead before (KIP-1043).
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
    since,
)


class DescribeGroupsRequest(Message, api_key=15, versions=(0, 6), flexible=5):
    groups: list[String] = FRESH
    include_authorized_operations: Annotated[Bool, since(3)] = False


class DescribeGroupsResponse(Message, api_key=15, versions=(0, 6), flexible=5):
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    groups: list[DescribedGroup] = FRESH


class DescribedGroup(Struct):
    error_code: Int16 = 0
    error_message: Annotated[String | None, since(6)] = None
    group_id: String = ""
    group_state: String = ""
    # group protocol type, or the empty string
    protocol_type: String = ""
    # group protocol data, or the empty string
    protocol_data: String = ""
    members: list[DescribedGroupMember] = FRESH
    # 32-bit bitfield to represent authorized operations for this group
    authorized_operations: Annotated[Int32, since(3)] = -0x80000000


class DescribedGroupMember(Struct):
    member_id: String = ""
    group_instance_id: Annotated[String | None, since(4), ignorable] = None
    client_id: String = ""
    client_host: String = ""
    member_metadata: Bytes = b""
    member_assignment: Bytes = b""
