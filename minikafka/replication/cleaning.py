"""The log cleaner: compacts the dirtiest log of this broker, then the next, in small slices.

Every `log.cleaner.backoff.ms`, by the clock of age, it looks for logs that are due
(`minikafka.log.cleaning`) and compacts them one after the other (`minikafka.log.compaction`). It
runs on the loop that serves requests: half a millisecond at a time, and when others had work to do
meanwhile, it leaves them the next two milliseconds as well. (A thread would hold the interpreter
for five.)

A log that cannot be compacted is left alone until the next start, after one line that says why.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from importlib import import_module

from minikafka.log.cleaning import CleanerOffsets, DirtySpan, dirty_span, is_due
from minikafka.log.compaction_keys import OffsetMap
from minikafka.log.directory import LogDirectory
from minikafka.log.errors import CorruptLogError, LogChangedError
from minikafka.log.partition_log import PartitionLog
from minikafka.records.errors import MissingExtraError
from minikafka.replication.partition import Partition
from minikafka.replication.replicas import ReplicaManager
from minikafka.runtime.clock import WALL_TIME_NS, AgeClock, WallClock
from minikafka.runtime.disk import Disk
from minikafka.runtime.tasks import Scope, turn_of_the_loop
from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.cleaner")

SLICE_NS = 500_000
STEPS_PER_SLICE = 500
"""A bound besides time, where time stands still during a turn of the loop."""
IDLE_TURN_NS = 200_000
"""A turn of the loop that took longer had other work to do."""
BUSY_REST_S = 0.002
PARTITIONS_PER_STEP = 100


class LogCleaner:
    """Compacts the logs of one broker. `settings` may be replaced while it runs."""

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        replicas: ReplicaManager,
        disk: Disk,
        wall_clock: WallClock,
        age_clock: AgeClock,
        scope: Scope,
    ) -> None:
        self.settings = settings
        self._replicas = replicas
        self._disk = disk
        self._wall_clock = wall_clock
        self._age_clock = age_clock
        self._scope = scope
        self._task: asyncio.Task[None] | None = None
        # Logs that failed, until they are closed.
        self._uncleanable: set[PartitionLog] = set()

    def start(self) -> None:
        """Begin, unless `log.cleaner.enable` is false; ends with the age clock, or `stop`."""
        if self.settings.log_cleaner_enable:
            self._age_clock.call_later(self.settings.log_cleaner_backoff_ms, self._begin)

    async def stop(self) -> None:
        """Give up the present pass, if there is one: before the logs are closed."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _begin(self) -> None:
        self._task = self._scope.spawn(self._round(), "log cleaner")

    async def _round(self) -> None:
        """Compact logs until none is due, then wait."""
        try:
            while await self._clean_dirtiest():
                pass
        except Exception as error:
            logger.error("the log cleaner failed", exc_info=error)
        self._task = None
        self._age_clock.call_later(self.settings.log_cleaner_backoff_ms, self._begin)

    async def _clean_dirtiest(self) -> bool:
        """One pass over the dirtiest log that is due; False if there is none."""
        pace = Slices(self.settings.log_cleaner_io_max_bytes_per_second)
        directories = {directory.path: directory for directory in self._replicas.online}
        best: tuple[float, Partition, LogDirectory, DirtySpan] | None = None
        wall_ms = self._wall_clock.now_ms()
        partitions = list(self._replicas)
        self._uncleanable.intersection_update([partition.log for partition in partitions])
        for number, partition in enumerate(partitions, 1):
            if not number % PARTITIONS_PER_STEP and pace.is_over(0):
                await pace.rest()
            log = partition.log
            assert isinstance(log, PartitionLog)
            if "compact" not in log.settings.cleanup_policy or log in self._uncleanable:
                continue
            directory = directories.get(log.directory.rpartition("/")[0])
            if directory is None or not is_open(directory, log):
                continue
            try:
                span = self._span(partition, log, directory, wall_ms)
            except OSError as error:
                self._replicas.directory_failed(directory, error)
                return False
            if span is not None and (best is None or span.dirty_ratio > best[0]):
                best = span.dirty_ratio, partition, directory, span
        if best is None:
            return False
        _, partition, directory, span = best
        return await self._clean(partition, directory, span, pace)

    def _span(
        self, partition: Partition, log: PartitionLog, directory: LogDirectory, wall_ms: int
    ) -> DirtySpan | None:
        """What is dirty of a log that is due."""
        try:
            span = dirty_span(
                log,
                self._offsets_of(directory).first_dirty(log),
                high_watermark=partition.high_watermark,
                wall_ms=wall_ms,
            )
        except CorruptLogError as error:
            self._give_up(log, error)
            return None
        return span if is_due(log, span) else None

    async def _clean(
        self, partition: Partition, directory: LogDirectory, span: DirtySpan, pace: Slices
    ) -> bool:
        """One pass; whether the next may follow at once."""
        log, settings = partition.log, self.settings
        assert isinstance(log, PartitionLog)
        size_before = log.size_bytes
        keys = OffsetMap(
            settings.log_cleaner_dedupe_buffer_size, settings.log_cleaner_io_buffer_load_factor
        )
        # Loaded here, for most brokers have nothing to compact for a while after their start.
        compact: Callable[..., Awaitable[int]] = import_module("minikafka.log.compaction").compact
        try:
            await self._offsets_of(directory).announce(log)
            first_dirty = await compact(
                self._disk,
                log,
                span,
                keys,
                wall_ms=self._wall_clock.now_ms(),
                pace=pace,
                is_open=lambda: is_open(directory, log),
            )
            if is_open(directory, log):
                await self._offsets_of(directory).advance(log, first_dirty)
        except LogChangedError:
            logger.info("%s-%d: changed while compacted, later", log.topic, log.partition)
        except (CorruptLogError, MissingExtraError) as error:
            self._give_up(log, error)
        except OSError as error:
            if is_open(directory, log):
                self._replicas.directory_failed(directory, error)
            return False
        else:
            logger.info(
                "%s-%d: compacted up to offset %d, %d bytes of %d are left",
                log.topic,
                log.partition,
                first_dirty,
                log.size_bytes,
                size_before,
            )
        return True

    def _offsets_of(self, directory: LogDirectory) -> CleanerOffsets:
        return self._replicas.cleaner_offsets.of(directory)

    def _give_up(self, log: PartitionLog, error: Exception) -> None:
        self._uncleanable.add(log)
        logger.error("%s-%d: not compacted any more: %s", log.topic, log.partition, error)


