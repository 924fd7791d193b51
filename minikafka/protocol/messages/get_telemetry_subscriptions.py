"""GetTelemetrySubscriptions (api key 71): asks which client metrics to push (KIP-714)."""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Uuid,
)


class GetTelemetrySubscriptionsRequest(Message, api_key=71, versions=(0, 0), flexible=0):
    # unique id for this client instance, must be set to 0 on the first request
    client_instance_id: Uuid = ZERO_UUID


class GetTelemetrySubscriptionsResponse(Message, api_key=71, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    # assigned client instance id if ClientInstanceId was 0 in the request, else 0
    client_instance_id: Uuid = ZERO_UUID
    # unique identifier for the current subscription set for this client instance
    subscription_id: Int32 = 0
    # compression types that broker accepts for the PushTelemetryRequest
    accepted_compression_types: list[Int8] = FRESH
    # configured push interval, which is the lowest configured interval in the current
    # subscription set
    push_interval_ms: Int32 = 0
    telemetry_max_bytes: Int32 = 0
    delta_temporality: Bool = False
    # requested metrics prefix string match. Empty array: No metrics subscribed, Array[0]
    # empty string: All metrics subscribed
    requested_metrics: list[String] = FRESH
