"""ExpireDelegationToken (api key 40): ends a delegation token."""

from __future__ import annotations

from minikafka.protocol.types import Bytes, Int16, Int32, Int64, Message


class ExpireDelegationTokenRequest(Message, api_key=40, versions=(1, 2), flexible=2):
    hmac: Bytes = b""
    expiry_time_period_ms: Int64 = 0


class ExpireDelegationTokenResponse(Message, api_key=40, versions=(1, 2), flexible=2):
    error_code: Int16 = 0
    # timestamp in milliseconds at which this token expires
    expiry_timestamp_ms: Int64 = 0
    throttle_time_ms: Int32 = 0
