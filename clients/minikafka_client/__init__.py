"""The client SDK: a producer, a consumer and an admin client for asyncio, typed, pure Python.

    async with Producer("localhost:9092") as producer:
        await producer.send("greetings", b"hello")

It works with minikafka and with Apache Kafka. See docs/client.md.
"""

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
from minikafka_client.producer import Delivery, Producer, RecordMetadata, SentBatch

__all__ = [
    "BrokerError",
    "BufferFull",
    "ClientError",
    "Closed",
    "ConfigError",
    "Consumer",
    "ConsumerRecord",
    "CorruptData",
    "Delivery",
    "DeliveryTimeout",
    "FetchedBatch",
    "FoundOffset",
    "NotConnected",
    "OffsetOutOfRange",
    "Producer",
    "RecordMetadata",
    "SentBatch",
    "Timeout",
    "TopicPartition",
]
