"""The Python clients nobody here wrote, behind one pair of verbs: produce all, read all.

Readers are assigned their partitions by hand, so no consumer group takes part. Whatever a client
reports as failed raises; a record that was not acknowledged is a failed test, not a warning.
"""

import asyncio
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import aiokafka  # type: ignore[import-untyped]  # has none
import confluent_kafka
import pytest

with warnings.catch_warnings():
    # It reads its message schemas by a call that Python deprecates.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # type: ignore[import-untyped]  # has none

# The same, for what it imports later, in tests that turn every warning into an error.
THEIR_WARNINGS = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:kafka\.")

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
READ_TIMEOUT_S = 60


class Keyed(NamedTuple):
    """What a test produces."""

    key: bytes | None
    value: bytes | None


class Stored(NamedTuple):
    """What a client read, where it read it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class Client(Protocol):
    """A foreign client; `name` is what the test ids show."""

    name: str

    def produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str = "none"
    ) -> None:
        """Produce all with acks=all and wait until each is acknowledged."""

    def read(self, bootstrap: str, topic: str, partitions: int = 1) -> list[Stored]:
        """All records of partitions 0 … n-1 up to their present ends, each partition in order."""


class ConfluentKafka:
    """confluent-kafka, that is librdkafka, as an idempotent producer."""

    name = "confluent-kafka"

    def produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str = "none"
    ) -> None:
        failures: list[confluent_kafka.KafkaError] = []
        producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": codec,
                "enable.idempotence": True,
            }
        )

        def delivered(error: confluent_kafka.KafkaError | None, _message: object) -> None:
            if error is not None:
                failures.append(error)

        for record in records:
            while True:
                try:
                    producer.produce(topic, record.value, record.key, on_delivery=delivered)
                    break
                except BufferError:  # Its queue is full: serve delivery reports, then again.
                    producer.poll(0.1)
        unsent = producer.flush(READ_TIMEOUT_S)
        assert unsent == 0, f"{unsent} records were never acknowledged"
        assert failures == []

    def read(self, bootstrap: str, topic: str, partitions: int = 1) -> list[Stored]:
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "unused: partitions are assigned",
                "enable.auto.commit": False,
                "check.crcs": True,
                # It rests a second whenever this many records wait to be consumed.
                "queued.min.messages": 1_000_000,
            }
        )
        try:
            assigned = [confluent_kafka.TopicPartition(topic, p, 0) for p in range(partitions)]
            ends = [self._end(consumer, each) for each in assigned]
            consumer.assign(assigned)
            expected, stored = sum(ends), list[Stored]()
            while len(stored) < expected:
                wanted = min(10_000, expected - len(stored))
                batch = consumer.consume(wanted, READ_TIMEOUT_S)  # Waits for that many.
                assert batch, f"{len(stored)} of {expected} records came, then nothing"
                stored += map(self._stored, batch)
            return stored
        finally:
            consumer.close()

    @staticmethod
    def _end(consumer: confluent_kafka.Consumer, place: confluent_kafka.TopicPartition) -> int:
        """The high watermark, once a leader that has just come knows it; librdkafka asks once."""
        deadline = time.monotonic() + READ_TIMEOUT_S
        while True:
            try:
                return int(consumer.get_watermark_offsets(place, timeout=30)[1])
            except confluent_kafka.KafkaException as error:
                behind = error.args[0].code() == confluent_kafka.KafkaError.OFFSET_NOT_AVAILABLE
                if not behind or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    @staticmethod
    def _stored(message: confluent_kafka.Message) -> Stored:
        assert message.error() is None, message.error()
        partition, offset = message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        return Stored(partition, offset, message.key(), message.value())


def librdkafka_sends_plain(codec: str, api_versions: Mapping[int, tuple[int, int]]) -> bool:
    """Whether librdkafka takes this broker for too old for the codec and does not compress.

    It knows brokers that understand LZ4 by their serving FindCoordinator (key 10), of all things.
    """
    return codec == "lz4" and 10 not in api_versions


class AioKafka:
    """aiokafka, on an event loop of its own for each call."""

    name = "aiokafka"

    def produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str = "none"
    ) -> None:
        asyncio.run(self._produce(bootstrap, topic, records, codec))

    async def _produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str
    ) -> None:
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            compression_type=None if codec == "none" else codec,
            enable_idempotence=True,
            linger_ms=5,
        )
        await producer.start()
        try:
            sent = [await producer.send(topic, record.value, record.key) for record in records]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    def read(self, bootstrap: str, topic: str, partitions: int = 1) -> list[Stored]:
        return asyncio.run(self._read(bootstrap, topic, partitions))

    async def _read(self, bootstrap: str, topic: str, partitions: int) -> list[Stored]:
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, check_crcs=True
        )
        await consumer.start()
        try:
            assigned = [aiokafka.TopicPartition(topic, p) for p in range(partitions)]
            consumer.assign(assigned)
            await consumer.seek_to_beginning(*assigned)
            expected = sum((await consumer.end_offsets(assigned)).values())
            stored: list[Stored] = []
            while len(stored) < expected:
                batches = await consumer.getmany(timeout_ms=READ_TIMEOUT_S * 1000)
                assert batches, f"{len(stored)} of {expected} records came, then nothing"
                for where, batch in batches.items():
                    stored += [Stored(where.partition, r.offset, r.key, r.value) for r in batch]
            return stored
        finally:
            await consumer.stop()


class KafkaPython:
    """kafka-python, idempotent as its current versions are by default."""

    name = "kafka-python"

    def produce(
        self, bootstrap: str, topic: str, records: Sequence[Keyed], codec: str = "none"
    ) -> None:
        producer = kafka.KafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            compression_type=None if codec == "none" else codec,
            enable_idempotence=True,
        )
        try:
            sent = [producer.send(topic, record.value, record.key) for record in records]
            for future in sent:
                future.get(READ_TIMEOUT_S)
        finally:
            producer.close()

    def read(self, bootstrap: str, topic: str, partitions: int = 1) -> list[Stored]:
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, check_crcs=True
        )
        try:
            assigned = [kafka.TopicPartition(topic, p) for p in range(partitions)]
            consumer.assign(assigned)
            consumer.seek_to_beginning(*assigned)
            expected = sum(consumer.end_offsets(assigned).values())
            stored: list[Stored] = []
            while len(stored) < expected:
                batches = consumer.poll(READ_TIMEOUT_S * 1000, max_records=20_000)
                assert batches, f"{len(stored)} of {expected} records came, then nothing"
                for where, batch in batches.items():
                    stored += [Stored(where.partition, r.offset, r.key, r.value) for r in batch]
            return stored
        finally:
            consumer.close()


PYTHON_CLIENTS: tuple[Client, ...] = (ConfluentKafka(), AioKafka(), KafkaPython())


def by_partition(stored: Sequence[Stored]) -> dict[int, list[Keyed]]:
    """The records of each partition in the order read; asserts that offsets are 0, 1, 2 …"""
    grouped: dict[int, list[Keyed]] = {}
    for record in stored:
        partition = grouped.setdefault(record.partition, [])
        assert record.offset == len(partition), f"offset {record.offset} at place {len(partition)}"
        partition.append(Keyed(record.key, record.value))
    return grouped
