"""One pass of compaction over one log (`cleanup.policy=compact`).

First the dirty part of the log is read and the newest offset of each key noted. Then the log is
read from its start and written anew without what is superseded, a group of segments at a time:
small neighbours become one segment. The active segment is never touched.

The work is cut into steps of a fraction of a millisecond, so that the loop can serve requests
between them: the generators here yield after each, with the bytes that were read or written. The
log may change meanwhile: appends are no concern, but a pass whose segments were cut or deleted is
given up, and nothing has happened.

Kafka's rules (measured on its 4.3): the newest record of each key stays; a tombstone stays until
its delete horizon; the last batch of each active producer stays, if need be empty, for it has the
producer's sequence; aborted data goes, see `compaction_transactions`. Here the last batch of each
new segment stays as well, so that the segment tells how far it reaches.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Protocol

from minikafka.log.batches import NoBatchError, scan_batches
from minikafka.log.cleaning import DirtySpan
from minikafka.log.compaction_batches import (
    RecordFilter,
    codec_of,
    empty_batch,
    encode_batch,
    restamp,
)
from minikafka.log.compaction_keys import OffsetMap
from minikafka.log.compaction_transactions import CleanedTransactions
from minikafka.log.errors import CorruptLogError, LogChangedError
from minikafka.log.indexes import OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES
from minikafka.log.partition_log import PartitionLog
from minikafka.log.segment import LOG_SUFFIX, MAX_RELATIVE_OFFSET, Segment
from minikafka.log.segment_swap import CleanedSegment
from minikafka.records.batch import (
    HEADER_BYTES,
    LOG_APPEND_TIME,
    NO_TIMESTAMP,
    BatchHeader,
)
from minikafka.records.compression import compress, decompress
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import DECOMPRESSED_LIMIT_BYTES
from minikafka.records.varint import MalformedRecordError
from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import Disk
from minikafka.settings.topic import TopicSettings

RECORDS_PER_STEP = 200
WRITE_BYTES = 1 << 17
GROUP_SEGMENTS_MAX = 16
"""More would be renamed at one go than fits into a millisecond."""


Group = list[tuple[Segment, int]]
"""Segments that become one, each with the base offset of the one that follows it."""


class Pace(Protocol):
    """How fast a pass may go."""

    def is_over(self, moved_bytes: int) -> bool:
        """After a step that moved so many bytes: whether others must have their turn now."""
        ...

    async def rest(self) -> None:
        """Let others have it."""
        ...


async def compact(
    disk: Disk,
    log: PartitionLog,
    span: DirtySpan,
    offsets: OffsetMap,
    *,
    wall_ms: int,
    pace: Pace,
    is_open: Callable[[], bool],
) -> int:
    """One pass; returns the new first dirty offset. `offsets` is empty, and is so after a success.

    `is_open` says whether the log is still in use. Raises LogChangedError when the pass was given
    up, CorruptLogError for what cannot be read, MissingExtraError, OSError.
    """
    work = Compaction(disk, log, span, offsets, wall_ms)

    async def walk(steps: Iterator[int]) -> None:
        for moved_bytes in steps:
            if pace.is_over(moved_bytes):
                await pace.rest()
                work.require_unchanged(is_open())

    try:
        await walk(work.note_keys())
        for group in work.groups():
            await walk(work.rewrite(group))
            cleaned = work.cleaned
            assert cleaned is not None, "a group leaves a segment"
            await log.make_durable(cleaned)
            work.require_unchanged(is_open())
            work.swap(group)
            await disk.fsync_dir(log.directory)
            work.require_unchanged(is_open())
    finally:
        await work.discard()
    end = offsets.latest_offset + 1
    for _ in offsets.clear():
        if pace.is_over(0):
            await pace.rest()
    return end


class Compaction:
    """The state of a pass. `cleaned` is the segment being written, if one is."""

    __slots__ = (
        "_cut_count",
        "_disk",
        "_first",
        "_log",
        "_offsets",
        "_pending",
        "_pending_bytes",
        "_span",
        "_transactions",
        "_wall_ms",
        "cleaned",
    )

    def __init__(
        self,
        disk: Disk,
        log: PartitionLog,
        span: DirtySpan,
        offsets: OffsetMap,
        wall_ms: int,
    ) -> None:
        self._disk = disk
        self._log = log
        self._span = span
        self._offsets = offsets
        self._wall_ms = wall_ms
        self._transactions = CleanedTransactions()
        self._first = log.segments[0]
        self._cut_count = log.cut_count
        self.cleaned: CleanedSegment | None = None
        # Batches to be written: (last offset, largest timestamp, bytes).
        self._pending: list[tuple[int, int, Buffer]] = []
        self._pending_bytes = 0

    def require_unchanged(self, is_open: bool) -> None:
        """Raises LogChangedError unless all sealed segments are as they were."""
        log = self._log
        if not is_open or log.cut_count != self._cut_count or log.segments[0] is not self._first:
            raise LogChangedError

    # -- reading the dirty part -------------------------------------------------------------------

    def note_keys(self) -> Iterator[int]:
        """Note the newest offset of each key from the first dirty offset on, as far as fits."""
        span, offsets, log = self._span, self._offsets, self._log
        transactions = CleanedTransactions()
        transactions.expect(log.aborted_transactions(span.first_dirty, span.end))
        for segment, next_offset in self._between(span.first_dirty, span.end):
            for header, batch, _ in self._batches(segment):
                yield len(batch)
                if header.last_offset < span.first_dirty:
                    continue
                if header.is_control:
                    transactions.meet_control(header, batch)
                elif not transactions.meet_data(header):
                    yield from self._note_batch(segment, header, batch)
                    if offsets.is_full and offsets.latest_offset >= 0:
                        return  # of the last batch not all keys are known: it stays as it is
                offsets.latest_offset = header.last_offset
            offsets.latest_offset = next_offset - 1

    def _note_batch(self, segment: Segment, header: BatchHeader, batch: Buffer) -> Iterator[int]:
        """The keys of a batch, up to where the map is full: but the first batch fits always."""
        offsets = self._offsets
        with _as_corrupt(segment, header):
            data = _body(header, batch)
            left, at = header.record_count, 0
            while left > 0 and not (offsets.is_full and offsets.latest_offset >= 0):
                count = min(left, RECORDS_PER_STEP)
                at = offsets.note_records(
                    data, at, count, header.base_offset, self._span.first_dirty
                )
                left -= count
                yield 0

    # -- writing anew -----------------------------------------------------------------------------

    def groups(self) -> Iterator[Group]:
        """The segments to be written anew."""
        end = min(self._offsets.latest_offset + 1, self._span.end)
        segments = self._between(0, end)
        yield from group_segments(segments, self._log.settings)

    def rewrite(self, group: Group) -> Iterator[int]:
        """Write `cleaned` from the segments of a group."""
        log = self._log
        first, _ = group[0]
        cleaned = CleanedSegment.begin(self._disk, log.directory, first)
        self.cleaned = cleaned
        last = next((segment for segment, _ in reversed(group) if segment.size), first)
        for segment, end in group:
            self._transactions.expect(log.aborted_transactions(segment.base_offset, end))
            for header, batch, is_at_end in self._batches(segment):
                yield len(batch)
                yield from self._rewrite_batch(segment, header, batch, is_at_end, last)
        yield self._write()
        cleaned.replace_aborted(self._transactions.still_needed)
        self._transactions.still_needed = []
        cleaned.write_indexes()

    def swap(self, group: Group) -> None:
        """Put `cleaned`, which is durable, into the place of its group."""
        assert self.cleaned is not None, "written by `rewrite`"
        old = [segment for segment, _ in group]
        segment = self._log.replace_segments(old, self.cleaned)
        if old[0] is self._first:
            self._first = segment
        self.cleaned = None

    async def discard(self) -> None:
        """Remove what was written and has not come into the log."""
        cleaned, self.cleaned = self.cleaned, None
        if cleaned is not None:
            cleaned.close()
            await self._disk.remove([cleaned.path(suffix) for suffix in cleaned.suffixes()])

    def _rewrite_batch(
        self, segment: Segment, header: BatchHeader, batch: Buffer, is_at_end: bool, last: Segment
    ) -> Iterator[int]:
        is_needless = False
        if header.is_control:
            is_needless = self._transactions.meet_control(header, batch)
            is_dropped = (
                is_needless and header.has_delete_horizon and header.base_timestamp <= self._wall_ms
            )
        else:
            is_dropped = self._transactions.meet_data(header)
        with _as_corrupt(segment, header):
            if is_dropped or not header.record_count:
                rewritten = None
            elif header.is_control:
                rewritten = self._keep_marker(header, batch, is_needless=is_needless)
            else:
                rewritten = yield from self._filter(header, batch)
        if rewritten is not None:
            timestamp, data = rewritten
            yield self._add(header.last_offset, timestamp, data)
        elif (is_at_end and segment is last) or (
            header.producer_id >= 0 and self._is_last_of_producer(header)
        ):
            yield self._add(header.last_offset, NO_TIMESTAMP, empty_batch(header))

    def _is_last_of_producer(self, header: BatchHeader) -> bool:
        """Whether a restart would learn a producer's sequence, or its epoch, from this batch."""
        entry = self._log.producers.entries.get(header.producer_id)
        if entry is None:
            return False
        if entry.last_offset >= 0:
            return header.last_offset == entry.last_offset
        return header.is_control and header.producer_epoch == entry.epoch

    def _keep_marker(
        self, header: BatchHeader, batch: Buffer, *, is_needless: bool
    ) -> tuple[int, Buffer]:
        if not is_needless or header.has_delete_horizon:
            return header.max_timestamp, batch
        horizon_ms = self._wall_ms + self._log.settings.delete_retention_ms
        data = _body(header, batch)
        body = restamp(data, (0, len(data)), header.base_timestamp, horizon_ms)
        count, timestamp = header.record_count, header.max_timestamp
        return timestamp, encode_batch(header, body, count, timestamp, horizon_ms)

    def _filter(
        self, header: BatchHeader, batch: Buffer
    ) -> Generator[int, None, tuple[int, Buffer] | None]:
        """(largest timestamp, bytes) of what stays of a data batch; None if nothing does."""
        wall_ms = self._wall_ms
        keep_tombstones = not header.has_delete_horizon or wall_ms < header.base_timestamp
        found = RecordFilter(header, _body(header, batch))
        while found.left > 0:
            found.keep(self._offsets, RECORDS_PER_STEP, keep_tombstones=keep_tombstones)
            yield 0
        if not found.kept_count:
            return None
        horizon_ms = None
        if found.has_tombstone and not header.has_delete_horizon:
            horizon_ms = wall_ms + self._log.settings.delete_retention_ms
        if found.kept_count == header.record_count and horizon_ms is None:
            return header.max_timestamp, batch
        parts = []
        for start, stop in found.runs:
            if horizon_ms is None:
                parts.append(found.data[start:stop])
            else:
                parts.append(restamp(found.data, (start, stop), header.base_timestamp, horizon_ms))
                yield 0
        timestamp = found.max_timestamp
        if header.timestamp_type == LOG_APPEND_TIME:
            timestamp = header.max_timestamp
        body = compress(codec_of(header), b"".join(parts))
        return timestamp, encode_batch(header, body, found.kept_count, timestamp, horizon_ms)

    def _add(self, last_offset: int, timestamp: int, data: Buffer) -> int:
        """Take in a batch of the cleaned segment; returns how many bytes were written for it."""
        self._pending.append((last_offset, timestamp, data))
        self._pending_bytes += len(data)
        return self._write() if self._pending_bytes >= WRITE_BYTES else 0

    def _write(self) -> int:
        cleaned, pending = self.cleaned, self._pending
        assert cleaned is not None, "there is a segment to write to"
        if not pending:
            return 0
        cleaned.file.append([data for _, _, data in pending])
        interval = self._log.settings.index_interval_bytes
        for last_offset, timestamp, data in pending:
            cleaned.note(last_offset, timestamp, len(data), interval)
        written, self._pending, self._pending_bytes = self._pending_bytes, [], 0
        return written

    # -- the segments of a pass -------------------------------------------------------------------

    def _between(self, start: int, end: int) -> list[tuple[Segment, int]]:
        """(segment, base offset of the next one) of those that hold offsets from start to end."""
        return [
            (segment, following.base_offset)
            for segment, following in pairwise(self._log.segments)
            if following.base_offset > start and segment.base_offset < end
        ]

    def _batches(self, segment: Segment) -> Iterator[tuple[BatchHeader, memoryview, bool]]:
        """(header, bytes, whether it is the last) of each batch of a segment, its CRC checked."""
        path, size = segment.path(LOG_SUFFIX), segment.size
        try:
            for position, header, batch in scan_batches(segment.file, path, size):
                yield header, batch, position + len(batch) == size
        except NoBatchError as fault:
            raise CorruptLogError(path, fault.position, fault.reason) from fault


