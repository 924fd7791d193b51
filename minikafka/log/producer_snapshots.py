"""`.snapshot`: producer state before an offset, written at each roll and at a clean stop.

    int16 version 1 · uint32 CRC-32C of all that follows · int32 count · count × 46 bytes:
    int64 producer id · int16 epoch · int32 last sequence · int64 last offset · int32 offset delta
    · int64 timestamp · int32 coordinator epoch · int64 first offset of the open transaction

Only a producer's last data batch is kept, so after a reload the window of known duplicates is one
batch (and those replayed behind the snapshot). The name is the first offset not covered. One is
kept per segment base, plus the newest. Schema: ProducerSnapshot.
"""

import logging
from collections.abc import Iterable
from struct import Struct
from struct import error as StructError

from minikafka.log.producer_state import (
    NO_OFFSET,
    NO_SEQUENCE,
    CachedBatch,
    ProducerState,
    ProducerStates,
)
from minikafka.records.crc import crc32c
from minikafka.runtime.disk import Disk

_LOG = logging.getLogger("minikafka.log")

_VERSION = 1
_PREFIX = Struct(">hI")
_COUNT = Struct(">i")
_ENTRY = Struct(">qhiqiqiq")
_SEQUENCES = 2**31

SUFFIX = ".snapshot"


def encode_snapshot(entries: Iterable[ProducerState]) -> bytes:
    """The file content for these producers."""
    parts = []
    for entry in entries:
        if entry.batches:
            last = entry.batches[-1]
            batch = (last.last_sequence, last.last_offset, last.offset_delta)
        else:
            batch = (NO_SEQUENCE, NO_OFFSET, 0)
        parts.append(
            _ENTRY.pack(
                entry.producer_id,
                entry.epoch,
                *batch,
                entry.last_timestamp,
                entry.coordinator_epoch,
                entry.transaction_first_offset,
            )
        )
    body = _COUNT.pack(len(parts)) + b"".join(parts)
    return _PREFIX.pack(_VERSION, crc32c(body)) + body


def decode_snapshot(data: bytes) -> list[ProducerState]:
    """The producers of a snapshot; ValueError if it is damaged."""
    try:
        version, crc = _PREFIX.unpack_from(data)
        (count,) = _COUNT.unpack_from(data, _PREFIX.size)
    except StructError:
        raise ValueError("too short") from None
    body = memoryview(data)[_PREFIX.size :]
    if version != _VERSION:
        raise ValueError(f"version {version}, only {_VERSION} is known")
    if crc32c(body) != crc:
        raise ValueError("its CRC does not fit")
    if len(body) != _COUNT.size + count * _ENTRY.size:
        raise ValueError(f"{len(data)} bytes do not hold {count} producers")
    return [_entry(*fields) for fields in _ENTRY.iter_unpack(body[_COUNT.size :])]


def _entry(
    producer_id: int,
    epoch: int,
    last_sequence: int,
    last_offset: int,
    offset_delta: int,
    timestamp: int,
    coordinator_epoch: int,
    transaction_first_offset: int,
) -> ProducerState:
    entry = ProducerState(producer_id, epoch)
    entry.last_timestamp = timestamp
    entry.coordinator_epoch = coordinator_epoch
    entry.transaction_first_offset = transaction_first_offset
    if last_offset >= 0:
        first_sequence = (last_sequence - offset_delta) % _SEQUENCES
        entry.batches.append(
            CachedBatch(first_sequence, last_sequence, last_offset, offset_delta, timestamp)
        )
    return entry


class ProducerSnapshots:
    """The snapshot files of one log: `offsets` are those on disk, ascending."""

    __slots__ = ("_directory", "_disk", "offsets")

    def __init__(self, disk: Disk, directory: str, offsets: Iterable[int] = ()) -> None:
        self._disk = disk
        self._directory = directory
        self.offsets = sorted(offsets)

    def path(self, offset: int) -> str:
        """The file of the state before `offset`."""
        return f"{self._directory}/{offset:020d}{SUFFIX}"

    def write(self, offset: int, producers: ProducerStates) -> str:
        """Write the state before `offset`; returns the path, which is not flushed yet."""
        path = self.path(offset)
        self._disk.replace(path, encode_snapshot(producers.entries.values()))
        if offset not in self.offsets:
            self.offsets.append(offset)
            self.offsets.sort()
        return path

    def load(self, producers: ProducerStates, limit: int, wall_ms: int) -> int | None:
        """Load the newest readable snapshot not beyond `limit`; its offset, None without one.

        A damaged one is removed, and the one before it taken.
        """
        for offset in [offset for offset in reversed(self.offsets) if offset <= limit]:
            path = self.path(offset)
            try:
                entries = decode_snapshot(self._disk.read_bytes(path))
            except ValueError as damage:
                _LOG.warning("%s: removed a damaged producer snapshot: %s", path, damage)
                self._remove(offset)
                continue
            producers.load(entries, wall_ms)
            return offset
        producers.clear()
        return None

    def delete_above(self, offset: int) -> None:
        """The log was cut to `offset`: later snapshots speak of what is gone."""
        for found in [found for found in self.offsets if found > offset]:
            self._remove(found)

    def keep_only(self, segment_bases: Iterable[int]) -> None:
        """Remove all but those at a segment's base and the newest."""
        wanted = {*segment_bases, *self.offsets[-1:]}
        for found in [found for found in self.offsets if found not in wanted]:
            self._remove(found)

    def delete_below(self, offset: int) -> None:
        """Segments below `offset` are gone: so are their snapshots, except the newest."""
        for found in [found for found in self.offsets[:-1] if found < offset]:
            self._remove(found)

    def _remove(self, offset: int) -> None:
        self.offsets.remove(offset)
        self._disk.unlink(self.path(offset))
