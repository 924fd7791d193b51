"""What the fetchers of a broker share: who and where it is, its logs, its way into the loop."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from minikafka.log.cleaning import AllCleanerOffsets
from minikafka.log.directory import LogDirectory
from minikafka.metadata.image import MetadataImage
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.throttling import ReplicationQuota
from minikafka.runtime.clock import WallClock
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings


class Logs(Protocol):
    """The replica manager, as far as a fetcher cuts logs or finds them broken."""

    homes: dict[tuple[str, int], LogDirectory]
    cleaner_offsets: AllCleanerOffsets

    def storage_failed(self, partition: Partition, error: OSError) -> None:
        """A read or write of this partition's log failed."""
        ...


class Surroundings:
    """What all fetchers of a broker share."""

    __slots__ = (
        "broker_epoch",
        "image",
        "logs",
        "purgatory",
        "quota",
        "random",
        "scope",
        "settings",
        "wall_clock",
    )

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        image: MetadataImage,
        logs: Logs,
        purgatory: Purgatory,
        quota: ReplicationQuota,
        wall_clock: WallClock,
        broker_epoch: Callable[[], int],
        scope: Scope,
        random: Random,
    ) -> None:
        self.settings = settings
        self.image = image
        self.logs = logs
        self.purgatory = purgatory
        self.quota = quota
        self.wall_clock = wall_clock
        self.broker_epoch = broker_epoch
        self.scope = scope
        self.random = random
