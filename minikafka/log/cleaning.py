"""Which part of a compacted log is dirty, whether it is due, and how far each log is clean.

    |-- clean: compacted before --|-- dirty: may be compacted --|-- not yet: active, open, young --|
    log start              first dirty                    first uncleanable

The first dirty offset of each log is kept in the directory's `cleaner-offset-checkpoint`, in
Kafka's format. A log without an entry is dirty from its start.
"""

import logging
from collections.abc import Sequence
from itertools import pairwise

from minikafka.log.checkpoints import (
    CLEANER_OFFSETS,
    TopicPartition,
    decode_offsets,
    encode_offsets,
)
from minikafka.log.directory import LogDirectory
from minikafka.log.partition_log import PartitionLog
from minikafka.log.segment import Segment
from minikafka.runtime.disk import Disk
from minikafka.settings.kinds import LONG_MAX

_LOG = logging.getLogger("minikafka.log")


class DirtySpan:
    """What a pass over a log would find: offsets `first_dirty` up to `end` (exclusive) are dirty.

    `clean_bytes` lie before, `dirty_bytes` inside. `is_overdue` when `max.compaction.lag.ms` has
    passed for the first dirty record.
    """

    __slots__ = ("clean_bytes", "dirty_bytes", "end", "first_dirty", "is_overdue")

    def __init__(self, first_dirty: int) -> None:
        self.first_dirty = self.end = first_dirty
        self.clean_bytes = 0
        self.dirty_bytes = 0
        self.is_overdue = False

    @property
    def dirty_ratio(self) -> float:
        """Dirty bytes of all that a pass would read, 0 to 1."""
        total_bytes = self.clean_bytes + self.dirty_bytes
        return self.dirty_bytes / total_bytes if total_bytes else 0.0


def dirty_span(
    log: PartitionLog, first_dirty: int, *, high_watermark: int, wall_ms: int
) -> DirtySpan:
    """The span of `log` if it is clean up to `first_dirty`."""
    if not log.log_start_offset <= first_dirty <= log.log_end_offset:
        first_dirty = log.log_start_offset
    settings = log.settings
    stable = log.last_stable_offset(high_watermark)
    youngest = wall_ms - settings.min_compaction_lag_ms
    span = DirtySpan(first_dirty)
    dirty = []
    # A segment is cleaned as a whole: one that holds something too young or open is not at all.
    for segment, following in pairwise(log.segments):
        if following.base_offset <= first_dirty:
            span.clean_bytes += segment.size
            continue
        if following.base_offset > stable:
            break
        if settings.min_compaction_lag_ms > 0:
            segment.prepare()
            if segment.largest.timestamp > youngest:
                break
        span.dirty_bytes += segment.size
        span.end = following.base_offset
        dirty.append(segment)
    lag_ms = max(settings.max_compaction_lag_ms, settings.min_compaction_lag_ms)
    if settings.max_compaction_lag_ms < LONG_MAX and span.dirty_bytes:
        span.is_overdue = _first_timestamp(dirty, wall_ms) < wall_ms - lag_ms
    return span


def is_due(log: PartitionLog, span: DirtySpan) -> bool:
    """Whether a pass is worth it, or overdue."""
    if not span.dirty_bytes:
        return False
    return span.is_overdue or span.dirty_ratio > log.settings.min_cleanable_dirty_ratio


def _first_timestamp(segments: Sequence[Segment], wall_ms: int) -> int:
    """The earliest time at which one of the segments began; now if that is not known."""
    earliest = wall_ms
    for segment in segments:
        segment.prepare()
        if segment.first_timestamp > 0:
            earliest = min(earliest, segment.first_timestamp)
    return earliest


class AllCleanerOffsets:
    """The `CleanerOffsets` of every directory, made when first asked for."""

    __slots__ = ("_by_directory",)

    def __init__(self) -> None:
        self._by_directory: dict[LogDirectory, CleanerOffsets] = {}

    def of(self, directory: LogDirectory) -> "CleanerOffsets":
        """Those of one directory."""
        found = self._by_directory.get(directory)
        if found is None:
            found = self._by_directory[directory] = CleanerOffsets(directory.disk, directory)
        return found


class CleanerOffsets:
    """How far the logs of one directory are clean.

    What the checkpoint says of a log is believed once, for the log that is open then: neither a
    topic made anew under the same name nor a log that was cut afterwards is clean.
    """

    __slots__ = ("_clean", "_directory", "_disk", "_noted", "_path", "_read")

    def __init__(self, disk: Disk, directory: LogDirectory) -> None:
        self._disk = disk
        self._directory = directory
        self._path = f"{directory.path}/{CLEANER_OFFSETS}"
        self._clean: dict[PartitionLog, tuple[int, int]] = {}
        try:
            self._read = decode_offsets(disk.read_bytes(self._path))
        except FileNotFoundError:
            self._read = {}
        except ValueError as fault:
            _LOG.error("%s: damaged (%s), all logs are compacted anew", self._path, fault)
            self._read = {}
        # Whom the file names.
        self._noted = set(self._read)

    def first_dirty(self, log: PartitionLog) -> int:
        """The offset from which on `log` is dirty."""
        if log not in self._clean:
            known = self._read.pop((log.topic, log.partition), 0)
            self._clean[log] = (known, log.cut_count)
        offset, cut_count = self._clean[log]
        return offset if cut_count == log.cut_count else 0

    async def announce(self, log: PartitionLog) -> None:
        """A pass over `log` begins, or its leader has had one: recovery must know that offsets may
        be missing from it.
        """
        if (log.topic, log.partition) not in self._noted:
            await self.advance(log, self.first_dirty(log))
        log.may_have_gaps = True

    async def advance(self, log: PartitionLog, first_dirty: int) -> None:
        """Note, durably, that `log` is clean up to `first_dirty`."""
        self._clean[log] = (first_dirty, log.cut_count)
        open_logs = self._directory.logs
        self._clean = {
            log: known
            for log, known in self._clean.items()
            if open_logs.get((log.topic, log.partition)) is log
        }
        offsets: dict[TopicPartition, int] = {
            key: offset for key, offset in self._read.items() if key in open_logs
        }
        for known, (offset, _) in self._clean.items():
            offsets[known.topic, known.partition] = offset
        self._noted = set(offsets)
        await self._disk.replace_atomically(self._path, encode_offsets(offsets))
