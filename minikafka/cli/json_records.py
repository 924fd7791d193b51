"""Records as JSON objects: what `consume --json` writes, `produce --json` reads them back.

    {"topic": "orders", "partition": 0, "offset": 5, "timestamp": 1760000000000,
     "key": "k", "value": "text", "headers": [["trace", "1"], ["raw", {"base64": "/w=="}]]}

A key, value or header value is a string when it is UTF-8 and null when it is null; other bytes are
`{"base64": "…"}`. A header's value is never left out, names may repeat.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, NamedTuple

Json = dict[str, Any]


class Line(NamedTuple):
    """A record to be produced; None for what the line does not say."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None
    timestamp_ms: int | None = None
    topic: str | None = None


def bytes_json(data: bytes | None) -> Any:
    """A string, null, or {"base64": …}."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": b64encode(data).decode()}


def bytes_fields(name: str, data: bytes | None) -> Json:
    """One field of an object."""
    return {name: bytes_json(data)}


def record_json(
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...],
) -> str:
    """One record as one line of JSON, without the newline."""
    return json.dumps(
        {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "timestamp": timestamp_ms,
            "key": bytes_json(key),
            "value": bytes_json(value),
            "headers": [[name, bytes_json(each)] for name, each in headers],
        },
        ensure_ascii=False,
    )


def parse_record(text: bytes) -> Line:
    """A line of `produce --json`. ValueError with what is wrong."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    unknown = found.keys() - _FIELDS
    if unknown:
        raise ValueError(f"unknown field {min(unknown)!r}")
    headers = found.get("headers") or []
    if isinstance(headers, dict):
        headers = list(headers.items())
    return Line(
        _bytes_of("value", found.get("value")),
        _bytes_of("key", found.get("key")),
        tuple(_header(each) for each in headers),
        _number("partition", found.get("partition")),
        _number("timestamp", found.get("timestamp")),
        _text("topic", found.get("topic")),
    )


_FIELDS = {"topic", "partition", "offset", "timestamp", "key", "value", "headers"}


def _bytes_of(name: str, value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        try:
            return b64decode(value["base64"], validate=True)
        except Base64Error as error:
            raise ValueError(f"{name}: {error}") from error
    raise ValueError(f'{name} is neither a string nor null nor {{"base64": "…"}}')


def _header(pair: Any) -> tuple[str, bytes | None]:
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        raise ValueError("headers are pairs of name and value")
    return pair[0], _bytes_of(f"header {pair[0]}", pair[1])


def _number(name: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{name} is no whole number")


def _text(name: str, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{name} is no string")
