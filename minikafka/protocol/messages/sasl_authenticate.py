"""SaslAuthenticate (api key 36): carries one step of a SASL exchange.

v1: adds the session lifetime.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import Bytes, Int16, Int64, Message, String, ignorable, since


class SaslAuthenticateRequest(Message, api_key=36, versions=(0, 2), flexible=2):
    auth_bytes: Bytes = b""


class SaslAuthenticateResponse(Message, api_key=36, versions=(0, 2), flexible=2):
    error_code: Int16 = 0
    error_message: String | None = ""
    auth_bytes: Bytes = b""
    # number of milliseconds after which only re-authentication over the existing connection
    # to create a new session can occur
    session_lifetime_ms: Annotated[Int64, since(1), ignorable] = 0
