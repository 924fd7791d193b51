"""The client SDK: a producer, a consumer and an admin client for asyncio, typed, pure Python.

    async with Producer("localhost:9092") as producer:
        await producer.send("greetings", b"hello")

It works with minikafka and with Apache Kafka. See docs/client.md.
"""

from minikafka_client.admin import Admin
from minikafka_client.admin_groups import GroupDescription, GroupListing, MemberDescription
from minikafka_client.admin_types import (
    ClusterDescription,
    ConfigEntry,
    ConfigOperation,
    ConfigSource,
    CreatedTopic,
    FeatureLevels,
    LogDirDescription,
    NewTopic,
    ProducerDescription,
    QuorumDescription,
    QuorumReplica,
    Reassignment,
    ReplicaSize,
    ResourceType,
    TopicDescription,
)
from minikafka_client.consumer import (
    Consumer,
    ConsumerRecord,
    FetchedBatch,
    FoundOffset,
    TopicPartition,
)
from minikafka_client.errors import (
    BrokerError,
    BufferFull,
    ClientError,
    Closed,
    ConfigError,
    CorruptData,
    DeliveryTimeout,
    NotConnected,
    OffsetOutOfRange,
    Timeout,
)
from minikafka_client.offsets import EARLIEST, LATEST, MAX_TIMESTAMP
from minikafka_client.producer import Delivery, Producer, RecordMetadata, SentBatch

__all__ = [
    "EARLIEST",
    "LATEST",
    "MAX_TIMESTAMP",
    "Admin",
    "BrokerError",
    "BufferFull",
    "ClientError",
    "Closed",
    "ClusterDescription",
    "ConfigEntry",
    "ConfigError",
    "ConfigOperation",
    "ConfigSource",
    "Consumer",
    "ConsumerRecord",
    "CorruptData",
    "CreatedTopic",
    "Delivery",
    "DeliveryTimeout",
    "FeatureLevels",
    "FetchedBatch",
    "FoundOffset",
    "GroupDescription",
    "GroupListing",
    "LogDirDescription",
    "MemberDescription",
    "NewTopic",
    "NotConnected",
    "OffsetOutOfRange",
    "Producer",
    "ProducerDescription",
    "QuorumDescription",
    "QuorumReplica",
    "Reassignment",
    "RecordMetadata",
    "ReplicaSize",
    "ResourceType",
    "SentBatch",
    "Timeout",
    "TopicDescription",
    "TopicPartition",
]
