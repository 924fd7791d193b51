"""The replicas of one broker: which partitions live here, where their logs are, what they do next.

Roles come from metadata, never from requests: `load` opens at start what the image puts on this
broker, `publish` follows every committed change. Maintenance (retention, checkpoints, purging of
deleted directories, expiry of producers) runs by the clock of age.

An I/O error takes the log directory offline: its partitions are served as storage errors, the
others go on (with one directory the owner ends the process, as Kafka does).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from minikafka.log.directory import LogDirectory
from minikafka.log.partition_log import PartitionLog
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import (
    BROKER_RESOURCE,
    TOPIC_RESOURCE,
    MetadataImage,
    PartitionImage,
    TopicImage,
)
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.types import ZERO_UUID
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings

logger = logging.getLogger("minikafka.replicas")

# Kafka's cadences that have no key of their own.
PRODUCER_EXPIRY_CHECK_MS = 600_000
PURGE_CHECK_MS = 1_000

OfflineReport = Callable[[LogDirectory, OSError], None]


class ReplicaManager:
    """Every partition of this broker by name and by id."""

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        image: MetadataImage,
        directories: Sequence[LogDirectory],
        purgatory: Purgatory,
        wall_clock: WallClock,
        age_clock: AgeClock,
        on_offline: OfflineReport,
    ) -> None:
        self._settings = settings
        self._node_id = settings.node_id
        self._image = image
        self._directories = list(directories)
        self._purgatory = purgatory
        self._wall_clock = wall_clock
        self._age_clock = age_clock
        self._on_offline = on_offline
        self._by_name: dict[tuple[str, int], Partition] = {}
        self._by_id: dict[tuple[UUID, int], Partition] = {}
        self._directory_of: dict[Partition, LogDirectory] = {}
        self._offline: dict[tuple[str, int], LogDirectory] = {}

    # -- looking up ---------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def resolve(self, topic: str, topic_id: UUID, index: int) -> Partition:
        """The replica named by a request: by id where there is one (KIP-516), else by name.

        Raises `KafkaError` 3 or 100 (unknown), 6 (not here), 56 (its directory is offline).
        """
        if topic_id == ZERO_UUID:
            found = self._by_name.get((topic, index))
            return found if found is not None else self._missing(topic, index)
        found = self._by_id.get((topic_id, index))
        if found is not None:
            return found
        known = self._image.topics_by_id.get(topic_id)
        if known is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
        return self._missing(known.name, index)

    def partition(self, topic: str, index: int) -> Partition:
        """The replica of a partition by name; raises as `resolve`."""
        found = self._by_name.get((topic, index))
        return found if found is not None else self._missing(topic, index)

    def leader(self, topic: str, index: int, current_leader_epoch: int = -1) -> Partition:
        """The replica, which must lead in the client's epoch; raises also 6, 74, 75."""
        found = self.partition(topic, index)
        found.check_leader(current_leader_epoch)
        return found

    def _missing(self, topic: str, index: int) -> Partition:
        known = self._image.topics.get(topic)
        if known is None or index not in known.partitions:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if (topic, index) in self._offline:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    # -- following the metadata ---------------------------------------------------------------

    def load(self) -> None:
        """Open the logs of every partition that the image puts here; at start, before listening."""
        for directory in self._directories:
            directory.set_strays_aside(self._belongs_here)
        for topic, index, partition in self._image.partitions():
            if self._node_id in partition.replicas:
                self._start_replica(topic, index, partition)

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Follow one committed change of the metadata."""
        for name, topic in delta.deleted_topics.items():
            for index in topic.partitions:
                self._delete_replica(name, topic.topic_id, index)
        for name, index in delta.changed_partitions:
            found = image.topics.get(name)
            partition = None if found is None else found.partitions.get(index)
            if found is None or partition is None:
                continue
            if self._node_id in partition.replicas:
                self._follow_replica(found, index, partition)
            else:
                self._delete_replica(name, found.topic_id, index)
        self._follow_configs(delta)

    def _belongs_here(self, topic: str, index: int, topic_id: UUID | None) -> bool:
        known = self._image.topics.get(topic)
        return (
            known is not None
            and known.topic_id == topic_id
            and index in known.partitions
            and self._node_id in known.partitions[index].replicas
        )

    def _start_replica(self, topic: TopicImage, index: int, image: PartitionImage) -> None:
        directory = self._choose_directory(topic.name, index, image)
        if directory is None:
            return
        try:
            log = directory.open_or_create(
                topic.name,
                index,
                topic.topic_id,
                self._topic_settings(topic.name),
                self._wall_clock.now_ms(),
            )
        except OSError as error:
            self.directory_failed(directory, error)
            self._offline[topic.name, index] = directory
            return
        partition = Partition(self._node_id, topic.name, topic.topic_id, index, log)
        partition.high_watermark = directory.high_watermark(topic.name, index, log)
        self._by_name[topic.name, index] = partition
        self._by_id[topic.topic_id, index] = partition
        self._directory_of[partition] = directory
        partition.apply(image)

    def _follow_replica(self, topic: TopicImage, index: int, image: PartitionImage) -> None:
        partition = self._by_name.get((topic.name, index))
        if partition is not None and partition.topic_id != topic.topic_id:
            self._delete_replica(topic.name, partition.topic_id, index)
            partition = None
        if partition is None:
            self._start_replica(topic, index, image)
            return
        partition.apply(image)
        self._purgatory.changed(partition)

    def _delete_replica(self, topic: str, topic_id: UUID, index: int) -> None:
        partition = self._by_name.get((topic, index))
        if partition is None or partition.topic_id != topic_id:
            return
        del self._by_name[topic, index]
        self._by_id.pop((topic_id, index), None)
        directory = self._directory_of.pop(partition)
        partition.retire()
        self._purgatory.changed(partition)
        try:
            directory.schedule_delete(partition.log, self._age_clock.now_ms())  # type: ignore[arg-type]  # a replica's log is a PartitionLog
        except OSError as error:
            self.directory_failed(directory, error)

    def _choose_directory(
        self, topic: str, index: int, image: PartitionImage
    ) -> LogDirectory | None:
        """Where the log is, else where the metadata puts it, else the one with the fewest logs."""
        online = [directory for directory in self._directories if directory.online]
        for directory in online:
            if directory.holds(topic, index):
                return directory
        wanted = image.directory_of(self._node_id)
        for directory in online:
            if directory.directory_id == wanted:
                return directory
        return min(online, key=len, default=None)

    def _topic_settings(self, topic: str) -> TopicSettings:
        image = self._image
        return TopicSettings.resolve(
            image.topic_configs(topic),
            self._settings,
            image.broker_configs(self._node_id),
            image.cluster_configs,
        )

    def _follow_configs(self, delta: MetadataDelta) -> None:
        everywhere = False
        changed: dict[str, None] = {}
        for kind, name in delta.changed_configs:
            if kind == TOPIC_RESOURCE:
                changed[name] = None
            elif kind == BROKER_RESOURCE and name in ("", str(self._node_id)):
                everywhere = True
        for partition in self._by_name.values():
            if everywhere or partition.topic in changed:
                partition.configure(self._topic_settings(partition.topic))

    # -- maintenance --------------------------------------------------------------------------

    def start_maintenance(self) -> None:
        """Begin the periodic work; ends with the age clock."""
        settings = self._settings
        self._every(settings.log_retention_check_interval_ms, self.delete_old_segments)
        self._every(settings.replica_high_watermark_checkpoint_interval_ms, self.checkpoint)
        self._every(PRODUCER_EXPIRY_CHECK_MS, self.expire_producers)
        self._every(PURGE_CHECK_MS, self.purge)

    def _every(self, interval_ms: int, work: Callable[[], None]) -> None:
        def run() -> None:
            work()
            self._age_clock.call_later(interval_ms, run)

        self._age_clock.call_later(interval_ms, run)

    def delete_old_segments(self) -> None:
        """Retention by time, size and log start offset, partition by partition."""
        wall_ms = self._wall_clock.now_ms()
        for partition in list(self._by_name.values()):
            directory = self._directory_of[partition]
            log = _log_of(partition)
            start = log.log_start_offset
            try:
                log.delete_old_segments(wall_ms, partition.high_watermark)
            except OSError as error:
                self.directory_failed(directory, error)
                continue
            if log.log_start_offset != start:
                self._purgatory.changed(partition)

    def checkpoint(self) -> None:
        """Write the high watermarks, log start offsets and recovery points of every directory."""
        for directory in self._directories:
            if not directory.online:
                continue
            marks = {
                (partition.topic, partition.index): partition.high_watermark
                for partition, place in self._directory_of.items()
                if place is directory
            }
            try:
                directory.checkpoint(marks)
            except OSError as error:
                self.directory_failed(directory, error)

    def expire_producers(self) -> None:
        """Forget producers that have not written for `producer.id.expiration.ms`."""
        wall_ms = self._wall_clock.now_ms()
        for partition in self._by_name.values():
            _log_of(partition).producers.expire(wall_ms)

    def purge(self) -> None:
        """Remove deleted segments and directories whose `file.delete.delay.ms` is over."""
        now_ms = self._age_clock.now_ms()
        for directory in self._directories:
            if directory.online:
                try:
                    directory.purge(now_ms)
                except OSError as error:
                    self.directory_failed(directory, error)

    # -- failure and end ----------------------------------------------------------------------

    def storage_failed(self, partition: Partition, error: OSError) -> None:
        """A read or write of this partition's log failed."""
        directory = self._directory_of.get(partition)
        if directory is not None:
            self.directory_failed(directory, error)

    def directory_failed(self, directory: LogDirectory, error: OSError) -> None:
        """Take a directory offline with every partition in it."""
        if not directory.online:
            return
        directory.fail()
        logger.error("log directory %s is offline: %s", directory.path, error)
        for partition, place in list(self._directory_of.items()):
            if place is directory:
                key = (partition.topic, partition.index)
                self._by_name.pop(key, None)
                self._by_id.pop((partition.topic_id, partition.index), None)
                del self._directory_of[partition]
                self._offline[key] = directory
                partition.retire()
                self._purgatory.changed(partition)
        self._on_offline(directory, error)

    def close(self) -> None:
        """Close every log cleanly: indexes trimmed, producer snapshots written."""
        self.checkpoint()
        for partition, directory in list(self._directory_of.items()):
            if not directory.online:
                continue
            try:
                _log_of(partition).close(clean=True)
            except OSError as error:
                self.directory_failed(directory, error)


def _log_of(partition: Partition) -> PartitionLog:
    log = partition.log
    assert isinstance(log, PartitionLog)
    return log
