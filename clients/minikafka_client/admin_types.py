"""What the admin client is given and gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple
from uuid import UUID

from minikafka.protocol.errors import ErrorCode
from minikafka_client.cluster import Node, PartitionInfo
from minikafka_client.fetched import TopicPartition

NO_CONFIGS: Final[Mapping[str, str]] = {}


class NewTopic(NamedTuple):
    """A topic to create; -1 means the broker's default. `assignments` gives replicas by hand."""

    name: str
    partitions: int = -1
    replication_factor: int = -1
    configs: Mapping[str, str] = NO_CONFIGS
    assignments: Mapping[int, Sequence[int]] | None = None


class CreatedTopic(NamedTuple):
    """A topic as the broker has made it."""

    name: str
    topic_id: UUID
    partitions: int
    replication_factor: int


class TopicDescription(NamedTuple):
    """A topic and its partitions, by number."""

    name: str
    topic_id: UUID
    is_internal: bool
    partitions: dict[int, PartitionInfo]


class ClusterDescription(NamedTuple):
    """The cluster; controller_id is a broker that takes requests for the controller."""

    cluster_id: str
    controller_id: int
    nodes: list[Node]


class ResourceType(IntEnum):
    """What configs belong to."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class ConfigSource(IntEnum):
    """Where a config's value comes from."""

    UNKNOWN = 0
    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6
    DYNAMIC_CLIENT_METRICS_CONFIG = 7
    DYNAMIC_GROUP_CONFIG = 8


class ConfigEntry(NamedTuple):
    """One config; the value is None when it is sensitive or has none."""

    name: str
    value: str | None
    source: ConfigSource
    read_only: bool
    is_sensitive: bool
    synonyms: tuple[tuple[str, str | None, ConfigSource], ...]
    documentation: str | None


class ConfigOperation(IntEnum):
    """How `alter_configs` changes a config; the last two are for lists."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class ReplicaSize(NamedTuple):
    """A replica in a log directory; lag in offsets behind the high watermark (or the current log,
    for one that is being moved here: `is_future`)."""

    size_bytes: int
    offset_lag: int
    is_future: bool


class LogDirDescription(NamedTuple):
    """A log directory of a broker; the sizes of its file system are -1 where unknown."""

    path: str
    error_code: ErrorCode
    total_bytes: int
    usable_bytes: int
    replicas: dict[TopicPartition, ReplicaSize]


class QuorumReplica(NamedTuple):
    """A voter or observer; times in ms since 1970, -1 where unknown."""

    replica_id: int
    log_end_offset: int
    last_fetch_ms: int
    last_caught_up_ms: int


class QuorumDescription(NamedTuple):
    """The quorum of the metadata log."""

    leader_id: int
    leader_epoch: int
    high_watermark: int
    voters: list[QuorumReplica]
    observers: list[QuorumReplica]


class FeatureLevels(NamedTuple):
    """The levels of a feature that brokers support; `finalized` is in force, if there is one."""

    min_level: int
    max_level: int
    finalized: int | None


class Reassignment(NamedTuple):
    """The replicas of a partition while they are being moved."""

    replicas: list[int]
    adding: list[int]
    removing: list[int]


class ProducerDescription(NamedTuple):
    """A producer of a partition; the offset is -1 without an open transaction."""

    producer_id: int
    epoch: int
    last_sequence: int
    last_timestamp_ms: int
    transaction_start_offset: int
