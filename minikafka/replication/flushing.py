"""When the broker's logs are flushed: at a roll, by number of records, by time.

By default nothing but a roll asks for an fsync, as in Kafka: what is acknowledged lies in the page
cache, and replication is what keeps it. `flush.messages=1` acknowledges a record only after an
fsync that began behind its append. Appends that come while one fsync runs share the next, so that
its cost is divided by all who wait; see docs/durability.md.
"""

from __future__ import annotations

import logging

from minikafka.log.partition_log import PartitionLog
from minikafka.protocol.errors import KafkaError
from minikafka.replication.partition import NEVER_FLUSH, Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.replicas import ReplicaManager
from minikafka.runtime.clock import AgeClock
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.replicas")


class Flusher:
    """Flushes the partitions that are due, one after the other, in one task while there are any.

    They lie on one disk, whose thread does one fsync at a time in any case.
    """

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        replicas: ReplicaManager,
        purgatory: Purgatory,
        age_clock: AgeClock,
        scope: Scope,
    ) -> None:
        self._replicas = replicas
        self._purgatory = purgatory
        self._age_clock = age_clock
        self._scope = scope
        self._check_interval_ms = max(1, settings.log_flush_scheduler_interval_ms)
        self._due: dict[Partition, None] = {}
        self._is_running = False
        # Since when partitions have had something to flush, as far as the checks have seen.
        self._waiting_since_ms: dict[Partition, int] = {}

    def start(self) -> None:
        """Take over the replicas that there are and will be; check by time if that is wanted."""
        for partition in self._replicas:
            self._adopt(partition)
        self._replicas.on_started.append(self._adopt)
        if self._check_interval_ms != NEVER_FLUSH:
            self._age_clock.call_later(self._check_interval_ms, self._check)

    def request(self, partition: Partition) -> None:
        """Flush a partition soon: all that has been appended by the time its turn comes."""
        self._due[partition] = None
        if not self._is_running:
            self._is_running = True
            self._scope.spawn(self._run(), "flush")

    def _adopt(self, partition: Partition) -> None:
        assert isinstance(partition.log, PartitionLog)
        partition.flush_soon = self.request
        partition.log.on_roll = self._rolled
        partition.flush_if_due()

    def _rolled(self, log: PartitionLog) -> None:
        try:
            self.request(self._replicas.partition(log.topic, log.partition))
        except KafkaError:
            return  # it is leaving this broker, and its files go

    def _check(self) -> None:
        """Ask for those that have waited for `flush.ms`."""
        self._age_clock.call_later(self._check_interval_ms, self._check)
        now_ms = self._age_clock.now_ms()
        before, self._waiting_since_ms = self._waiting_since_ms, {}
        for partition in self._replicas:
            log = partition.log
            if log.recovery_point < log.log_end_offset:
                since_ms = before.get(partition, now_ms)
                if now_ms - since_ms >= log.settings.flush_ms:
                    self.request(partition)
                else:
                    self._waiting_since_ms[partition] = since_ms

    async def _run(self) -> None:
        try:
            while self._due:
                partition = next(iter(self._due))
                del self._due[partition]
                await self._flush(partition)
        finally:
            self._is_running = False

    async def _flush(self, partition: Partition) -> None:
        log = partition.log
        assert isinstance(log, PartitionLog)
        if partition.retired:
            return
        try:
            await log.flush()
        except OSError as error:
            if not partition.retired:  # else its files went meanwhile
                self._replicas.storage_failed(partition, error)
            return
        partition.advance_high_watermark()
        self._purgatory.committed(partition)
