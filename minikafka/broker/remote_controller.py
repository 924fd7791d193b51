"""The active controller of another process: what this node asks of it, and what it passes on.

What a client has asked goes as it is in an Envelope (KIP-590), with who the client is; what this
node wants for itself is asked directly.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from minikafka.broker.controller_channel import ControllerChannel
from minikafka.protocol.apis import (
    ApiKey,
    request_header_version,
    response_class,
    response_header_version,
)
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode, KafkaError, error_code
from minikafka.protocol.headers import RequestHeader, ResponseHeader
from minikafka.protocol.messages.default_principal_data import DefaultPrincipalData
from minikafka.protocol.messages.envelope import EnvelopeRequest, EnvelopeResponse

if TYPE_CHECKING:
    from minikafka.broker.quorum import QuorumHost
    from minikafka.protocol.types import Message
    from minikafka.settings.broker import BrokerSettings

_LIFECYCLE: Final = frozenset(
    {ApiKey.BROKER_REGISTRATION, ApiKey.BROKER_HEARTBEAT, ApiKey.CONTROLLER_REGISTRATION}
)
"""They have a connection of their own: a heartbeat must not wait for somebody's topic."""
_PRINCIPAL_VERSION: Final = b"\0\0"
_ANONYMOUS: Final = _PRINCIPAL_VERSION + encode(
    DefaultPrincipalData(type="User", name="ANONYMOUS"), 0
)
"""The principal of every client of a PLAINTEXT listener."""
_MAPPED_IPV4: Final = "::ffff:"
_CORRELATION_IDS: Final = 1 << 31


class RemoteController:
    """ChannelError when it cannot be reached, KafkaError when it refuses a request as a whole."""

    def __init__(self, quorum: QuorumHost, settings: BrokerSettings) -> None:
        timeout_s = settings.controller_socket_timeout_ms / 1000
        self._lifecycle = ControllerChannel(quorum, timeout_s)
        self._others = ControllerChannel(quorum, timeout_s)
        self._correlation_id = 0

    def close(self) -> None:
        """End both connections, for good."""
        self._lifecycle.close()
        self._others.close()

    async def ask(self, request: Message, version: int) -> Message:
        """The answer to a request of this node's own, in `version` or the highest below it."""
        key = ApiKey(request.api_key)
        channel = self._lifecycle if key in _LIFECYCLE else self._others
        response: Any = await channel.call(request, response_class(key), version)
        code = getattr(response, "error_code", 0)
        if code:
            raise KafkaError(error_code(code), getattr(response, "error_message", None) or "")
        if key is ApiKey.CREATE_TOPICS and any(
            topic.error_code == ErrorCode.NOT_CONTROLLER for topic in response.topics
        ):
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        return response  # type: ignore[no-any-return]  # its class is only known by its key

    async def forward(
        self, request: Message, version: int, client_id: str | None, client_host: str
    ) -> Message:
        """The answer to a client's request: the client's, whatever it says."""
        key = ApiKey(request.api_key)
        self._correlation_id = (self._correlation_id + 1) % _CORRELATION_IDS
        header = RequestHeader(
            request_api_key=key,
            request_api_version=version,
            correlation_id=self._correlation_id,
            client_id=client_id,
        )
        data = encode(header, request_header_version(key, version)) + encode(request, version)
        envelope = EnvelopeRequest(
            request_data=data,
            request_principal=_ANONYMOUS,
            client_host_address=_packed(client_host),
        )
        answer = await self._others.call(envelope, EnvelopeResponse, 0)
        if answer.error_code:
            raise KafkaError(error_code(answer.error_code))
        inside = answer.response_data
        assert inside is not None, "an envelope without an error has an answer"
        _, position = decode(ResponseHeader, response_header_version(key, version), inside)
        return decode(response_class(key), version, inside, position)[0]


def _packed(host: str) -> bytes:
    """The bytes of an address; a scope (`fe80::1%eth0`) means nothing to others."""
    plain = host.partition("%")[0].removeprefix(_MAPPED_IPV4)
    family = socket.AF_INET6 if ":" in plain else socket.AF_INET
    return socket.inet_pton(family, plain)
