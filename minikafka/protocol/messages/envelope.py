"""Envelope (api key 58): carries a client's request from a broker to the active controller
(KIP-590).
"""

from __future__ import annotations

from minikafka.protocol.types import Bytes, Int16, Message


class EnvelopeRequest(Message, api_key=58, versions=(0, 0), flexible=0):
    request_data: Bytes = b""
    request_principal: Bytes | None = b""
    client_host_address: Bytes = b""


class EnvelopeResponse(Message, api_key=58, versions=(0, 0), flexible=0):
    response_data: Bytes | None = None
    error_code: Int16 = 0
