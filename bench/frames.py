"""Requests encoded once, before any clock runs, and where to look in their answers.

Produce v10 and Fetch v16 are the versions librdkafka speaks. A frame is sent again and again as it
is: without a producer id the broker takes the same batch as often as it comes.
"""

import struct
import uuid
from typing import NamedTuple

from crc32c import crc32c
from harness.wire import FETCH, PRODUCE, compact_string, request, uvarint

_BATCH_HEAD = struct.Struct(">qiib")  # base offset, length, partition leader epoch, magic
_BATCH_BODY = struct.Struct(">hiqqqhii")  # attributes … record count


def _varint(value: int) -> bytes:
    return uvarint(value << 1 if value >= 0 else (-value << 1) - 1)


def record_batch(values: list[bytes], timestamp_ms: int) -> bytes:
    """An uncompressed batch of keyless records without headers, as a plain producer sends it."""
    records = bytearray()
    for offset_delta, value in enumerate(values):
        body = b"\0\0" + _varint(offset_delta) + _varint(-1) + _varint(len(value)) + value + b"\0"
        records += _varint(len(body)) + body
    count = len(values)
    checked = (
        _BATCH_BODY.pack(0, count - 1, timestamp_ms, timestamp_ms, -1, -1, -1, count) + records
    )
    return (
        _BATCH_HEAD.pack(0, 9 + len(checked), -1, 2) + struct.pack(">I", crc32c(checked)) + checked
    )


class Produce(NamedTuple):
    """One Produce request for one batch and the shape of its answer."""

    frame: bytes
    value_bytes: int
    record_count: int
    batch_bytes: int
    answer_bytes: int
    error_at: int


def produce(
    topic: str, record_bytes: int, records: int, timestamp_ms: int, *, acks: int = 1
) -> Produce:
    batch = record_batch([b"x" * record_bytes] * records, timestamp_ms)
    partition = struct.pack(">i", 0) + uvarint(len(batch) + 1) + batch + b"\0"
    body = (
        b"\0"  # no transactional id
        + struct.pack(">hi", acks, 30_000)
        + b"\x02"
        + compact_string(topic)
        + b"\x02"
        + partition
        + b"\0\0"
    )
    # size 4, correlation id 4, tags 1, topic count 1, name, partition count 1, index 4 | error 2
    error_at = 4 + 4 + 1 + 1 + len(compact_string(topic)) + 1 + 4
    # | base offset, append time, log start 8 each, record errors, message, tags 1 each;
    # topic tags 1, throttle time 4, tags 1
    answer_bytes = error_at + 2 + 24 + 3 + 1 + 4 + 1
    frame = request(PRODUCE, 10, body, flexible=True)
    return Produce(frame, record_bytes * records, records, len(batch), answer_bytes, error_at)


def records_filling(batch_bytes: int, record_bytes: int) -> int:
    """How many records make the largest batch of at most `batch_bytes`."""
    one = len(record_batch([b"x" * record_bytes], 0)) - 61
    two_digit_delta_bytes = 1
    return (batch_bytes - 61) // (one + two_digit_delta_bytes)


class Fetch(NamedTuple):
    """One Fetch request whose offset is patched in place before each sending."""

    frame: bytearray
    offset_at: int
    max_bytes: int

    def at(self, offset: int) -> bytearray:
        struct.pack_into(">q", self.frame, self.offset_at, offset)
        return self.frame


# Of an answer without its size prefix: correlation id 4, tags 1, throttle time 4 | error 2 …
FETCH_ERROR_AT = 4 + 1 + 4
# … session 4, topic count 1, topic id 16, partition count 1, index 4 | error 2 …
FETCH_PARTITION_ERROR_AT = FETCH_ERROR_AT + 2 + 4 + 1 + 16 + 1 + 4
# … three offsets, aborted transactions 1, preferred replica 4 | size of records, records
FETCH_RECORDS_AT = FETCH_PARTITION_ERROR_AT + 2 + 24 + 1 + 4


def fetch(topic_id: uuid.UUID, max_bytes: int) -> Fetch:
    """Fetch from partition 0 up to `max_bytes`, at once, without a session."""
    head = (
        struct.pack(">iiibii", 500, 1, max_bytes, 0, 0, -1)
        + b"\x02"
        + topic_id.bytes
        + b"\x02"
        + struct.pack(">ii", 0, -1)
    )
    tail = struct.pack(">qiqi", 0, -1, -1, max_bytes) + b"\0\0" + b"\x01\x01\0"
    frame = bytearray(request(FETCH, 16, head + tail, flexible=True))
    return Fetch(frame, len(frame) - len(tail), max_bytes)
