"""What the rules of the controller read: the image as appended, and what it means for a topic."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from minikafka.controller.partition_change import PartitionRules
from minikafka.controller.sessions import BrokerSessions
from minikafka.metadata.features import ELIGIBLE_LEADER_REPLICAS, METADATA_VERSION
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.record_versions import has_directories
from minikafka.metadata.topic_names import collision_key, may_collide
from minikafka.settings.topic import TopicSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random
    from uuid import UUID

    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import TopicImage
    from minikafka.settings.broker import BrokerSettings


class ControllerState:
    """The active controller's state: `image` is replicated, `sessions` are this process's own.

    `settings` are this node's: its defaults are the cluster's while it is the active controller.
    `new_uuid` makes topic ids. `can_raise_kraft_version` asks the quorum, whose matter that is.
    """

    __slots__ = (
        "_by_key",
        "_directory_counts",
        "can_raise_kraft_version",
        "cluster_id",
        "image",
        "new_uuid",
        "random",
        "sessions",
        "settings",
    )

    def __init__(
        self,
        *,
        cluster_id: str,
        settings: BrokerSettings,
        random: Random,
        new_uuid: Callable[[], UUID],
    ) -> None:
        self.cluster_id = cluster_id
        self.settings = settings
        self.random = random
        self.new_uuid = new_uuid
        self.can_raise_kraft_version: Callable[[int], bool] = lambda level: False
        self.image = MetadataImage()
        self.sessions = BrokerSessions(settings.broker_session_timeout_ms, settings.node_id)
        # Topics whose names have a dot or underscore, by what the names come to without them.
        self._by_key: dict[str, dict[str, None]] = {}
        self._directory_counts: Counter[UUID] | None = None

    @property
    def metadata_version(self) -> int:
        return self.image.features.get(METADATA_VERSION, 0)

    @property
    def elr_enabled(self) -> bool:
        return self.image.features.get(ELIGIBLE_LEADER_REPLICAS, 0) > 0

    @property
    def directories_known(self) -> bool:
        return has_directories(self.metadata_version)

    def load(self, image: MetadataImage) -> None:
        """Go on from this image, which becomes its own."""
        self.image = image
        self._directory_counts = None
        self._by_key = {}
        self._add_names(image.topics)

    def names_changed(self, delta: MetadataDelta) -> None:
        """Keep the names that might collide; called with what each replayed batch has touched."""
        if delta.deleted_topics:
            self._directory_counts = None
        for name in delta.deleted_topics:
            if may_collide(name):
                names = self._by_key[collision_key(name)]
                del names[name]
        self._add_names(delta.created_topics)

    def _add_names(self, names: Iterable[str]) -> None:
        for name in names:
            if may_collide(name):
                self._by_key.setdefault(collision_key(name), {})[name] = None

    def colliding_topic(self, name: str) -> str | None:
        """A topic that `name` could not be told from in metrics."""
        return next(iter(self._by_key.get(collision_key(name), ())), None)

    def partitions_by_directory(self) -> Counter[UUID]:
        """How many replicas each log directory holds; who puts one more there counts it."""
        if self._directory_counts is None:
            self._directory_counts = Counter(
                directory
                for _, _, partition in self.image.partitions()
                for directory in partition.directories
            )
        return self._directory_counts

    def is_active(self, broker_id: int) -> bool:
        """Whether this broker may lead partitions and be in an ISR."""
        broker = self.image.brokers.get(broker_id)
        return broker is not None and broker.is_active

    def topic_defaults(self) -> TopicSettings:
        """What holds for a topic that sets nothing itself."""
        image = self.image
        own_configs = image.broker_configs(self.settings.node_id)
        return TopicSettings.resolve({}, self.settings, own_configs, image.cluster_configs)

    def partition_rules(self, topic: TopicImage, defaults: TopicSettings) -> PartitionRules:
        """What decides over ISR and leadership of this topic's partitions.

        Two keys only, for this is asked of every topic when a broker comes or goes.
        """
        configs = self.image.topic_configs(topic.name)
        min_isr = configs.get("min.insync.replicas")
        unclean = configs.get("unclean.leader.election.enable")
        replication_factor = len(next(iter(topic.partitions.values())).replicas)
        return PartitionRules(
            elr=self.elr_enabled,
            min_isr=min(
                defaults.min_insync_replicas if min_isr is None else int(min_isr),
                replication_factor,
            ),
            unclean=(
                defaults.unclean_leader_election_enable
                if unclean is None
                else unclean.lower() == "true"
            ),
        )
