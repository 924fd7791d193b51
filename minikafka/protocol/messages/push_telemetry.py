"""PushTelemetry (api key 72): pushes client metrics (KIP-714)."""

from __future__ import annotations

from minikafka.protocol.types import ZERO_UUID, Bool, Bytes, Int8, Int16, Int32, Message, Uuid


class PushTelemetryRequest(Message, api_key=72, versions=(0, 0), flexible=0):
    client_instance_id: Uuid = ZERO_UUID
    # unique identifier for the current subscription
    subscription_id: Int32 = 0
    terminating: Bool = False
    compression_type: Int8 = 0
    metrics: Bytes = b""


class PushTelemetryResponse(Message, api_key=72, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
