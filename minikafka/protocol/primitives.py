"""What the compiled codecs call for the less common cases; the common ones they spell out inline.

Readers take a buffer and a position and return a value and the next position; `first` is a varint's
first byte, already read. They raise MalformedMessage, or IndexError and `struct.error` where the
buffer ends, which the compiled decoder turns into MalformedMessage.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID, SafeUUID

from minikafka.protocol.errors import MalformedMessage, UnencodableMessage
from minikafka.protocol.types import ZERO_UUID, Buffer

MAX_STRING_BYTES: Final = 32767  # Kafka's limit in every version, compact or not
MAX_VARINT: Final = 0x7FFFFFFF

ONE_BYTE: Final = tuple(bytes((value,)) for value in range(128))


def uvarint(buffer: Buffer, position: int, first: int) -> tuple[int, int]:
    """Reads on after the first byte of an unsigned LEB128 of at most five bytes and 31 bits."""
    value = first & 0x7F
    shift = 7
    while first > 0x7F:
        if shift > 28:
            raise MalformedMessage("varint longer than five bytes")
        first = buffer[position]
        position += 1
        value |= (first & 0x7F) << shift
        shift += 7
    if value > MAX_VARINT:
        raise MalformedMessage(f"varint {value} exceeds 31 bits")
    return value, position


def put_uvarint(value: int) -> bytes:
    """The unsigned LEB128 form of a non-negative number."""
    if value < 0x80:
        return ONE_BYTE[value]
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# Reading

_new = object.__new__
_set_int = UUID.__dict__["int"].__set__
_set_is_safe = UUID.__dict__["is_safe"].__set__
_unknown_safety = SafeUUID.unknown


def make_uuid(high: int, low: int) -> UUID:
    """A UUID of two unsigned 64-bit halves; four times as fast as UUID(int=…)."""
    number = high << 64 | low
    if not number:
        return ZERO_UUID
    uuid = _new(UUID)
    _set_int(uuid, number)
    _set_is_safe(uuid, _unknown_safety)
    return uuid


_iter_halves = struct.Struct(">QQ").iter_unpack


def read_uuids(buffer: Buffer, position: int, count: int) -> list[UUID]:
    """An array of `count` UUIDs whose bytes are known to be there."""
    return [
        make_uuid(high, low) for high, low in _iter_halves(buffer[position : position + 16 * count])
    ]


def read_long_string(buffer: Buffer, position: int, first: int, field: str) -> tuple[str, int]:
    """The compact string whose length does not fit one byte, or is null and must not be."""
    value, position = read_long_nullable_string(buffer, position, first, field)
    if value is None:
        raise null_value(field)
    return value, position


def read_long_nullable_string(
    buffer: Buffer, position: int, first: int, field: str
) -> tuple[str | None, int]:
    """The compact string whose length does not fit one byte, or is null."""
    length, position = uvarint(buffer, position, first)
    if length == 0:
        return None, position
    end = position + length - 1
    if length - 1 > MAX_STRING_BYTES or end > len(buffer):
        raise too_long(field, length - 1)
    return str(buffer[position:end], "utf-8"), end


def read_tag(buffer: Buffer, position: int, previous: int) -> tuple[int, int, int]:
    """The head of a tagged field: its tag, where its bytes begin and where they end.

    Tags must ascend, starting after `previous`; the bytes must lie within the buffer.
    """
    first = buffer[position]
    tag, position = uvarint(buffer, position + 1, first)
    first = buffer[position]
    size, position = uvarint(buffer, position + 1, first)
    if tag <= previous:
        raise MalformedMessage(f"tag {tag} after tag {previous}")
    end = position + size
    if end > len(buffer):
        raise MalformedMessage(f"tag {tag} of {size} bytes exceeds the buffer")
    return tag, position, end


def skip_tags(buffer: Buffer, position: int, first: int) -> int:
    """Passes over a tagged section of which no tag is known; returns its end."""
    count, position = uvarint(buffer, position, first)
    tag = -1
    for _ in range(count):
        tag, _, position = read_tag(buffer, position, tag)
    return position


def keep_tags(
    buffer: Buffer, position: int, first: int
) -> tuple[tuple[tuple[int, bytes], ...], int]:
    """A tagged section of which no tag is known, as (tag, bytes) pairs."""
    count, position = uvarint(buffer, position, first)
    tags: list[tuple[int, bytes]] = []
    tag = -1
    for _ in range(count):
        tag, begin, position = read_tag(buffer, position, tag)
        tags.append((tag, bytes(buffer[begin:position])))
    return tuple(tags), position


class ArrayReaders(dict[int, Callable[[Buffer, int], tuple[Any, ...]]]):
    """Unpackers for arrays of one number type by count, made on demand and kept while short."""

    KEPT: Final = 256

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def __missing__(self, count: int) -> Callable[[Buffer, int], tuple[Any, ...]]:
        unpack = struct.Struct(f">{count}{self._code}").unpack_from
        if count < self.KEPT:
            self[count] = unpack
        return unpack


class ArrayWriters(dict[int, Callable[..., bytes]]):
    """Packers for arrays of one number type by count, made on demand and kept while short."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def __missing__(self, count: int) -> Callable[..., bytes]:
        pack = struct.Struct(f">{count}{self._code}").pack
        if count < ArrayReaders.KEPT:
            self[count] = pack
        return pack


# Writing


def long_string_prefix(length: int, field: str) -> bytes:
    """The compact length (already plus one) of a string of more than 126 bytes."""
    if length > MAX_STRING_BYTES + 1:
        raise too_long_text(field, length - 1)
    return put_uvarint(length)


def write_tags(
    out: list[bytes], known: list[tuple[int, bytes]], unknown: Sequence[tuple[int, bytes]] = ()
) -> None:
    """Appends a tagged section: `known` fields that differ from their defaults, and kept ones."""
    if unknown:
        known = sorted((*known, *unknown))
    out.append(put_uvarint(len(known)))
    previous = -1
    for tag, value in known:
        if tag <= previous:
            raise UnencodableMessage(f"tag {tag} is given twice")
        previous = tag
        out += (put_uvarint(tag), put_uvarint(len(value)), value)


# Errors


def null_value(field: str) -> MalformedMessage:
    """The error for null on the wire where the version does not allow it."""
    return MalformedMessage(f"{field} is null, which this version does not allow")


def too_many(field: str, count: int) -> MalformedMessage:
    """The error for an array that announces more elements than the buffer can hold."""
    return MalformedMessage(f"{field} announces {count} elements, more than the bytes that follow")


def too_long(field: str, length: int) -> MalformedMessage:
    """The error for a length that exceeds the buffer or the type's limit."""
    return MalformedMessage(f"{field} announces {length} bytes, more than there may be")


def too_long_text(field: str, length: int) -> UnencodableMessage:
    """The error for a string that Kafka could not read back."""
    return UnencodableMessage(f"{field} has {length} bytes, more than a string may have")


def wrong_tag_size(tag: int) -> MalformedMessage:
    """The error for a known tagged field whose value does not fill its announced size."""
    return MalformedMessage(f"tag {tag} does not have the size it announces")
