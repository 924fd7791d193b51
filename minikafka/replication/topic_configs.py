"""The settings of each topic as its logs need them, worked out once for all its partitions."""

from __future__ import annotations

from collections.abc import Callable

from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import BROKER_RESOURCE, TOPIC_RESOURCE, MetadataImage
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings


class TopicConfigs:
    """Topic configs over dynamic broker configs over the file, by topic; follows the metadata."""

    def __init__(self, settings: BrokerSettings, image: MetadataImage) -> None:
        self._settings = settings
        self._node_id = settings.node_id
        self._image = image
        self._by_topic: dict[str, TopicSettings] = {}

    def of(self, topic: str) -> TopicSettings:
        """What holds for this topic now; the same object for all its partitions."""
        found = self._by_topic.get(topic)
        if found is None:
            image = self._image
            found = self._by_topic[topic] = TopicSettings.resolve(
                image.topic_configs(topic),
                self._settings,
                image.broker_configs(self._node_id),
                image.cluster_configs,
            )
        return found

    def follow(self, delta: MetadataDelta) -> Callable[[str], bool] | None:
        """Forget what has changed; tells whether a topic's has, None when no topic's has."""
        everywhere = False
        changed: set[str] = set(delta.deleted_topics)
        for kind, name in delta.changed_configs:
            if kind == TOPIC_RESOURCE:
                changed.add(name)
            elif kind == BROKER_RESOURCE and name in ("", str(self._node_id)):
                everywhere = True
        if everywhere:
            self._by_topic.clear()
            return lambda topic: True
        for name in changed:
            self._by_topic.pop(name, None)
        return changed.__contains__ if changed else None
