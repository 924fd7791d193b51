"""What a run of records has touched, so that a broker looks only at what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minikafka.metadata import replay

if TYPE_CHECKING:
    from uuid import UUID

    from minikafka.metadata.image import ConfigResource, MetadataImage, TopicImage


class MetadataDelta:
    """Collected while a run of records is replayed; read with the image as it is afterwards.

    A topic that is created and deleted in one run is in neither set. A topic deleted and made
    again under its name is in both, with the old image in `deleted_topics`.
    `changed_partitions` names partitions that exist afterwards, those of new topics included.
    """

    __slots__ = (
        "changed_brokers",
        "changed_configs",
        "changed_partitions",
        "created_topics",
        "deleted_topics",
        "features_changed",
        "security_changed",
    )

    def __init__(self) -> None:
        self.changed_partitions: set[tuple[str, int]] = set()
        self.created_topics: set[str] = set()
        self.deleted_topics: dict[str, TopicImage] = {}
        self.changed_configs: set[ConfigResource] = set()
        self.changed_brokers: set[int] = set()
        self.features_changed = False
        self.security_changed = False
        """ACLs, SCRAM credentials, delegation tokens or client quotas."""

    def __bool__(self) -> bool:
        """False when nothing that anybody acts on has changed (no-op records)."""
        return any(getattr(self, name) for name in self.__slots__)

    def touch(self, image: MetadataImage, record: Any) -> None:
        """Note what `record` is about to change in `image`; called before it is replayed."""
        kind = record.api_key
        if kind == replay.PARTITION or kind == replay.PARTITION_CHANGE:
            name = image.topics_by_id[record.topic_id].name
            self.changed_partitions.add((name, record.partition_id))
        elif kind == replay.TOPIC:
            self.created_topics.add(record.name)
        elif kind == replay.REMOVE_TOPIC:
            self._topic_removed(image, record.topic_id)
        elif kind == replay.CONFIG:
            self.changed_configs.add((record.resource_type, record.resource_name))
        elif kind in _BROKER_ID:
            self.changed_brokers.add(getattr(record, _BROKER_ID[kind]))
        elif kind == replay.FEATURE_LEVEL:
            self.features_changed = True
        elif kind == replay.CLEAR_ELR:
            self._elr_cleared(image, record.topic_name)
        elif kind in _SECURITY:
            self.security_changed = True

    def _topic_removed(self, image: MetadataImage, topic_id: UUID) -> None:
        topic = image.topics_by_id[topic_id]
        name = topic.name
        self.changed_partitions.difference_update((name, index) for index in topic.partitions)
        self.changed_configs.discard((2, name))
        if name in self.created_topics:
            self.created_topics.remove(name)
        else:
            self.deleted_topics[name] = topic

    def _elr_cleared(self, image: MetadataImage, topic_name: str) -> None:
        for topic in [image.topics[topic_name]] if topic_name else image.topics.values():
            for index, partition in topic.partitions.items():
                if partition.elr or partition.last_known_elr:
                    self.changed_partitions.add((topic.name, index))


_BROKER_ID = {
    replay.REGISTER_BROKER: "broker_id",
    replay.UNREGISTER_BROKER: "broker_id",
    replay.BROKER_REGISTRATION_CHANGE: "broker_id",
    replay.FENCE_BROKER: "id",
    replay.UNFENCE_BROKER: "id",
}
_SECURITY = frozenset(
    {
        replay.CLIENT_QUOTA,
        replay.ACCESS_CONTROL_ENTRY,
        replay.REMOVE_ACCESS_CONTROL_ENTRY,
        replay.USER_SCRAM_CREDENTIAL,
        replay.REMOVE_USER_SCRAM_CREDENTIAL,
        replay.DELEGATION_TOKEN,
        replay.REMOVE_DELEGATION_TOKEN,
    }
)
