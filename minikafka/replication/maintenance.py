"""What happens to replicas by age: retention, checkpoints, expiry, removal of deleted files.

All of it runs by the clock of age, so that a test that moves that clock by a week sees a week of
retention at once. An I/O error takes the log directory offline, as everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from minikafka.log.directory import LogDirectory
from minikafka.log.errors import CorruptLogError
from minikafka.log.partition_log import PartitionLog
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.replicas import ReplicaManager
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.replicas")

# Kafka's cadences that have no key.
PRODUCER_EXPIRY_CHECK_MS = 600_000
PURGE_CHECK_MS = 1_000


class Maintenance:
    """The periodic work on one broker's replicas."""

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        replicas: ReplicaManager,
        purgatory: Purgatory,
        wall_clock: WallClock,
        age_clock: AgeClock,
        scope: Scope,
    ) -> None:
        self._settings = settings
        self._replicas = replicas
        self._purgatory = purgatory
        self._wall_clock = wall_clock
        self._age_clock = age_clock
        self._scope = scope

    def start(self) -> None:
        """Begin; ends when the age clock or the scope is closed."""
        settings = self._settings
        self._every(settings.log_retention_check_interval_ms, self.delete_old_segments, "retention")
        self._every(PRODUCER_EXPIRY_CHECK_MS, self.expire_producers, "expiry of producers")
        self._every_async(
            settings.replica_high_watermark_checkpoint_interval_ms,
            self._checkpoint_high_watermarks,
            "checkpoint high watermarks",
        )
        self._every_async(
            settings.log_flush_offset_checkpoint_interval_ms,
            LogDirectory.write_recovery_points,
            "checkpoint recovery points",
        )
        self._every_async(PURGE_CHECK_MS, self._purge, "remove deleted files")

    def delete_old_segments(self) -> None:
        """Retention by time, size and log start offset, partition by partition."""
        wall_ms = self._wall_clock.now_ms()
        for directory in list(self._replicas.online):
            for partition in list(self._replicas.in_directory(directory)):
                log = partition.log
                assert isinstance(log, PartitionLog)
                try:
                    deleted_count = log.delete_old_segments(wall_ms, partition.high_watermark)
                except OSError as error:
                    self._replicas.directory_failed(directory, error)
                    break
                except CorruptLogError as error:
                    logger.error("retention passes over a corrupt log: %s", error)
                    continue
                if deleted_count:
                    self._purgatory.changed(partition)

    def expire_producers(self) -> None:
        """Forget producers that have not written for `producer.id.expiration.ms`."""
        wall_ms = self._wall_clock.now_ms()
        for partition in self._replicas:
            assert isinstance(partition.log, PartitionLog)
            partition.log.producers.expire(wall_ms)

    async def _checkpoint_high_watermarks(self, directory: LogDirectory) -> None:
        await directory.write_high_watermarks(self._replicas.high_watermarks(directory))

    async def _purge(self, directory: LogDirectory) -> None:
        await directory.purge(self._wall_clock.now_ms())

    def _every(self, interval_ms: int, work: Callable[[], None], name: str) -> None:
        def run() -> None:
            self._age_clock.call_later(interval_ms, run)
            try:
                work()
            except Exception as error:
                logger.error("%s failed", name, exc_info=error)

        self._age_clock.call_later(interval_ms, run)

    def _every_async(
        self, interval_ms: int, work: Callable[[LogDirectory], Awaitable[None]], name: str
    ) -> None:
        async def over_all() -> None:
            for directory in list(self._replicas.online):
                try:
                    await work(directory)
                except OSError as error:
                    self._replicas.directory_failed(directory, error)
                except Exception as error:
                    logger.error("%s: %s failed", directory.path, name, exc_info=error)
            self._age_clock.call_later(interval_ms, run)

        def run() -> None:
            self._scope.spawn(over_all(), name)

        self._age_clock.call_later(interval_ms, run)
