"""UnregisterBroker (api key 64): removes a broker that will not come back."""

from __future__ import annotations

from minikafka.protocol.types import Int16, Int32, Message, String


class UnregisterBrokerRequest(Message, api_key=64, versions=(0, 0), flexible=0):
    broker_id: Int32 = 0


class UnregisterBrokerResponse(Message, api_key=64, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
