"""SyncGroup (api key 14): hands the leader's assignment in and every member's own out.

v3: group_instance_id (KIP-345).
v5: protocol type and name, checked against the group's (KIP-559).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bytes,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class SyncGroupRequest(Message, api_key=14, versions=(0, 5), flexible=4):
    group_id: String = ""
    generation_id: Int32 = 0
    member_id: String = ""
    group_instance_id: Annotated[String | None, since(3)] = None
    protocol_type: Annotated[String | None, since(5), ignorable] = None
    protocol_name: Annotated[String | None, since(5), ignorable] = None
    assignments: list[SyncGroupRequestAssignment] = FRESH


class SyncGroupRequestAssignment(Struct):
    member_id: String = ""
    assignment: Bytes = b""


class SyncGroupResponse(Message, api_key=14, versions=(0, 5), flexible=4):
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    error_code: Int16 = 0
    protocol_type: Annotated[String | None, since(5), ignorable] = None
    protocol_name: Annotated[String | None, since(5), ignorable] = None
    assignment: Bytes = b""
