"""The log directories of this node and the replicas in them: opened, kept in order, closed.

A directory is locked from `open` to the end. Its failure takes its replicas offline; the node goes
on while another directory is left, and the one that fails is not the metadata log's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.broker.replication import reconfigure_replication
from minikafka.broker.storage import Storage, StorageError
from minikafka.log.directory import LogDirectory
from minikafka.replication.cleaning import LogCleaner
from minikafka.replication.flushing import Flusher
from minikafka.replication.maintenance import Maintenance
from minikafka.replication.replicas import ReplicaManager

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random
    from uuid import UUID

    from minikafka.metadata.image import MetadataImage
    from minikafka.replication.purgatory import Purgatory
    from minikafka.runtime.clock import AgeClock, WallClock
    from minikafka.runtime.disk import Disk
    from minikafka.runtime.tasks import Scope
    from minikafka.settings.broker import BrokerSettings


class LocalReplicas:
    """Owns the open directories and, once loaded, their replicas and what is done to these beside
    the requests. `on_fatal` is told of a failure that the node cannot live with, `on_offline` of a
    directory that it goes on without.
    """

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        disk: Disk,
        purgatory: Purgatory,
        wall_clock: WallClock,
        age_clock: AgeClock,
        random: Random,
        scope: Scope,
        on_fatal: Callable[[Exception], None],
        on_offline: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._disk = disk
        self._purgatory = purgatory
        self._wall_clock = wall_clock
        self._age_clock = age_clock
        self._random = random
        self._scope = scope
        self._on_fatal = on_fatal
        self._on_offline = on_offline
        self._metadata_directory = ""
        self._directories: list[LogDirectory] = []
        self._replicas: ReplicaManager | None = None
        self._cleaner: LogCleaner | None = None
        self._is_ending = False

    @property
    def replicas(self) -> ReplicaManager | None:
        """Once loaded, until they are closed."""
        return self._replicas

    # -- life -------------------------------------------------------------------------------------

    def open(self, storage: Storage) -> None:
        """Lock the directories. LogDirectoryError, OSError."""
        self._metadata_directory = storage.metadata_directory
        for path in storage.directory_ids:
            self._directories.append(
                LogDirectory.open(
                    self._disk,
                    path,
                    node_id=self._settings.node_id,
                    cluster_id=storage.cluster_id,
                )
            )

    def load(self, image: MetadataImage) -> ReplicaManager:
        """Open the logs of the replicas that the metadata puts here; flushing begins.

        StorageError when the directory of the metadata log has failed meanwhile.
        """
        replicas = ReplicaManager(
            settings=self._settings,
            image=image,
            directories=self._directories,
            purgatory=self._purgatory,
            wall_clock=self._wall_clock,
            random=self._random,
            on_offline=self._directory_offline,
        )
        replicas.load()
        online = [directory.path for directory in replicas.online]
        if self._metadata_directory in set(self._settings.log_dirs).difference(online):
            text = f"{self._metadata_directory}: the metadata log's directory has failed"
            raise StorageError(text)
        Flusher(
            settings=self._settings,
            replicas=replicas,
            purgatory=self._purgatory,
            age_clock=self._age_clock,
            scope=self._scope,
        ).start()
        self._replicas = replicas
        return replicas

    def start_upkeep(self, settings: BrokerSettings) -> None:
        """Begin what goes on beside the requests: retention, checkpoints, and cleaning by the
        settings in effect.
        """
        replicas = self._replicas
        assert replicas is not None, "they are loaded first"
        Maintenance(
            settings=self._settings,
            replicas=replicas,
            purgatory=self._purgatory,
            wall_clock=self._wall_clock,
            age_clock=self._age_clock,
            scope=self._scope,
        ).start()
        self._cleaner = LogCleaner(
            settings=settings,
            replicas=replicas,
            disk=self._disk,
            wall_clock=self._wall_clock,
            age_clock=self._age_clock,
            scope=self._scope,
        )
        self._cleaner.start()

    def follow(self, settings: BrokerSettings) -> None:
        """Go by these settings from now on, where they may change while the node runs."""
        if self._cleaner is not None:
            self._cleaner.settings = settings
        if self._replicas is not None:
            reconfigure_replication(self._replicas, settings)

    async def stop_upkeep(self) -> None:
        """Nothing more is done beside the requests, and a directory that fails is no news."""
        self._is_ending = True
        if self._cleaner is not None:
            await self._cleaner.stop()

    async def close(self, broker_epoch: int) -> None:
        """Close the logs and mark what was left clean; nothing if they were never loaded."""
        replicas, self._replicas = self._replicas, None
        if replicas is not None:
            await replicas.close(broker_epoch)
            self._directories = []

    async def abandon(self) -> None:
        """Let go of the directories that are still open, which are not marked clean."""
        directories, self._directories = self._directories, []
        for directory in directories:
            await directory.close(clean=False)

    # -- the directories --------------------------------------------------------------------------

    def previous_broker_epoch(self) -> int:
        """The epoch of the clean stop before, -1 unless every directory was left clean."""
        epochs = {directory.previous_broker_epoch for directory in self._directories}
        return epochs.pop() if len(epochs) == 1 else -1

    def online_directory_ids(self) -> list[UUID]:
        """Of the directories that take reads and writes."""
        replicas = self._replicas
        online = self._directories if replicas is None else replicas.online
        return [found for found in (d.meta.directory_id for d in online) if found is not None]

    def _directory_offline(self, directory: LogDirectory, error: OSError) -> None:
        if self._replicas is None or self._is_ending:
            return  # while its logs are opened, `load` looks at what is left
        if not self._replicas.online:
            self._on_fatal(StorageError(f"{directory.path}: no log directory is left: {error}"))
        elif directory.path == self._metadata_directory:
            text = f"{directory.path}: the directory of the metadata log: {error}"
            self._on_fatal(StorageError(text))
        else:
            self._on_offline()
