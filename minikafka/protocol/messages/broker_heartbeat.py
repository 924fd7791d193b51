"""BrokerHeartbeat (api key 63): keeps a broker unfenced, or asks to be fenced or shut down
(KIP-631).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Bool, Int16, Int32, Int64, Message, Uuid, tag


class BrokerHeartbeatRequest(Message, api_key=63, versions=(0, 2), flexible=0):
    broker_id: Int32 = 0
    broker_epoch: Int64 = -1
    # highest metadata offset which the broker has reached
    current_metadata_offset: Int64 = 0
    want_fence: Bool = False
    # true if the broker wants to be shut down, false otherwise
    want_shut_down: Bool = False
    offline_log_dirs: Annotated[list[Uuid], tag(0, 1)] = FRESH
    # list of log directories that are cordoned. This is null before the broker reaches the
    # RECOVERY state
    cordoned_log_dirs: Annotated[list[Uuid] | None, tag(1, 2)] = None


class BrokerHeartbeatResponse(Message, api_key=63, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    # true if the broker has approximately caught up with the latest metadata
    is_caught_up: Bool = False
    is_fenced: Bool = True
    should_shut_down: Bool = False
