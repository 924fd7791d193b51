"""A log directory (`log.dirs`): whose it is, how it was left, and the logs in it.

meta.properties                     node.id, cluster.id and the directory's own id, for life
.lock                               held while a broker runs
.kafka_cleanshutdown                written last at a clean stop, removed first at the start
recovery-point-offset-checkpoint    below it all is flushed: where recovery begins
log-start-offset-checkpoint         log starts that lie inside a segment
replication-offset-checkpoint       high watermarks
<topic>-<partition>/                one log each
<topic>-<partition>.<32 hex>-delete renamed, removed after file.delete.delay.ms
<topic>-<partition>.<32 hex>-stray  not in the metadata; kept for a human to look at
"""

import logging
from collections.abc import Callable, Mapping
from random import Random
from uuid import UUID

from minikafka.log.checkpoints import (
    CLEAN_SHUTDOWN,
    CLEANER_OFFSETS,
    HIGH_WATERMARKS,
    LOG_START_OFFSETS,
    META_PROPERTIES,
    PARTITION_METADATA,
    RECOVERY_POINTS,
    MetaProperties,
    TopicPartition,
    decode_clean_shutdown,
    decode_offsets,
    decode_partition_metadata,
    encode_clean_shutdown,
    encode_offsets,
    encode_partition_metadata,
)
from minikafka.log.errors import LogDirectoryError
from minikafka.log.partition_log import PartitionLog
from minikafka.runtime.disk import Disk, Lock
from minikafka.settings.topic import TopicSettings

_LOG = logging.getLogger("minikafka.log")

METADATA_TOPIC = "__cluster_metadata"
NO_BROKER_EPOCH = -1

_LOCK = ".lock"
_DELETE = "-delete"
_STRAY = "-stray"
_FUTURE = "-future"
_NAME_MAX = 255


class FoundPartition:
    """A partition directory as `scan` saw it; `topic_id` is None without partition.metadata."""

    __slots__ = ("partition", "path", "topic", "topic_id")

    def __init__(self, topic: str, partition: int, path: str, topic_id: UUID | None) -> None:
        self.topic = topic
        self.partition = partition
        self.path = path
        self.topic_id = topic_id


