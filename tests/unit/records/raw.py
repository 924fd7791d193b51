"""Batches and records made byte by byte, wrong ones too."""

import struct
import zlib
from collections.abc import Callable, Sequence

from minikafka.records.crc import crc32c

WALL_MS = 1_760_000_000_000
"""The test's now; batches carry it unless they say otherwise."""


def unsigned(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint(number: int) -> bytes:
    """Zig-zag, of an int32 or int64."""
    return unsigned(((number << 1) ^ (number >> 63)) & (1 << 64) - 1)


def field(content: bytes | None) -> bytes:
    return varint(-1) if content is None else varint(len(content)) + content


def record(
    index: int = 0,
    *,
    delta: int = 0,
    key: bytes | None = b"k",
    value: bytes | None = b"v",
    headers: Sequence[tuple[bytes | None, bytes | None]] = (),
    header_count: int | None = None,
    attributes: int = 0,
    length: int | None = None,
    tail: bytes = b"",
) -> bytes:
    """One record; `length` and `header_count` may lie."""
    fields = [bytes((attributes,)), varint(delta), varint(index), field(key), field(value)]
    fields.append(varint(len(headers) if header_count is None else header_count))
    fields += [field(name) + field(content) for name, content in headers]
    return sized(b"".join(fields) + tail, length)


def sized(body: bytes, length: int | None = None) -> bytes:
    """What follows a record's length, behind it."""
    return varint(len(body) if length is None else length) + body


def batch(
    records: Sequence[bytes] = (),
    *,
    body: bytes | None = None,
    compress: Callable[[bytes], bytes] | None = None,
    attributes: int = 0,
    count: int | None = None,
    base_offset: int = 0,
    length: int | None = None,
    magic: int = 2,
    crc: int | None = None,
    last_offset_delta: int | None = None,
    base_timestamp: int = WALL_MS,
    max_timestamp: int | None = None,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
) -> bytes:
    """One batch; what is not given is honest."""
    records = records or [record()]
    body = b"".join(records) if body is None else body
    count = len(records) if count is None else count
    checked = struct.pack(
        ">hiqqqhii",
        attributes,
        count - 1 if last_offset_delta is None else last_offset_delta,
        base_timestamp,
        base_timestamp if max_timestamp is None else max_timestamp,
        producer_id,
        producer_epoch,
        base_sequence,
        count,
    ) + (compress(body) if compress else body)
    rest = struct.pack(">ibI", -1, magic, crc32c(checked) if crc is None else crc) + checked
    return struct.pack(">qi", base_offset, len(rest) if length is None else length) + rest


def gzip(body: bytes) -> bytes:
    return zlib.compress(body, wbits=31)


def gzipped(records: Sequence[bytes] = (), *, attributes: int = 1, **more: object) -> bytes:
    """A gzip batch."""
    return batch(records, compress=gzip, attributes=attributes, **more)  # type: ignore[arg-type]
