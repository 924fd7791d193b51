"""The replicas of one broker: which partitions live here, where their logs are, what they do next.

Roles come from metadata, never from requests: `load` opens at start what the image puts on this
broker, `publish` follows every committed change. What happens by age is in `maintenance`.

A change that brings many new replicas makes some of them at once and the others in the next turns
of the loop, so that ten thousand partitions (a good 0.4 ms each, several on a busy disk) do not
keep everybody else waiting; until its turn has come a partition is answered NOT_LEADER_OR_FOLLOWER,
as by a Kafka whose broker has not caught up with its metadata.

An I/O error takes the log directory offline: its partitions are served as storage errors, the
others go on (with one directory the owner ends the process, as Kafka does). A full disk does not:
see `full_disks`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random
from uuid import UUID

from minikafka.log.cleaning import AllCleanerOffsets
from minikafka.log.directory import LogDirectory
from minikafka.log.errors import is_disk_full
from minikafka.log.partition_log import PartitionLog
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage, PartitionImage, TopicImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.types import ZERO_UUID
from minikafka.replication.following import Following
from minikafka.replication.full_disks import FullDisks
from minikafka.replication.leading import Leading
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.topic_configs import TopicConfigs
from minikafka.runtime.clock import WallClock
from minikafka.runtime.entropy import random_uuid
from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.replicas")

OfflineReport = Callable[[LogDirectory, OSError], None]

NEW_LOGS_PER_TURN = 64
"""At most so many logs are made in one turn of the loop, ..."""
NEW_LOGS_AT_ONCE = 8
"""... at least so many, ..."""
NEW_LOGS_TURN_MS = 10
"""... and in between no more once this time is over."""


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
        random: Random,
        on_offline: OfflineReport,
    ) -> None:
        """`directories` are those that could be opened; the others of `log.dirs` are offline."""
        self._settings = settings
        self._node_id = settings.node_id
        self._image = image
        self._configs = TopicConfigs(settings, image)
        self.online = list(directories)
        self._purgatory = purgatory
        self._wall_clock = wall_clock
        self._random = random
        self._on_offline = on_offline
        self._by_name: dict[tuple[str, int], Partition] = {}
        self._by_id: dict[tuple[UUID, int], Partition] = {}
        # Where each log lies, also while its directory is offline; to be read.
        self.homes: dict[tuple[str, int], LogDirectory] = {}
        self._offline: dict[tuple[str, int], None] = {}
        # Replicas that metadata puts here and whose logs are still to be made, in order.
        self._awaited: dict[tuple[str, int], None] = {}
        # Told of every replica that begins to be served.
        self.on_started: list[Callable[[Partition], None]] = []
        # What this broker does as a leader, and as a follower.
        self.leading = Leading(settings=settings, image=image, purgatory=purgatory)
        self.following = Following(settings)
        # How far logs are compacted, and which may lack offsets.
        self.cleaner_offsets = AllCleanerOffsets()
        # Those whose log could not be made or opened on a disk that was full.
        self._without_room: dict[tuple[str, int], None] = {}
        self._full_disks = FullDisks(self._room_again, self.directory_failed)

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
            return self.partition(topic, index)
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
        if (topic, index) in self._offline or (topic, index) in self._without_room:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    # -- following the metadata ---------------------------------------------------------------

    def load(self) -> None:
        """Open the logs of every partition that the image puts here; at start, before listening.

        Directories of partitions that are not this broker's are set aside as strays. Raises
        LogDirectoryError for a folder that is none of Kafka's, OSError, CorruptLogError.
        """
        for directory in self.online:
            for found in directory.scan(self._wall_clock.now_ms()):
                if self._is_assigned(found.topic, found.partition, found.topic_id):
                    self.homes[found.topic, found.partition] = directory
                else:
                    directory.set_aside(found.topic, found.partition, random_uuid(self._random))
        for topic, index, partition in self._image.partitions():
            if self._node_id in partition.replicas:
                self._start_replica(topic, index, partition)

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Follow one committed change of the metadata."""
        for name, topic in delta.deleted_topics.items():
            for index in topic.partitions:
                self._delete_replica(name, topic.topic_id, index)
        for name, index in sorted(delta.changed_partitions):
            found = image.topics.get(name)
            partition = None if found is None else found.partitions.get(index)
            if found is None or partition is None:
                continue
            if self._node_id in partition.replicas:
                self._follow_replica(found, index, partition)
            else:
                self._delete_replica(name, found.topic_id, index)
        changed = self._configs.follow(delta)
        if changed is not None:
            for replica in self._by_name.values():
                if changed(replica.topic):
                    replica.configure(self._configs.of(replica.topic))
        self.leading.publish(image, delta)
        self.following.publish(image, delta)
        if self._awaited:
            self._start_some()

    def _start_some(self) -> None:
        """Make the next few of the awaited logs, as metadata wants them by now."""
        until_ms = self._wall_clock.now_ms() + NEW_LOGS_TURN_MS
        for count, key in enumerate(list(islice(self._awaited, NEW_LOGS_PER_TURN))):
            if count >= NEW_LOGS_AT_ONCE and self._wall_clock.now_ms() >= until_ms:
                break
            del self._awaited[key]
            topic = self._image.topics[key[0]]
            self._start_replica(topic, key[1], topic.partitions[key[1]])
        if self._awaited:
            asyncio.get_running_loop().call_soon(self._start_some)

    def _is_assigned(self, topic: str, index: int, topic_id: UUID | None) -> bool:
        known = self._image.topics.get(topic)
        return (
            known is not None
            and known.topic_id == topic_id
            and index in known.partitions
            and self._node_id in known.partitions[index].replicas
        )

    def _start_replica(self, topic: TopicImage, index: int, image: PartitionImage) -> None:
        key = (topic.name, index)
        self._without_room.pop(key, None)  # a change of the metadata may have us try before that
        directory = self.homes.get(key)
        is_new = directory is None
        if directory is None:
            directory = self._choose_directory(image)
        if directory is None:
            return
        if directory not in self.online:
            self._offline[key] = None
            return
        try:
            log = self._open_log(directory, topic, index, is_new=is_new)
        except OSError as error:
            (self._without_room if is_disk_full(error) else self._offline)[key] = None
            self.directory_failed(directory, error)
            return
        self.homes[key] = directory
        partition = Partition(self._node_id, topic.name, topic.topic_id, index, log)
        known = directory.high_watermarks.get(key, 0)
        partition.high_watermark = max(log.log_start_offset, min(known, log.log_end_offset))
        self._by_name[key] = partition
        self._by_id[topic.topic_id, index] = partition
        self._take_role(partition, image)
        for started in self.on_started:
            started(partition)

    def _open_log(
        self, directory: LogDirectory, topic: TopicImage, index: int, *, is_new: bool
    ) -> PartitionLog:
        settings = self._configs.of(topic.name)
        wall_ms = self._wall_clock.now_ms()
        expiration_ms = self._settings.producer_id_expiration_ms
        if is_new:
            return directory.create_log(
                topic.name,
                index,
                topic.topic_id,
                settings=settings,
                wall_ms=wall_ms,
                producer_expiration_ms=expiration_ms,
                random=self._random,
            )
        return directory.open_log(
            topic.name,
            index,
            settings=settings,
            wall_ms=wall_ms,
            producer_expiration_ms=expiration_ms,
            random=self._random,
        )

    def _follow_replica(self, topic: TopicImage, index: int, image: PartitionImage) -> None:
        partition = self._by_name.get((topic.name, index))
        if partition is not None and partition.topic_id != topic.topic_id:
            self._delete_replica(topic.name, partition.topic_id, index)
            partition = None
        if partition is None:
            self._awaited[topic.name, index] = None
            return
        self._take_role(partition, image)
        self._purgatory.changed(partition)

    def _take_role(self, partition: Partition, image: PartitionImage) -> None:
        partition.apply(image, self.leading.now_ms())
        self.leading.role_taken(partition)
        self.following.role_taken(partition)

    def _delete_replica(self, topic: str, topic_id: UUID, index: int) -> None:
        partition = self._by_name.get((topic, index))
        if partition is None:
            self._forget_absent(topic, index)
            return
        if partition.topic_id != topic_id:
            return
        del self._by_name[topic, index]
        self._by_id.pop((topic_id, index), None)
        directory = self.homes.pop((topic, index))
        delay_ms = partition.log.settings.file_delete_delay_ms
        self._retire(partition)
        try:
            directory.schedule_delete(
                topic,
                index,
                random_uuid(self._random),
                wall_ms=self._wall_clock.now_ms(),
                delay_ms=delay_ms,
            )
        except OSError as error:
            self.directory_failed(directory, error)

    def _forget_absent(self, topic: str, index: int) -> None:
        """A replica goes that never was served: awaited, or in a directory that is offline."""
        self._awaited.pop((topic, index), None)
        self._without_room.pop((topic, index), None)
        self._offline.pop((topic, index), None)
        self.homes.pop((topic, index), None)

    def _retire(self, partition: Partition) -> None:
        """The last news of a partition to those who watch it."""
        partition.retire()
        self.leading.role_taken(partition)
        self.following.role_taken(partition)
        self._purgatory.changed(partition)
        partition.watchers.clear()
        partition.replica_watchers.clear()

    def _choose_directory(self, image: PartitionImage) -> LogDirectory | None:
        """Where the metadata puts a replica, else the directory with the fewest logs.

        None for one that may lie in a directory that is offline since the start: it must not begin
        anew. Nobody leads it, and it is answered like any other that does not lead.
        """
        wanted = image.directory_of(self._node_id)
        for directory in self.online:
            if directory.meta.directory_id == wanted:
                return directory
        if len(self.online) < len(self._settings.log_dirs) and wanted not in (None, ZERO_UUID):
            return None
        return min(self.online, key=lambda directory: len(directory.logs), default=None)

    # -- failure and end ----------------------------------------------------------------------

    def storage_failed(self, partition: Partition, error: OSError) -> None:
        """A read or write of this partition's log failed."""
        directory = self.homes.get((partition.topic, partition.index))
        if directory is not None:
            self.directory_failed(directory, error)

    def directory_failed(self, directory: LogDirectory, error: OSError) -> None:
        """Take a directory offline with every partition in it, unless it is merely full."""
        if directory not in self.online:
            return
        if is_disk_full(error):
            self._full_disks.note(directory, error)
            return
        self.online.remove(directory)
        logger.error("log directory %s is offline: %s", directory.path, error)
        for key, home in self.homes.items():
            partition = self._by_name.pop(key, None) if home is directory else None
            if partition is not None:
                self._by_id.pop((partition.topic_id, partition.index), None)
                self._offline[key] = None
                self._retire(partition)
        self._on_offline(directory, error)

    def _room_again(self) -> None:
        """Try again to make the logs for which there was no room."""
        self._awaited.update(self._without_room)
        self._without_room.clear()
        if self._awaited:
            self._start_some()

    def in_directory(self, directory: LogDirectory) -> Iterator[Partition]:
        """The partitions whose logs are in `directory`."""
        for key, partition in self._by_name.items():
            if self.homes[key] is directory:
                yield partition

    def high_watermarks(self, directory: LogDirectory) -> dict[tuple[str, int], int]:
        """What the checkpoint of `directory` should say."""
        return {
            (partition.topic, partition.index): partition.high_watermark
            for partition in self.in_directory(directory)
        }

    async def close(self, broker_epoch: int) -> None:
        """Close every log cleanly, then write the marker that says so, directory by directory."""
        self._awaited.clear()
        self._full_disks.close()
        self.following.stop()
        self.leading.stop()
        for directory in self.online:
            try:
                await directory.close(
                    clean=True,
                    broker_epoch=broker_epoch,
                    high_watermarks=self.high_watermarks(directory),
                )
            except OSError as error:
                logger.error("log directory %s was not closed cleanly: %s", directory.path, error)