def group_segments(
    segments: Sequence[tuple[Segment, int]], settings: TopicSettings
) -> Iterator[Group]:
    """Neighbours that fit into one segment together; `segments` as (segment, next base offset).

    Judged by their sizes before compaction, as in Kafka: each pass brings more of them together.
    """
    index_bytes_max = settings.segment_index_bytes
    group: Group = []
    size = offset_index_bytes = time_index_bytes = 0
    for segment, next_offset in segments:
        offsets = len(segment.index) * OFFSET_ENTRY_BYTES
        times = len(segment.time_index) * TIME_ENTRY_BYTES
        segment.forget_indexes()
        size += segment.size
        offset_index_bytes += offsets
        time_index_bytes += times
        if group and (
            len(group) >= GROUP_SEGMENTS_MAX
            or size > settings.segment_bytes
            or offset_index_bytes > index_bytes_max
            or time_index_bytes > index_bytes_max
            or next_offset - 1 - group[0][0].base_offset > MAX_RELATIVE_OFFSET
        ):
            yield group
            group = []
            size, offset_index_bytes, time_index_bytes = segment.size, offsets, times
        group.append((segment, next_offset))
    if group:
        yield group


def _body(header: BatchHeader, batch: Buffer) -> bytes:
    """The decompressed records of a batch."""
    body = memoryview(batch)[HEADER_BYTES:]
    return decompress(codec_of(header), body, DECOMPRESSED_LIMIT_BYTES)


@contextmanager
def _as_corrupt(segment: Segment, header: BatchHeader) -> Iterator[None]:
    """What does not hold the records that it promises is damage of this segment."""
    try:
        yield
    except (CorruptRecordError, MalformedRecordError, IndexError) as fault:
        path = segment.path(LOG_SUFFIX)
        raise CorruptLogError(path, header.base_offset, str(fault)) from fault
