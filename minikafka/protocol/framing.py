"""Frames on a connection: int32 size, header, body. The network takes the size off and adds it."""

from __future__ import annotations

from struct import Struct as Layout
from struct import error as LayoutError

from minikafka.protocol.apis import ApiKey, request_header_version
from minikafka.protocol.codec import decoder, encode
from minikafka.protocol.errors import MalformedMessage, UnsupportedVersion
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.types import Buffer

_key_and_version = Layout(">hh")
_size = Layout(">i")
_header_0 = Layout(">i")
_header_1 = Layout(">ix")  # and no tagged fields


def split_request(frame: Buffer) -> tuple[RequestHeader, int]:
    """Reads the header of a frame (without its size); returns it and where the body begins.

    The header's form depends on the api's first flexible version, so an unknown key cannot be read
    at all (UnsupportedVersion); an unknown version of a known api can, for ApiVersions must answer.
    """
    try:
        key, version = _key_and_version.unpack_from(frame)
    except LayoutError as error:
        raise MalformedMessage(f"a request of {len(frame)} bytes has no header") from error
    try:
        header_version = request_header_version(key, version)
    except ValueError as error:
        raise UnsupportedVersion(f"no api has key {key}") from error
    return decoder(RequestHeader, header_version)(frame)


def response_header(correlation_id: int, header_version: int) -> bytes:
    """The header's bytes; `apis.response_header_version` tells the version."""
    return (_header_1 if header_version else _header_0).pack(correlation_id)


def frame_response(correlation_id: int, header_version: int, body: bytes) -> bytes:
    """A whole response: size, header, body."""
    header = response_header(correlation_id, header_version)
    return _size.pack(len(header) + len(body)) + header + body


def frame_request(
    api_key: ApiKey, version: int, correlation_id: int, client_id: str | None, body: bytes
) -> bytes:
    """A whole request: size, header, body."""
    header = RequestHeader(
        request_api_key=api_key,
        request_api_version=version,
        correlation_id=correlation_id,
        client_id=client_id,
    )
    head = encode(header, request_header_version(api_key, version))
    return _size.pack(len(head) + len(body)) + head + body
