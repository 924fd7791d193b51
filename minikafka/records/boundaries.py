"""Walks the record boundaries of a batch body: the part of validation that costs time.

A record is: varint length, attributes (1 byte), varlong timestamp delta, varint offset delta,
varint key length and key, varint value length and value, varint header count and headers; all
varints zig-zag. A body is sound when the fields of each record fill its length exactly, and the
records the body.

`_read_record` says what a sound record is. `_scan` walks the body with the usual varint widths
inlined, asks `_read_record` about every record that is not as usual, and leaves runs of records of
one layout to `columns`.

Measured with bodies of 145 records of 100 bytes (CPython 3.11, 2-vCPU Xeon, best of 9; µs per
record): equal lengths 0.07, the same with times that spread over 290 ms 0.15, values of 50 to 150
bytes 0.45, the same with a header each 0.87. Bodies of equal 1 KiB records: 16 of them 0.32 each,
1,000 of them 0.04.
"""

import struct
from typing import NamedTuple

from minikafka.protocol.types import Buffer
from minikafka.records.columns import FEWEST_IN_COLUMNS, Columns
from minikafka.records.varint import (
    MalformedRecordError,
    read_varint,
    read_varlong,
    skip_headers,
    varint,
)

_COPY_UP_TO_BYTES = 16 << 20
"""Bodies up to this size are copied to `bytes`, which costs little and is cheaper to index and to
slice than a view; larger ones would double their memory."""
_LEAST_PATIENCE = 4
_MOST_PATIENCE = 64
"""How many records are read singly after columns failed; doubled each time, reset by success."""
_NOWHERE = 1 << 40
_LENGTH = [_NOWHERE if byte & 1 else (byte & 0x7F) >> 1 for byte in range(256)]
"""What the first byte of a length adds to it; a negative length leads out of the batch."""
_SHORT = [0 if byte & 1 else byte >> 1 for byte in range(128)]
"""The length that one byte stands for: null has none."""
_NO_COLUMNS = Columns(b"", None)
_unpack_head = struct.Struct("<7B").unpack_from


class Summary(NamedTuple):
    """What validation wants to know of all records of a sound body."""

    max_delta: int
    """Largest timestamp delta (ms)."""
    min_delta: int
    """A lower bound of the timestamp deltas: exact, or what fits into the varints of a column."""
    has_null_key: bool


class RecordParts(NamedTuple):
    """Where the parts of one record lie in its body, and what its deltas are."""

    stop: int
    timestamp_delta: int
    offset_delta: int
    key_at: int
    """Where the key length begins; so for value and headers."""
    key_length: int
    """Negative for null; so for the value."""
    value_at: int
    value_length: int
    headers_at: int


def walk(body: Buffer, count: int, claimed_delta: int | None) -> Summary:
    """Check that `body` holds exactly `count` sound records (at least one).

    `claimed_delta` is the largest timestamp delta according to the header, which is cheaper to
    confirm than to find; None when the caller does not care for timestamps. Offset deltas may be
    anything, contents too. Raises MalformedRecordError.
    """
    data: Buffer = bytes(body) if len(body) <= _COPY_UP_TO_BYTES else body
    if count <= FEWEST_IN_COLUMNS:
        return _scan(data, count, _NO_COLUMNS, count + 1)
    columns = Columns(data, claimed_delta)
    summary = _scan(data, count, columns, 0)
    largest = columns.largest(summary.max_delta)
    if largest is None:
        return _scan(data, count, _NO_COLUMNS, count + 1)
    return Summary(largest, columns.smallest(summary.min_delta), summary.has_null_key)


def offsets_in_order(data: Buffer, count: int) -> bool:
    """Whether the offset deltas of a sound body of `count` records are 0, 1, 2 and so on."""
    length_of = _LENGTH
    start = 0
    for index in range(count):
        low = data[start]
        if low < 0x80:
            at = start + 2
            start += 1 + length_of[low]
        elif (high := data[start + 1]) < 0x80:
            at = start + 3
            start += 2 + length_of[low] + (high << 6)
        else:
            length, at = read_varint(data, start)
            start = at + length
            at += 1
        while data[at] >= 0x80:
            at += 1
        expected = varint(index)
        at += 1
        if data[at : at + len(expected)] != expected and read_varint(data, at)[0] != index:
            return False
    return True


