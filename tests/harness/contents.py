"""What a broker holds, as a consumer sees it: every record with offset, timestamp and headers.

Two brokers that serve one directory one after the other must show the same contents. Written and
read with confluent-kafka, which is transactional where the broker is.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import confluent_kafka

TIMEOUT_S = 60.0

Headers = tuple[tuple[str, bytes | None], ...]


class Written(NamedTuple):
    """A record to produce."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Shown(NamedTuple):
    """A record as it was read; `timestamp` is (type, milliseconds)."""

    partition: int
    offset: int
    timestamp: tuple[int, int]
    key: bytes | None
    value: bytes | None
    headers: Headers


def produce(
    bootstrap: str,
    topic: str,
    records: Sequence[Written],
    *,
    codec: str = "none",
    partition: int = 0,
    transactional_id: str | None = None,
    commit: bool = True,
) -> None:
    """Write all idempotently, in one transaction if an id is given, and wait for every answer."""
    settings = {
        "bootstrap.servers": bootstrap,
        "compression.type": codec,
        "enable.idempotence": True,
        "linger.ms": 5,
    }
    if transactional_id is not None:
        settings["transactional.id"] = transactional_id
    producer = confluent_kafka.Producer(settings)
    failures: list[confluent_kafka.KafkaError] = []

    def delivered(error: confluent_kafka.KafkaError | None, _message: object) -> None:
        if error is not None:
            failures.append(error)

    if transactional_id is not None:
        producer.init_transactions(TIMEOUT_S)
        producer.begin_transaction()
    for record in records:
        while True:
            try:
                producer.produce(
                    topic,
                    record.value,
                    record.key,
                    partition=partition,
                    headers=list(record.headers),
                    on_delivery=delivered,
                )
                break
            except BufferError:  # Its queue is full: serve delivery reports, then again.
                producer.poll(0.1)
    unsent = producer.flush(TIMEOUT_S)
    assert unsent == 0, f"{unsent} records were never acknowledged"
    assert failures == []
    if transactional_id is not None:
        end = producer.commit_transaction if commit else producer.abort_transaction
        end(TIMEOUT_S)


def read(bootstrap: str, topic: str, *, partitions: int = 1, committed: bool = True) -> list[Shown]:
    """All records of partitions 0 … n-1, from their starts to their ends.

    `committed` reads as read_committed consumers do, up to the last stable offset.
    """
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "unused: partitions are assigned",
            "enable.auto.commit": False,
            "check.crcs": True,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            # It rests a second whenever this many records wait to be consumed.
            "queued.min.messages": 1_000_000,
        }
    )
    try:
        consumer.assign(
            [
                confluent_kafka.TopicPartition(topic, index, confluent_kafka.OFFSET_BEGINNING)
                for index in range(partitions)
            ]
        )
        shown: list[Shown] = []
        unfinished = set(range(partitions))
        while unfinished:
            message = consumer.poll(TIMEOUT_S)
            assert message is not None, f"{topic}: {len(shown)} records came, then nothing"
            error = message.error()
            if error is None:
                shown.append(_shown(message))
            else:
                assert error.code() == confluent_kafka.KafkaError._PARTITION_EOF, error
                partition = message.partition()
                assert partition is not None
                unfinished.discard(partition)
        return shown
    finally:
        consumer.close()


def _shown(message: confluent_kafka.Message) -> Shown:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    headers: list[Any] = list(message.headers() or ())
    return Shown(
        partition,
        offset,
        message.timestamp(),
        message.key(),
        message.value(),
        tuple(headers),
    )


def commit(bootstrap: str, group: str, topic: str, offset: int, metadata: str) -> None:
    """Commit an offset of partition 0 for a group."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        position = confluent_kafka.TopicPartition(topic, 0, offset, metadata)
        answered = consumer.commit(offsets=[position], asynchronous=False)
        assert answered
        assert answered[0].error is None, answered[0].error
    finally:
        consumer.close()


def committed(bootstrap: str, group: str, topic: str) -> tuple[int, str | None]:
    """(offset, metadata) that a group has committed for partition 0."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    try:
        wanted = [confluent_kafka.TopicPartition(topic, 0)]
        (answered,) = consumer.committed(wanted, timeout=TIMEOUT_S)
        assert answered.error is None, answered.error
        return answered.offset, answered.metadata
    finally:
        consumer.close()
