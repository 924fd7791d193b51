"""The metadata image: everything the records of `__cluster_metadata` add up to.

Two images live in a controller's process: the active controller's own, which is replayed as
records are *appended* (decisions must see what was decided before them), and the broker's, which
is replayed as records are *committed* (that is what clients are told).

A `PartitionImage` is never changed once it is in an image: a record puts a new one in its place,
so whoever holds one may compare it with its successor. The dicts belong to the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.metadata.broker_image import BrokerImage as BrokerImage
from minikafka.metadata.broker_image import ControllerImage as ControllerImage
from minikafka.metadata.broker_image import Endpoint as Endpoint
from minikafka.metadata.replay import REPLAY_BY_TYPE
from minikafka.metadata.topic_image import NO_LEADER as NO_LEADER
from minikafka.metadata.topic_image import PartitionImage as PartitionImage
from minikafka.metadata.topic_image import TopicImage as TopicImage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from minikafka.metadata.replay import MetadataRecord
    from minikafka.protocol.records.metadata.access_control_entry_record import (
        AccessControlEntryRecord,
    )
    from minikafka.protocol.records.metadata.delegation_token_record import DelegationTokenRecord
    from minikafka.protocol.records.metadata.user_scram_credential_record import (
        UserScramCredentialRecord,
    )

# Resource types of ConfigRecord and of the config APIs (ConfigResource.Type).
TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4
BROKER_LOGGER_RESOURCE = 8
CLIENT_METRICS_RESOURCE = 16
GROUP_RESOURCE = 32

ConfigResource = tuple[int, str]
"""(resource type, name); a broker resource named "" is the default of all brokers."""

QuotaEntity = tuple[tuple[str, str | None], ...]
"""((entity type, name or None for the default), …) sorted by entity type."""


class MetadataImage:
    """The state after the record at `offset`, written in `epoch` of the quorum at `wall_ms`.

    `replay` is its only mutator, driven by `MetadataLoader`, which also moves `offset`, `epoch` and
    `wall_ms`. `features` holds finalised levels, kraft.version included; a level of 0 is absent.
    """

    __slots__ = (
        "acls",
        "brokers",
        "client_quotas",
        "configs",
        "controllers",
        "delegation_tokens",
        "epoch",
        "features",
        "next_producer_id",
        "offset",
        "scram_credentials",
        "topics",
        "topics_by_id",
        "wall_ms",
    )

    def __init__(self) -> None:
        self.topics: dict[str, TopicImage] = {}
        self.topics_by_id: dict[UUID, TopicImage] = {}
        self.brokers: dict[int, BrokerImage] = {}
        self.controllers: dict[int, ControllerImage] = {}
        self.configs: dict[ConfigResource, dict[str, str]] = {}
        self.features: dict[str, int] = {}
        self.client_quotas: dict[QuotaEntity, dict[str, float]] = {}
        self.next_producer_id = 0
        self.acls: dict[UUID, AccessControlEntryRecord] = {}
        self.scram_credentials: dict[tuple[str, int], UserScramCredentialRecord] = {}
        self.delegation_tokens: dict[str, DelegationTokenRecord] = {}
        self.offset = -1
        self.epoch = 0
        self.wall_ms = -1

    def replay(self, record: MetadataRecord) -> None:
        """Apply one record. A type that no Kafka 4.3 writes is a KeyError: the log is not ours."""
        REPLAY_BY_TYPE[record.api_key](self, record)

    def copy(self) -> MetadataImage:
        """An image that is equal and shares nothing that replay changes."""
        made = MetadataImage()
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(made, name, value.copy() if isinstance(value, dict) else value)
        made.topics = {name: topic.copy() for name, topic in self.topics.items()}
        made.topics_by_id = {topic.topic_id: topic for topic in made.topics.values()}
        made.brokers = {broker_id: broker.copy() for broker_id, broker in self.brokers.items()}
        made.configs = {resource: values.copy() for resource, values in self.configs.items()}
        made.client_quotas = {who: quotas.copy() for who, quotas in self.client_quotas.items()}
        return made

    def become(self, other: MetadataImage) -> None:
        """Take over all that `other` holds, which is given up: whoever holds this image sees it."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def config(self, resource_type: int, name: str) -> Mapping[str, str]:
        """The dynamic configs set on this resource (those given at creation included)."""
        return self.configs.get((resource_type, name), {})

    def topic_configs(self, topic: str) -> Mapping[str, str]:
        return self.configs.get((TOPIC_RESOURCE, topic), {})

    def broker_configs(self, broker_id: int) -> Mapping[str, str]:
        """Dynamic configs of one broker; those of all brokers are `cluster_configs`."""
        return self.configs.get((BROKER_RESOURCE, str(broker_id)), {})

    @property
    def cluster_configs(self) -> Mapping[str, str]:
        return self.configs.get((BROKER_RESOURCE, ""), {})

    def partition(self, topic: str, partition: int) -> PartitionImage | None:
        found = self.topics.get(topic)
        return None if found is None else found.partitions.get(partition)

    def partitions(self) -> Iterator[tuple[TopicImage, int, PartitionImage]]:
        """Every partition of the cluster, topic after topic."""
        for topic in self.topics.values():
            for index, partition in topic.partitions.items():
                yield topic, index, partition
