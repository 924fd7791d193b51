"""A group member that keeps a journal: `LIBRARY BOOTSTRAP GROUP TOPIC PATH` are its arguments.

It processes records in batches: each is written to the journal, then committed synchronously,
before the next one and before it gives partitions back. SIGTERM makes it leave in good order.
"""

import asyncio
import logging
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterable
from typing import Any

from harness.journal import Journal

SESSION_TIMEOUT_MS = 6000
HEARTBEAT_MS = 500
BATCH = 500
RETRY_S = 0.1


def run_confluent(
    bootstrap: str, group: str, topic: str, journal: Journal, stopped: threading.Event
) -> None:
    import confluent_kafka

    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    batch: list[tuple[int, int, bytes, bytes]] = []
    error = confluent_kafka.KafkaError
    fenced = {error.ILLEGAL_GENERATION, error.UNKNOWN_MEMBER_ID, error.REBALANCE_IN_PROGRESS}

    def commit() -> None:
        journal.process(batch)
        batch.clear()
        while journal.pending:
            journal.attempt()
            ends = [
                confluent_kafka.TopicPartition(topic, *item) for item in journal.pending.items()
            ]
            try:
                for each in consumer.commit(offsets=ends, asynchronous=False) or ():
                    if each.error is not None:
                        raise confluent_kafka.KafkaException(each.error)
                journal.committed()
            except confluent_kafka.KafkaException as refusal:
                if refusal.args[0].code() in fenced:
                    journal.refused()
                else:
                    time.sleep(RETRY_S)

    def lost(*_: object) -> None:
        batch.clear()
        journal.refused()

    consumer.subscribe(
        [topic],
        on_assign=lambda *_: journal.assigned(),
        on_revoke=lambda *_: commit(),
        on_lost=lost,
    )
    while not stopped.is_set():
        message = consumer.poll(0.05)
        if message is not None and message.error() is None:
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            batch.append((partition, offset, message.key() or b"", message.value() or b""))
        if len(batch) >= BATCH or (message is None and batch):
            commit()
    commit()
    consumer.close()


def run_kafka_python(
    bootstrap: str, group: str, topic: str, journal: Journal, stopped: threading.Event
) -> None:
    import kafka  # type: ignore[import-untyped]  # has none

    class Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
        def on_partitions_revoked(self, revoked: object) -> None:
            """Everything polled is committed by now."""

        def on_partitions_assigned(self, assigned: object) -> None:
            journal.assigned()

    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=BATCH,
    )
    consumer.subscribe([topic], listener=Listener())
    fenced = (kafka.errors.CommitFailedError, kafka.errors.RebalanceInProgressError)
    while not stopped.is_set():
        # A short poll may end within a rebalance, and 3.0 forgets some that it has not seen to the
        # end: those it began because metadata had changed.
        journal.process(_flat(consumer.poll(1000)))
        while journal.pending:
            journal.attempt()
            ends = {
                kafka.TopicPartition(topic, partition): kafka.OffsetAndMetadata(offset, "", -1)
                for partition, offset in journal.pending.items()
            }
            try:
                consumer.commit(ends)
                journal.committed()
            except fenced:
                journal.refused()
            except kafka.errors.KafkaError:
                time.sleep(RETRY_S)
    consumer.close()


async def run_aiokafka(
    bootstrap: str, group: str, topic: str, journal: Journal, stopped: threading.Event
) -> None:
    import aiokafka  # type: ignore[import-untyped]  # has none

    # A rebalance happens in another task; it has to wait until the batch in hand is committed.
    working = asyncio.Lock()

    class Listener(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
        async def on_partitions_revoked(self, revoked: object) -> None:
            async with working:
                pass

        async def on_partitions_assigned(self, assigned: object) -> None:
            journal.assigned()

    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_poll_records=BATCH,
    )
    consumer.subscribe([topic], listener=Listener())
    await consumer.start()
    fenced = (
        aiokafka.errors.CommitFailedError,
        aiokafka.errors.IllegalStateError,
        aiokafka.errors.RebalanceInProgressError,
    )
    while not stopped.is_set():
        async with working:
            journal.process(_flat(await consumer.getmany(timeout_ms=50)))
            while journal.pending:
                journal.attempt()
                ends = {
                    aiokafka.TopicPartition(topic, partition): offset
                    for partition, offset in journal.pending.items()
                }
                try:
                    await consumer.commit(ends)
                    journal.committed()
                except fenced:
                    journal.refused()
                except aiokafka.errors.KafkaError:
                    await asyncio.sleep(RETRY_S)
    await consumer.stop()


def _flat(polled: dict[Any, Iterable[Any]]) -> Iterable[tuple[int, int, bytes, bytes]]:
    for records in polled.values():
        for record in records:
            yield record.partition, record.offset, record.key or b"", record.value or b""


def main(library: str, bootstrap: str, group: str, topic: str, path: str) -> None:
    warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    journal = Journal(path)
    if library == "confluent-kafka":
        run_confluent(bootstrap, group, topic, journal, stopped)
    elif library == "kafka-python":
        run_kafka_python(bootstrap, group, topic, journal, stopped)
    else:
        asyncio.run(run_aiokafka(bootstrap, group, topic, journal, stopped))


if __name__ == "__main__":
    main(*sys.argv[1:])
