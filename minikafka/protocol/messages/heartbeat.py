"""Heartbeat (api key 12): keeps a member of a classic group alive, tells it of rebalances.

v3: group_instance_id (KIP-345).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Int16, Int32, Message, String, ignorable, since


class HeartbeatRequest(Message, api_key=12, versions=(0, 4), flexible=4):
    group_id: String = ""
    generation_id: Int32 = 0
    member_id: String = ""
    group_instance_id: Annotated[String | None, since(3)] = None


class HeartbeatResponse(Message, api_key=12, versions=(0, 4), flexible=4):
    throttle_time_ms: Annotated[Int32, since(1), ignorable] = 0
    error_code: Int16 = 0