def read_record(data: Buffer, start: int) -> RecordParts:
    """The record at `start`, whatever the widths of its varints.

    Raises MalformedRecordError when there is no sound one.
    """
    try:
        try:
            length, at = read_varint(data, start)
        except MalformedRecordError as error:
            raise MalformedRecordError(error.reason, unreadable_length=True) from None
        stop = at + length
        if stop > len(data):
            raise MalformedRecordError("record longer than what is left of the batch")
        timestamp_delta, at = read_varlong(data, at + 1)
        offset_delta, at = read_varint(data, at)
        key_at = at
        key_length, at = read_varint(data, at)
        value_at = at + max(key_length, 0)
        value_length, at = read_varint(data, value_at)
        headers_at = at + max(value_length, 0)
        at = skip_headers(data, headers_at)
    except IndexError:
        raise MalformedRecordError("batch ends within a record") from None
    if at != stop:
        raise MalformedRecordError("record whose fields do not fill its length")
    return RecordParts(
        stop,
        timestamp_delta,
        offset_delta,
        key_at,
        key_length,
        value_at,
        value_length,
        headers_at,
    )


def _scan(data: Buffer, count: int, columns: Columns, columns_from: int) -> Summary:  # noqa: C901, PLR0915 -- one loop on purpose, see the figures above
    """One record after the other, and from record `columns_from` on in columns where that goes."""
    length_of, short_of, unpack_head = _LENGTH, _SHORT, _unpack_head
    max_delta, min_delta = -(1 << 64), 1 << 64
    has_null_key, last_stamp = False, -1
    start, index, patience = 0, 0, _LEAST_PATIENCE
    while index < count:
        try:
            # Read as if the record length took two bytes; z is needed for wide offset deltas only.
            low, high, attributes, stamp, x, y, z = unpack_head(data, start)
            if low >= 0x80:
                stop = start + 2 + length_of[low] + (high << 6)
                value_at = start + 6
            else:
                stop = start + 1 + length_of[low]
                value_at = start + 5
                high, stamp, x, y, z = 0, attributes, stamp, x, y
            if stamp >= 0x80:
                high |= x
                stamp = stamp & 0x7F | x << 7
                x, y, z = y, z, data[value_at + 1]
                value_at += 1
            if x >= 0x80:
                x, y = y, z
                value_at += 1
            # Now x is the last byte of the offset delta, y the first of the key length.
            value_at += short_of[y]
            low = data[value_at]
            if low < 0x80:
                headers_at = value_at + 1 + short_of[low]
            else:
                z = data[value_at + 1]
                headers_at = value_at + 2 + length_of[low] + (z << 6)
                x |= z
            if high | x | y >= 0x80:
                at = -1
            elif data[headers_at]:
                at = skip_headers(data, headers_at)
            else:
                at = headers_at + 1
        except (IndexError, struct.error, MalformedRecordError):
            at, stop = -1, 0
        if at != stop:
            stop, delta, _, _, key_length, value_at, _, headers_at = read_record(data, start)
            has_null_key |= key_length < 0
            max_delta = max(max_delta, delta)
            min_delta = min(min_delta, delta)
        else:
            if y & 1:
                has_null_key = True
            if stamp != last_stamp:
                last_stamp = stamp
                delta = (stamp >> 1) ^ -(stamp & 1)
                if delta > max_delta:
                    max_delta = delta
                if delta < min_delta:
                    min_delta = delta
        index += 1
        if index >= columns_from:
            more = columns.run(start, stop, value_at, headers_at, count - index)
            index += more
            stop += more * (stop - start)
            if more >= FEWEST_IN_COLUMNS:
                patience = _LEAST_PATIENCE
            else:
                patience = min(2 * patience, _MOST_PATIENCE)
                columns_from = index + patience
        start = stop
    if start != len(data):
        raise MalformedRecordError("bytes left over after the last record")
    return Summary(max_delta, min_delta, has_null_key)
