"""Envelope (key 58, v0; KIP-590): a client's request that a broker passes on to the controller.

It holds the request as the client sent it, header and all, who the client is and where it came
from; the answer holds the answer to that. The error of the envelope itself is 41 whenever this
controller is not the active one, so that the broker asks again elsewhere and no client ever sees
it; any other error is inside, where the client expects it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from struct import Struct
from typing import Any

from minikafka.api.context import ControllerContext
from minikafka.api.dispatch import SERVED_BY_CONTROLLER, Api, handles
from minikafka.protocol.apis import ADVERTISED_CONTROLLER, FORWARDED, ApiKey
from minikafka.protocol.codec import decode
from minikafka.protocol.errors import ErrorCode, KafkaError, ProtocolError
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.default_principal_data import DefaultPrincipalData
from minikafka.protocol.messages.envelope import EnvelopeRequest, EnvelopeResponse
from minikafka.protocol.types import Buffer, Message

_key_and_version = Struct(">hh").unpack_from
_correlation = Struct(">i").pack
_ADDRESS_SIZES = (4, 16)
_PRINCIPAL_VERSION_BYTES = 2


@handles(ApiKey.ENVELOPE)
def open_envelope(
    context: ControllerContext, request: EnvelopeRequest
) -> Awaitable[EnvelopeResponse]:
    """Serve the request inside. Raises `KafkaError` 41, 42 for what must not come this way, 97."""
    _check_principal(request.request_principal)
    if len(request.client_host_address) not in _ADDRESS_SIZES:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Failed to parse client host address")
    try:
        api, inner, inside = _unpack(context, request.request_data)
    except ProtocolError as error:
        raise KafkaError(ErrorCode.INVALID_REQUEST, str(error)) from error
    return _serve(api, inner, inside)


def _check_principal(principal: Buffer | None) -> None:
    """Nobody is refused anything without an authorizer, but it must be one of ours."""
    try:
        if principal is None:
            raise ProtocolError("no principal")
        decode(DefaultPrincipalData, 0, principal, _PRINCIPAL_VERSION_BYTES)
    except ProtocolError as error:
        raise KafkaError(
            ErrorCode.PRINCIPAL_DESERIALIZATION_FAILURE,
            "Failed to deserialize client principal from the envelope",
        ) from error


def _unpack(context: ControllerContext, data: Buffer) -> tuple[Api, ControllerContext, Message]:
    if len(data) < 4:
        raise ProtocolError("an envelope without a request")
    number, version = _key_and_version(data)
    if number not in FORWARDED or number not in SERVED_BY_CONTROLLER:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"API {number} is not enabled or is not eligible"
        )
    key = ApiKey(number)
    api = Api(key, ADVERTISED_CONTROLLER[key], SERVED_BY_CONTROLLER)
    if not api.min_version <= version <= api.max_version:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"{key.name} version {version} is not served")
    decode_request, encode, request_header, response_header = api.codec(version)
    header, position = decode(RequestHeader, request_header, data)
    request, _ = decode_request(data, position)
    inner = ControllerContext(
        context.services,
        context.exchange,
        key,
        version,
        header.correlation_id,
        header.client_id,
        response_header,
        encode,
    )
    return api, inner, request


async def _serve(api: Api, context: ControllerContext, request: Message) -> EnvelopeResponse:
    response: Message | None
    try:
        result = api.handler(context, request)
        response = result if result is None or isinstance(result, Message) else await result
    except KafkaError as error:
        if error.code is ErrorCode.NOT_CONTROLLER:
            raise
        response = api.refusal(context, request, error)
    assert response is not None, "what is forwarded is always answered"
    header = _correlation(context.correlation_id)
    parts: list[Any] = [header + b"\0" if context.response_header_version else header]
    context.encode(response, parts.append)
    return EnvelopeResponse(response_data=b"".join(parts))
