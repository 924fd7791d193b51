"""What compaction leaves of one batch: pure functions from bytes to bytes.

Offsets never change: a batch keeps its base offset and the distance to its last one, also when
records inside of it are gone, even all of them (gaps are how a compacted log looks). Records that
stay keep their bytes. A batch of which everything stays is not touched at all, unless it gets a
*delete horizon*: then attribute bit 6 is set, the base timestamp becomes the time from which its
tombstones may go, and the timestamps are written relative to that (KIP-534).
"""

from struct import Struct

from minikafka.log.compaction_keys import OffsetMap
from minikafka.records.batch import (
    CODEC_MASK,
    CONTROL_BIT,
    DELETE_HORIZON_BIT,
    HEADER_BYTES,
    LOG_OVERHEAD_BYTES,
    MAGIC,
    NO_TIMESTAMP,
    TIMESTAMP_TYPE_BIT,
    TRANSACTIONAL_BIT,
    BatchHeader,
)
from minikafka.records.crc import crc32c
from minikafka.records.varint import MalformedRecordError, int64, read_varint, read_varlong, varint

_UNCHECKED = Struct(">qiibI")
_CHECKED = Struct(">hiqqqhii")
"""The header in two parts: what the CRC leaves out, itself included, and what it covers."""

Run = tuple[int, int]
"""(start, stop) of consecutive records in a decompressed body."""


class RecordFilter:
    """Looks through the records of one batch, some at a time, and notes which stay.

    `left` records are still to be looked at. `runs` are those that stay, `kept_count` their number,
    `max_timestamp` their largest timestamp, `has_tombstone` whether one of them has no value.
    """

    __slots__ = (
        "_base_offset",
        "_base_timestamp",
        "_position",
        "data",
        "has_tombstone",
        "kept_count",
        "left",
        "max_timestamp",
        "runs",
    )

    def __init__(self, header: BatchHeader, data: bytes) -> None:
        """`data` is the decompressed body."""
        self.data = data
        self.left = header.record_count
        self.runs: list[Run] = []
        self.kept_count = 0
        self.max_timestamp = NO_TIMESTAMP
        self.has_tombstone = False
        self._base_offset = header.base_offset
        self._base_timestamp = header.base_timestamp
        self._position = 0

    def keep(  # noqa: C901, PLR0915 -- one loop on purpose, as in `records.record`
        self, offsets: OffsetMap, most: int, *, keep_tombstones: bool
    ) -> None:
        """Look at the next records, at most `most`.

        One stays if it lies behind what `offsets` has seen; or else if it has a key, is the newest
        of that key, and has a value or `keep_tombstones`. Raises MalformedRecordError, IndexError.
        """
        count = min(most, self.left)
        self.left -= count
        data, at = self.data, self._position
        latest, latest_offset = offsets.latest, offsets.latest_offset
        base_offset, base_timestamp = self._base_offset, self._base_timestamp
        max_timestamp = self.max_timestamp
        run_start = run_stop = start = at
        for _ in range(count):
            start = at
            byte = data[at]
            if byte & 1:
                raise MalformedRecordError("negative length of a record")
            if byte < 0x80:
                stop = at + 1 + (byte >> 1)
                at += 2
            elif (high := data[at + 1]) < 0x80:
                stop = at + 2 + ((byte & 0x7F) >> 1) + (high << 6)
                at += 3
            else:
                length, at = read_varint(data, at)
                stop = at + length
                at += 1
            byte = data[at]
            if byte < 0x80:
                timestamp = base_timestamp + ((byte >> 1) ^ -(byte & 1))
                at += 1
            else:
                delta, at = read_varlong(data, at)
                timestamp = base_timestamp + delta
            byte = data[at]
            if byte < 0x80:
                offset = base_offset + ((byte >> 1) ^ -(byte & 1))
                at += 1
            elif (high := data[at + 1]) < 0x80 and not byte & 1:
                offset = base_offset + ((byte & 0x7F) >> 1) + (high << 6)
                at += 2
            else:
                delta, at = read_varint(data, at)
                offset = base_offset + delta
            byte = data[at]
            if byte < 0x80:
                length = (byte >> 1) ^ -(byte & 1)
                at += 1
            else:
                length, at = read_varint(data, at)
            key_at = at
            at = stop
            # A length is negative, and the value so absent, if the lowest bit of its varint is set.
            is_tombstone = data[key_at + length if length > 0 else key_at] & 1
            if offset <= latest_offset:
                if length < 0 or (is_tombstone and not keep_tombstones):
                    continue
                if offset < latest(data[key_at : key_at + length]):
                    continue
            self.kept_count += 1
            self.has_tombstone = self.has_tombstone or bool(is_tombstone)
            max_timestamp = max(max_timestamp, timestamp)
            if start != run_stop:
                self._end_run(run_start, run_stop)
                run_start = start
            run_stop = stop
        self._end_run(run_start, run_stop)
        self.max_timestamp = max_timestamp
        self._position = at
        if at > len(data):
            raise MalformedRecordError("the last record is cut short")

    def _end_run(self, start: int, stop: int) -> None:
        if stop > start:
            self.runs.append((start, stop))


def restamp(data: bytes, run: Run, base_timestamp: int, new_base_timestamp: int) -> bytes:
    """The records of a run, their timestamps relative to another base."""
    at, end = run
    parts: list[bytes] = []
    while at < end:
        length, at = read_varint(data, at)
        stop = at + length
        delta, rest = read_varlong(data, at + 1)
        stamp = varint(int64(base_timestamp + delta - new_base_timestamp))
        parts += (varint(1 + len(stamp) + stop - rest), data[at : at + 1], stamp, data[rest:stop])
        at = stop
    return b"".join(parts)


def encode_batch(
    header: BatchHeader, body: bytes, record_count: int, max_timestamp: int, horizon_ms: int | None
) -> bytes:
    """The batch of `header` with other records: `body` in the batch's codec.

    `horizon_ms` is its new delete horizon, None to leave base timestamp and attributes alone.
    """
    attributes, base_timestamp = header.attributes, header.base_timestamp
    if horizon_ms is not None:
        attributes, base_timestamp = attributes | DELETE_HORIZON_BIT, horizon_ms
    return _encode(header, attributes, base_timestamp, max_timestamp, record_count, body)


def empty_batch(header: BatchHeader) -> bytes:
    """The batch without its records: what keeps a producer's last sequence, or a last offset."""
    attributes = header.attributes & (TIMESTAMP_TYPE_BIT | TRANSACTIONAL_BIT | CONTROL_BIT)
    return _encode(header, attributes, NO_TIMESTAMP, header.max_timestamp, 0, b"")


def codec_of(header: BatchHeader) -> int:
    """The codec of its records; a batch without records has nothing to decompress."""
    return header.attributes & CODEC_MASK if header.record_count else 0


def _encode(
    header: BatchHeader,
    attributes: int,
    base_timestamp: int,
    max_timestamp: int,
    record_count: int,
    body: bytes,
) -> bytes:
    checked = _CHECKED.pack(
        attributes,
        header.last_offset_delta,
        base_timestamp,
        max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        record_count,
    )
    unchecked = _UNCHECKED.pack(
        header.base_offset,
        HEADER_BYTES + len(body) - LOG_OVERHEAD_BYTES,
        header.partition_leader_epoch,
        MAGIC,
        crc32c(body, crc32c(checked)),
    )
    return b"".join((unchecked, checked, body))
