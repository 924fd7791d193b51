"""The follower's side of replication: which partition is fetched from which leader.

Each broker that leads something here is asked by `num.replica.fetchers` connections of its own, and
each partition has its place on one of them (`fetcher`). Roles and leaders come from the metadata
and from nowhere else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.replication.partition import NO_LEADER, Partition
from minikafka.replication.throttling import ReplicationQuota

if TYPE_CHECKING:
    from minikafka.replication.fetcher import ReplicaFetcher
    from minikafka.replication.surroundings import Surroundings
    from minikafka.settings.broker import BrokerSettings


class Following:
    """The fetchers of one broker."""

    def __init__(self, settings: BrokerSettings) -> None:
        # What may be fetched for throttled replicas.
        self.quota = ReplicationQuota(
            settings.replication_quota_window_num,
            settings.replication_quota_window_size_seconds * 1000,
        )
        self._fetcher_count = settings.num_replica_fetchers
        self._around: Surroundings | None = None
        self._fetchers: dict[tuple[int, int], ReplicaFetcher] = {}
        # Where each partition is fetched, and in which epoch.
        self._places: dict[Partition, tuple[ReplicaFetcher, int]] = {}
        # Those that wait for the start.
        self._early: dict[Partition, None] = {}

    def start(self, around: Surroundings) -> None:
        """Fetch what there is to fetch, from now on."""
        self._around = around
        for partition in self._early:
            self.role_taken(partition)
        self._early.clear()

    def stop(self) -> None:
        """Fetch nothing more; the fetchers' tasks end with their scope."""
        for partition in list(self._places):
            self._leave(partition)
        self._around = None

    def reconfigure(self, settings: BrokerSettings) -> None:
        """Take other limits, and another number of fetchers: each partition has a new place."""
        self.quota.limit = settings.follower_replication_throttled_rate
        if settings.num_replica_fetchers != self._fetcher_count:
            self._fetcher_count = settings.num_replica_fetchers
            for partition in list(self._places):
                self.role_taken(partition)

    def role_taken(self, partition: Partition) -> None:
        """A partition has taken what the metadata say, or has left this broker."""
        around = self._around
        is_followed = (
            not partition.retired and not partition.is_leader and partition.leader != NO_LEADER
        )
        if around is None:
            if is_followed:
                self._early[partition] = None
            else:
                self._early.pop(partition, None)
            return
        if not is_followed:
            self._leave(partition)
            return
        fetcher = self._fetcher(around, partition)
        place = (fetcher, partition.leader_epoch)
        if self._places.get(partition) == place:
            return
        self._leave(partition)
        self._places[partition] = place
        fetcher.follow(partition)

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Brokers have come or gone, or have moved."""
        for (leader_id, _), fetcher in self._fetchers.items():
            if leader_id in delta.changed_brokers:
                fetcher.hurry()

    def _fetcher(self, around: Surroundings, partition: Partition) -> ReplicaFetcher:
        number = (partition.topic_id.int + partition.index) % self._fetcher_count
        key = (partition.leader, number)
        found = self._fetchers.get(key)
        if found is None:
            # A broker that is alone follows nobody, and starts without it.
            module = import_module("minikafka.replication.fetcher")
            found = self._fetchers[key] = module.ReplicaFetcher(partition.leader, number, around)
        return found

    def _leave(self, partition: Partition) -> None:
        place = self._places.pop(partition, None)
        if place is not None:
            place[0].leave(partition)
