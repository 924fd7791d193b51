"""SaslHandshake (key 17, v0-1): clients are not asked who they are on a PLAINTEXT listener."""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse


@handles(ApiKey.SASL_HANDSHAKE)
def sasl_handshake(context: NodeContext, request: SaslHandshakeRequest) -> SaslHandshakeResponse:
    """Raises `KafkaError` 34."""
    raise KafkaError(ErrorCode.ILLEGAL_SASL_STATE)
