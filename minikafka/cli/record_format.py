"""Formats of records in kcat's tokens: what `consume -f` prints, and what `produce -f` takes apart.

%s value   %S its length   %R its length as a big-endian int32   %t topic     %p partition
%k key     %K its length   %h headers as name=value,name=value   %o offset    %T timestamp, ms
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from minikafka.cli.escapes import unescape
from minikafka.cli.exits import UsageError
from minikafka.cli.json_records import Line
from minikafka_client import ConsumerRecord

Format = Callable[[ConsumerRecord], bytes]

NULL: Final = b"NULL"
_TOKENS: Final = re.compile(r"%(.?)", re.DOTALL)
_READABLE: Final = {
    "s": b"(?P<value>.*)",
    "k": b"(?P<key>.*?)",
    "h": b"(?P<headers>.*?)",
    "p": rb"(?P<partition>\d+)",
    "T": rb"(?P<timestamp>-?\d+)",
    "t": b"(?P<topic>.*?)",
}


def compile_format(text: str, null: bytes = b"") -> Format:
    """A function that prints a record. `null` stands for null keys, values and header values."""
    pieces = [_piece(part, null) for part in _parts(text)]

    def show(record: ConsumerRecord) -> bytes:
        return b"".join([each if isinstance(each, bytes) else each(record) for each in pieces])

    return show


def compile_input(text: str) -> tuple[Callable[[bytes], Line], bytes]:
    """A function that takes one record apart, and the delimiter behind each record.

    The delimiter is what the format ends with. The function raises ValueError for what does not
    look like the format.
    """
    parts = _parts(text)
    if not parts or not isinstance(parts[-1], bytes):
        raise UsageError(r"a format to read by ends with a delimiter, such as \n")
    tokens = [part for part in parts if isinstance(part, str)]
    for token in tokens:
        if token not in _READABLE:
            raise UsageError(
                f"%{token} cannot be read, only {' '.join('%' + t for t in _READABLE)}"
            )
    if len(set(tokens)) < len(tokens):
        raise UsageError("each token can be read once only")
    for first, second in pairwise(parts):
        if isinstance(first, str) and isinstance(second, str):
            raise UsageError(f"%{first}%{second}: something must part them")
    patterns = [re.escape(p) if isinstance(p, bytes) else _READABLE[p] for p in parts[:-1]]
    pattern = re.compile(b"".join(patterns), re.DOTALL)

    def read(data: bytes) -> Line:
        found = pattern.fullmatch(data)
        if found is None:
            raise ValueError(f"does not look like {text!r}")
        return _line(found.groupdict())

    return read, parts[-1]


def parse_headers(words: bytes) -> tuple[tuple[str, bytes | None], ...]:
    """`name=value,name=value`; a name alone has a null value."""
    return tuple(parse_header(each) for each in words.split(b",") if each)


def parse_header(word: bytes) -> tuple[str, bytes | None]:
    """`name=value`, or a name alone."""
    name, equals, value = word.partition(b"=")
    return name.decode("utf-8", "replace"), value if equals else None


def _line(fields: dict[str, bytes]) -> Line:
    partition, timestamp, topic = map(fields.get, ("partition", "timestamp", "topic"))
    return Line(
        fields.get("value"),
        fields.get("key"),
        parse_headers(fields.get("headers", b"")),
        None if partition is None else int(partition),
        None if timestamp is None else int(timestamp),
        None if topic is None else topic.decode(),
    )


def _parts(text: str) -> list[bytes | str]:
    """Literal bytes, and tokens as their letter."""
    found: list[bytes | str] = []
    literal, position = b"", 0
    for token in _TOKENS.finditer(text):
        literal += unescape(text[position : token.start()])
        position = token.end()
        letter = token[1]
        if letter == "%":
            literal += b"%"
            continue
        if letter not in _VALUES:
            raise UsageError(f"no token is %{letter}")
        if literal:
            found.append(literal)
        found.append(letter)
        literal = b""
    literal += unescape(text[position:])
    if literal:
        found.append(literal)
    return found


def _piece(part: bytes | str, null: bytes) -> bytes | Format:
    if isinstance(part, bytes):
        return part
    show = _VALUES[part]
    return lambda record: show(record, null)


def _length(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def _text(value: int | str) -> bytes:
    return str(value).encode()


def _headers(record: ConsumerRecord, null: bytes) -> bytes:
    shown = [
        name.encode() + b"=" + (null if value is None else value) for name, value in record.headers
    ]
    return b",".join(shown)


_VALUES: Final[dict[str, Callable[[ConsumerRecord, bytes], bytes]]] = {
    "s": lambda record, null: null if record.value is None else record.value,
    "k": lambda record, null: null if record.key is None else record.key,
    "S": lambda record, _: _text(_length(record.value)),
    "K": lambda record, _: _text(_length(record.key)),
    "R": lambda record, _: _length(record.value).to_bytes(4, "big", signed=True),
    "t": lambda record, _: _text(record.topic),
    "p": lambda record, _: _text(record.partition),
    "o": lambda record, _: _text(record.offset),
    "T": lambda record, _: _text(record.timestamp_ms),
    "h": _headers,
}
