"""Checks the codecs against vectors: messages and the bytes that Kafka's serialisers gave them.

A vector is a JSON object. `name`, `type`, `version`, `apiKey`, `flexible` and `headerVersion` say
what it is, `json` is the message (see `json_form`) and `hex` its bytes; `unknownTags` lists tagged
fields at the top level that no schema knows; `frame` is a whole request or response with its
header, `framedHex` a metadata or coordinator record with the head that says which record it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from minikafka.protocol import apis, coordinator_records, framing, metadata_records
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.headers import ResponseHeader
from minikafka.protocol.json_form import from_json, to_json
from minikafka.protocol.types import Message

Vector = dict[str, Any]


def check(vector: Vector, classes: dict[str, type[Message]]) -> str | None:
    """The first difference between our codec and a vector, None if there is none."""
    cls = classes.get(vector["name"])
    if cls is None:
        return "there is no such schema"
    try:
        return next((text for text in _differences(vector, cls) if text), None)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # Only a ProtocolError would be regular, but whatever the codec raises, the vector failed.
        return f"{type(error).__name__}: {error}"


def _differences(vector: Vector, cls: type[Message]) -> Iterator[str | None]:
    version, data = vector["version"], bytes.fromhex(vector["hex"])
    yield _same("api key", vector["apiKey"], cls.api_key)
    yield _same("flexible", vector["flexible"], version >= cls.flexible)
    unknown = [(tag["tag"], bytes.fromhex(tag["hex"])) for tag in vector.get("unknownTags", ())]
    for buffer in (data, memoryview(data), bytearray(data)):
        message, end = decode(cls, version, buffer)
        yield _same("end of the message", len(data), end)
        yield first_difference(vector["json"], to_json(message, version), "json")
        yield _same("unknown tags", unknown, list(message.unknown_tags))
        yield _same("bytes of the decoded message", data.hex(), encode(message, version).hex())
    message = from_json(cls, version, vector["json"])
    message.unknown_tags = unknown
    yield _same("bytes of the message built from json", data.hex(), encode(message, version).hex())
    if "frame" in vector:
        yield from _FRAMES[vector["type"]](vector, data)
    if "framedHex" in vector:
        yield from _framed_record(vector, message)


def _request_frame(vector: Vector, body: bytes) -> Iterator[str | None]:
    frame, key, version = vector["frame"], vector["apiKey"], vector["version"]
    data = bytes.fromhex(frame["hex"])
    yield _same("frame size", len(data) - 4, int.from_bytes(data[:4], "big"))
    header, position = framing.split_request(data[4:])
    yield _same(
        "header version", vector["headerVersion"], apis.request_header_version(key, version)
    )
    yield _same("api key in the header", key, header.request_api_key)
    yield _same("version in the header", version, header.request_api_version)
    yield _same("correlation id", frame["correlationId"], header.correlation_id)
    yield _same("client id", frame["clientId"], header.client_id)
    yield _same("body in the frame", body.hex(), data[4 + position :].hex())
    ours = framing.frame_request(
        apis.ApiKey(key), version, frame["correlationId"], frame["clientId"], body
    )
    yield _same("frame", data.hex(), ours.hex())


def _response_frame(vector: Vector, body: bytes) -> Iterator[str | None]:
    frame, data = vector["frame"], bytes.fromhex(vector["frame"]["hex"])
    header_version = apis.response_header_version(vector["apiKey"], vector["version"])
    yield _same("header version", vector["headerVersion"], header_version)
    yield _same("frame size", len(data) - 4, int.from_bytes(data[:4], "big"))
    header, position = decode(ResponseHeader, header_version, data, 4)
    yield _same("correlation id", frame["correlationId"], header.correlation_id)
    yield _same("body in the frame", body.hex(), data[position:].hex())
    ours = framing.frame_response(frame["correlationId"], header_version, body)
    yield _same("frame", data.hex(), ours.hex())


_FRAMES: dict[str, Callable[[Vector, bytes], Iterator[str | None]]] = {
    "request": _request_frame,
    "response": _response_frame,
}

_COORDINATORS = (
    coordinator_records.GROUP,
    coordinator_records.TRANSACTION,
    coordinator_records.SHARE,
)


def _framed_record(vector: Vector, message: Message) -> Iterator[str | None]:
    data, version, kind = bytes.fromhex(vector["framedHex"]), vector["version"], vector["type"]
    record_type = vector["apiKey"]
    decoded: Message
    if kind == "metadata":
        ours = metadata_records.encode_record(message, version)
        decoded, found_version = metadata_records.decode_record(data, _types_of(message))
    elif kind == "coordinator-key":
        ours, found_version = coordinator_records.encode_key(message), 0
        decoded = _schemas_of(message).decode_key(data)
    else:
        ours = coordinator_records.encode_value(message, version)
        decoded, found_version = _schemas_of(message).decode_value(record_type, data)
    yield _same("framed record", data.hex(), ours.hex())
    yield _same("version in the frame", version, found_version)
    yield _same("framed class", type(message).__name__, type(decoded).__name__)
    yield first_difference(vector["json"], to_json(decoded, version), "framed json")


def _schemas_of(message: Message) -> coordinator_records.Schemas:
    return next(schemas for schemas in _COORDINATORS if schemas.package == _package(message))


def _types_of(message: Message) -> metadata_records.RecordTypes:
    is_remote = _package(message) == "storage"
    return metadata_records.REMOTE_LOG if is_remote else metadata_records.METADATA


def _package(message: Message) -> str:
    return type(message).__module__.split(".")[-2]


def _same(what: str, expected: Any, actual: Any) -> str | None:
    return None if expected == actual else f"{what}: expected {expected!r}, got {actual!r}"


def first_difference(expected: Any, actual: Any, path: str) -> str | None:
    """Where two JSON values differ first; stricter than ==, for which True is 1."""
    if isinstance(actual, float) and not isinstance(expected, bool):
        same = expected == actual or (math.isnan(actual) and str(expected).lower() == "nan")
        same = same or str(expected) == {math.inf: "Infinity", -math.inf: "-Infinity"}.get(actual)
        return None if same else f"{path}: expected {expected!r}, got {actual!r}"
    if type(expected) is not type(actual):
        return f"{path}: expected {expected!r}, got {actual!r}"
    if isinstance(expected, dict):
        for name in (*expected, *actual):
            if name not in actual or name not in expected:
                return f"{path}.{name}: {'missing' if name in expected else 'unexpected'}"
        parts = ((f"{path}.{name}", expected[name], actual[name]) for name in expected)
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            return f"{path}: expected {len(expected)} elements, got {len(actual)}"
        pairs = enumerate(zip(expected, actual, strict=True))
        parts = ((f"{path}[{index}]", *pair) for index, pair in pairs)
    else:
        return _same(path, expected, actual)
    differences = (first_difference(old, new, place) for place, old, new in parts)
    return next((text for text in differences if text), None)