def is_open(directory: LogDirectory, log: PartitionLog) -> bool:
    """Whether `log` is still the one in use."""
    return directory.logs.get((log.topic, log.partition)) is log


class Slices:
    """The pace of the cleaner: short slices, longer rests under load, at most so many bytes/s."""

    __slots__ = ("_bytes_per_s", "_moved_bytes", "_slice_began", "_started", "_steps", "_time_ns")

    def __init__(self, bytes_per_s: float = math.inf) -> None:
        self._bytes_per_s = bytes_per_s
        self._time_ns = WALL_TIME_NS.get()
        self._started = self._slice_began = self._time_ns()
        self._moved_bytes = 0
        self._steps = 0

    def is_over(self, moved_bytes: int) -> bool:
        """Whether the slice is used up; to be asked after each step."""
        self._moved_bytes += moved_bytes
        self._steps += 1
        return self._steps >= STEPS_PER_SLICE or self._time_ns() - self._slice_began >= SLICE_NS

    async def rest(self) -> None:
        """Let the loop turn, and wait longer if it had work or the bytes came too fast."""
        began = self._time_ns()
        await turn_of_the_loop()
        now = self._time_ns()
        rest_s = BUSY_REST_S if now - began > IDLE_TURN_NS else 0.0
        ahead_s = self._moved_bytes / self._bytes_per_s - (now - self._started) / 1e9
        if ahead_s > 0 or rest_s:
            await asyncio.sleep(max(ahead_s, rest_s))
        self._slice_began = self._time_ns()
        self._steps = 0
