"""SaslHandshake (api key 17): chooses the SASL mechanism of a connection.

v1: supports SASL_AUTHENTICATE.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Message, String


class SaslHandshakeRequest(Message, api_key=17, versions=(0, 1)):
    mechanism: String = ""


class SaslHandshakeResponse(Message, api_key=17, versions=(0, 1)):
    error_code: Int16 = 0
    mechanisms: list[String] = FRESH