class LogDirectory:
    """One locked log directory and the logs open in it.

    `was_clean` says how the last run ended and `previous_broker_epoch` in which registration (-1
    if unknown). `high_watermarks` are those checkpointed at the start. `logs` may be read; it
    changes by `open_log`, `create_log`, `schedule_delete` and `set_aside`.
    """

    __slots__ = (
        "_compacted",
        "_deleted",
        "_disk",
        "_lock",
        "_log_start_offsets",
        "_recovery_points",
        "high_watermarks",
        "logs",
        "meta",
        "path",
        "previous_broker_epoch",
        "was_clean",
    )

    def __init__(self, disk: Disk, path: str, lock: Lock, meta: MetaProperties) -> None:
        self._disk = disk
        self._lock = lock
        self.path = path
        self.meta = meta
        self.logs: dict[TopicPartition, PartitionLog] = {}
        self.was_clean = False
        self.previous_broker_epoch = NO_BROKER_EPOCH
        # (when to remove it, path) of partition directories renamed to `-delete`.
        self._deleted: list[tuple[int, str]] = []
        self._recovery_points = self._read_offsets(RECOVERY_POINTS)
        self._log_start_offsets = self._read_offsets(LOG_START_OFFSETS)
        self.high_watermarks = self._read_offsets(HIGH_WATERMARKS)
        # Logs that the cleaner has been at: noted before a pass takes anything away.
        self._compacted = frozenset(self._read_offsets(CLEANER_OFFSETS))

    # -- start ------------------------------------------------------------------------------------

    @staticmethod
    def read_meta(disk: Disk, path: str) -> MetaProperties | None:
        """Whose directory this is; None if it was never formatted. LogDirectoryError if unclear."""
        file = f"{path}/{META_PROPERTIES}"
        if not disk.exists(file):
            return None
        try:
            return MetaProperties.decode(disk.read_bytes(file))
        except ValueError as fault:
            raise LogDirectoryError(file, str(fault)) from fault

    @staticmethod
    def write_meta(disk: Disk, path: str, meta: MetaProperties) -> None:
        """Format the directory (making it), or complete what an old Kafka wrote."""
        disk.mkdir(path, parents=True)
        disk.replace_atomically_now(f"{path}/{META_PROPERTIES}", meta.encode())

    @classmethod
    def open(
        cls, disk: Disk, path: str, *, node_id: int, cluster_id: str | None = None
    ) -> "LogDirectory":
        """Lock a formatted directory and read its checkpoints and marker; removes the marker.

        Raises LogDirectoryError if it is in use, another node's or cluster's, or unreadable.
        """
        meta = cls.read_meta(disk, path)
        if meta is None:
            raise LogDirectoryError(path, f"not formatted, it has no {META_PROPERTIES}")
        if meta.node_id != node_id:
            raise LogDirectoryError(path, f"belongs to node {meta.node_id}, this is node {node_id}")
        if cluster_id is not None and meta.cluster_id != cluster_id:
            raise LogDirectoryError(
                path, f"belongs to cluster {meta.cluster_id}, this is cluster {cluster_id}"
            )
        try:
            lock = disk.lock(f"{path}/{_LOCK}")
        except BlockingIOError:
            raise LogDirectoryError(path, "another process holds its lock") from None
        try:
            directory = cls(disk, path, lock, meta)
        except LogDirectoryError:
            lock.release()
            raise
        marker = f"{path}/{CLEAN_SHUTDOWN}"
        if disk.exists(marker):
            directory.was_clean = True
            directory.previous_broker_epoch = decode_clean_shutdown(disk.read_bytes(marker))
            # Durable before the first append: a marker over a torn log is worse than none.
            disk.unlink(marker)
            disk.fsync_dir_now(path)
        return directory

    def scan(self, wall_ms: int) -> list[FoundPartition]:
        """The partition directories here, by name, without the metadata log's.

        Directories renamed for deletion fall due at `wall_ms`; strays stay. Raises
        LogDirectoryError for a folder that is none of these: Kafka refuses to start on one.
        """
        found = []
        for status in self._disk.scan(self.path):
            if not status.is_directory:
                continue
            name, path = status.name, f"{self.path}/{status.name}"
            if name.endswith(_DELETE) and "." in name:
                self._deleted.append((wall_ms, path))
                continue
            if name.endswith((_STRAY, _FUTURE)) and "." in name:
                _LOG.warning("%s: left alone", path)
                continue
            topic, dash, partition = name.rpartition("-")
            if not topic or not dash or not partition.isdigit():
                raise LogDirectoryError(path, "no partition's directory; move it elsewhere")
            if topic != METADATA_TOPIC:
                found.append(FoundPartition(topic, int(partition), path, self._topic_id(path)))
        return found

    def _topic_id(self, path: str) -> UUID | None:
        file = f"{path}/{PARTITION_METADATA}"
        try:
            return decode_partition_metadata(self._disk.read_bytes(file))
        except FileNotFoundError:
            return None
        except ValueError as fault:
            if self.was_clean:
                raise LogDirectoryError(file, str(fault)) from fault
            # The first flush of a log makes this file durable, too: nothing here was ever flushed.
            _LOG.warning("%s: %s, as a loss of power leaves it", file, fault)
            return None

    def _read_offsets(self, name: str) -> dict[TopicPartition, int]:
        file = f"{self.path}/{name}"
        try:
            return decode_offsets(self._disk.read_bytes(file))
        except FileNotFoundError:
            return {}
        except ValueError as fault:
            # Each can be done without: more is recovered, less is known to be committed or deleted.
            _LOG.error("%s: damaged (%s), going on without it", file, fault)
            return {}

    @property
    def disk(self) -> Disk:
        """The disk it lies on."""
        return self._disk

    # -- logs -------------------------------------------------------------------------------------

    def space(self) -> tuple[int, int]:
        """(size, usable bytes) of the volume that the directory lies on; raises OSError."""
        return self._disk.total_space(self.path), self._disk.free_space(self.path)

    def log_path(self, topic: str, partition: int) -> str:
        """Where a partition's log lives."""
        return f"{self.path}/{topic}-{partition}"

    def open_log(
        self,
        topic: str,
        partition: int,
        *,
        settings: TopicSettings,
        wall_ms: int,
        producer_expiration_ms: int,
        random: Random | None = None,
    ) -> PartitionLog:
        """Open a log that `scan` found, as clean as the directory was. CorruptLogError, OSError."""
        key = (topic, partition)
        assert key not in self.logs, f"{topic}-{partition} is open"
        log = PartitionLog.open(
            self._disk,
            self.log_path(topic, partition),
            topic=topic,
            partition=partition,
            settings=settings,
            wall_ms=wall_ms,
            clean=self.was_clean,
            producer_expiration_ms=producer_expiration_ms,
            recovery_point=self._recovery_points.get(key, 0),
            log_start_offset=self._log_start_offsets.get(key, 0),
            was_compacted=key in self._compacted,
            random=random,
        )
        self.logs[key] = log
        return log

    def create_log(
        self,
        topic: str,
        partition: int,
        topic_id: UUID,
        *,
        settings: TopicSettings,
        wall_ms: int,
        producer_expiration_ms: int,
        random: Random | None = None,
    ) -> PartitionLog:
        """Make a new, empty log; an OSError leaves nothing of it. FileExistsError if it exists."""
        path = self.log_path(topic, partition)
        self._disk.mkdir(path)
        for offsets in (self._recovery_points, self._log_start_offsets, self.high_watermarks):
            offsets.pop((topic, partition), None)
        try:
            self._disk.replace(f"{path}/{PARTITION_METADATA}", encode_partition_metadata(topic_id))
            return self.open_log(
                topic,
                partition,
                settings=settings,
                wall_ms=wall_ms,
                producer_expiration_ms=producer_expiration_ms,
                random=random,
            )
        except OSError:
            for name in self._disk.listdir(path):
                self._disk.unlink(f"{path}/{name}")
            self._disk.rmdir(path)
            raise

    async def truncate_log(
        self,
        topic: str,
        partition: int,
        offset: int,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Cut a log to end at `offset`; see `PartitionLog.truncate_to`.

        A checkpoint that promises more is lowered first: recovery after a crash would begin behind
        what is written at the cut, or miss that the cut itself was lost. Nothing is cut if it is
        not `is_wanted` any more by then.
        """
        bases = self.logs[topic, partition].segment_base_offsets
        base_offset = max((base for base in bases if base <= offset), default=offset)
        await self._lower_checkpoints((topic, partition), base_offset, offset)
        if is_wanted():
            self.logs[topic, partition].truncate_to(offset)

    async def truncate_log_fully(
        self,
        topic: str,
        partition: int,
        offset: int,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Empty a log and let it begin at `offset`, lowering the checkpoints first."""
        await self._lower_checkpoints((topic, partition), offset, offset)
        if is_wanted():
            self.logs[topic, partition].truncate_fully_and_start_at(offset)

    async def _lower_checkpoints(
        self, key: TopicPartition, recovery_point: int, log_start_offset: int
    ) -> None:
        for name, offsets, at_most in (
            (RECOVERY_POINTS, self._recovery_points, recovery_point),
            (LOG_START_OFFSETS, self._log_start_offsets, log_start_offset),
        ):
            if offsets.get(key, 0) > at_most:
                offsets[key] = at_most
                await self._write_offsets(name, offsets)

    def schedule_delete(
        self, topic: str, partition: int, unique: UUID, *, wall_ms: int, delay_ms: int
    ) -> None:
        """Take a log out of use and rename its directory; `purge` removes it after the delay."""
        path = self._rename(topic, partition, unique, _DELETE)
        self._deleted.append((wall_ms + delay_ms, path))

    def set_aside(self, topic: str, partition: int, unique: UUID) -> str:
        """Rename the directory of a partition that is not this broker's; returns the new path."""
        path = self._rename(topic, partition, unique, _STRAY)
        _LOG.warning("%s: not in the metadata of this broker, set aside", path)
        return path

    def _rename(self, topic: str, partition: int, unique: UUID, suffix: str) -> str:
        log = self.logs.pop((topic, partition), None)
        if log is not None:
            log.close(clean=False)
        tail = f"-{partition}.{unique.hex}{suffix}"
        path = f"{self.path}/{topic[: _NAME_MAX - len(tail)]}{tail}"
        self._disk.rename(self.log_path(topic, partition), path)
        return path

    async def purge(self, wall_ms: int) -> None:
        """Remove directories and segments whose delay is over."""
        due = [path for due_ms, path in self._deleted if due_ms <= wall_ms]
        self._deleted = [entry for entry in self._deleted if entry[0] > wall_ms]
        if due:
            await self._disk.remove(due)
        for log in list(self.logs.values()):
            await log.purge(wall_ms)

    # -- checkpoints and stop ---------------------------------------------------------------------

    async def write_recovery_points(self) -> None:
        """Checkpoint how far each log is flushed, and where it starts (each 60 s in Kafka)."""
        recovery_points = {key: log.recovery_point for key, log in self.logs.items()}
        log_starts = {
            key: log.log_start_offset
            for key, log in self.logs.items()
            if log.log_start_offset > log.segment_base_offsets[0]
        }
        self._recovery_points, self._log_start_offsets = recovery_points, log_starts
        await self._write_offsets(RECOVERY_POINTS, recovery_points)
        await self._write_offsets(LOG_START_OFFSETS, log_starts)

    async def write_high_watermarks(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Checkpoint the high watermarks (each 5 s in Kafka)."""
        await self._write_offsets(HIGH_WATERMARKS, offsets)

    async def _write_offsets(self, name: str, offsets: Mapping[TopicPartition, int]) -> None:
        await self._disk.replace_atomically(f"{self.path}/{name}", encode_offsets(offsets))

    async def close(
        self,
        *,
        clean: bool,
        broker_epoch: int = NO_BROKER_EPOCH,
        high_watermarks: Mapping[TopicPartition, int] | None = None,
    ) -> None:
        """Close all logs and unlock; a clean close ends with the marker, after all is durable.

        An OSError on the way leaves no marker, so the next start recovers.
        """
        try:
            unsynced: list[str] = []
            for log in self.logs.values():
                unsynced += log.close(clean)
            if clean:
                await self._disk.sync_paths(unsynced)
                await self.write_recovery_points()
                if high_watermarks is not None:
                    await self.write_high_watermarks(high_watermarks)
                marker = f"{self.path}/{CLEAN_SHUTDOWN}"
                await self._disk.replace_atomically(marker, encode_clean_shutdown(broker_epoch))
        finally:
            self._lock.release()
