"""A group member by a Python library; arguments, events and commands are those of go/main.go."""

import asyncio
import json
import queue
import sys
import threading
import warnings
from collections.abc import Iterable
from typing import Any


def say(event: str, **details: object) -> None:
    sys.stdout.write(json.dumps({"event": event} | details) + "\n")
    sys.stdout.flush()


def say_owns(partitions: Iterable[Any]) -> None:
    say("owns", partitions=sorted(each.partition for each in partitions))


def say_record(partition: int, offset: int, value: bytes) -> None:
    say("record", partition=partition, offset=offset, value=value.decode())


class Commands:
    """The lines of standard input, read by a thread; its end says `leave`."""

    def __init__(self) -> None:
        self._queue = queue.SimpleQueue[str]()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._queue.put(line.strip())
        self._queue.put("leave")

    def next(self) -> str | None:
        return None if self._queue.empty() else self._queue.get()


def run_confluent(given: dict[str, str], commands: Commands) -> None:
    """confluent-kafka, that is librdkafka."""
    import confluent_kafka

    settings: dict[str, Any] = {
        "bootstrap.servers": given["bootstrap"],
        "client.id": given["client"],
        "group.id": given["group"],
        "session.timeout.ms": int(given["session_ms"]),
        "heartbeat.interval.ms": int(given["heartbeat_ms"]),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    if "instance" in given:
        settings["group.instance.id"] = given["instance"]
    consumer = confluent_kafka.Consumer(settings)
    consumer.subscribe(
        [given["topic"]],
        on_assign=lambda _, partitions: say_owns(partitions),
        on_revoke=lambda _, __: say_owns([]),
    )
    while True:
        message = consumer.poll(0.05)
        if message is not None and message.error() is None:
            say_record(message.partition(), message.offset(), message.value())
        command = commands.next()
        if command == "commit":
            try:
                if any(each.offset >= 0 for each in consumer.position(consumer.assignment())):
                    consumer.commit(asynchronous=False)
                say("committed")
            except confluent_kafka.KafkaException as error:
                say("refused", message=str(error))
        elif command == "leave":
            consumer.close()
            return


def run_kafka_python(given: dict[str, str], commands: Commands) -> None:
    warnings.simplefilter("ignore")
    import kafka  # type: ignore[import-untyped]  # has none

    class Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
        def on_partitions_revoked(self, revoked: object) -> None:
            say_owns([])

        def on_partitions_assigned(self, assigned: object) -> None:
            say_owns(consumer.assignment())

    consumer = kafka.KafkaConsumer(
        bootstrap_servers=given["bootstrap"],
        client_id=given["client"],
        group_id=given["group"],
        group_instance_id=given.get("instance"),
        session_timeout_ms=int(given["session_ms"]),
        heartbeat_interval_ms=int(given["heartbeat_ms"]),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    consumer.subscribe([given["topic"]], listener=Listener())
    while True:
        for records in consumer.poll(50).values():
            for record in records:
                say_record(record.partition, record.offset, record.value)
        command = commands.next()
        if command == "commit":
            try:
                consumer.commit()
                say("committed")
            except kafka.errors.KafkaError as error:
                say("refused", message=repr(error))
        elif command == "leave":
            consumer.close()
            return


async def run_aiokafka(given: dict[str, str], commands: Commands) -> None:
    import aiokafka  # type: ignore[import-untyped]  # has none

    class Listener(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
        def on_partitions_revoked(self, revoked: object) -> None:
            say_owns([])

        def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
            say_owns(assigned)

    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=given["bootstrap"],
        client_id=given["client"],
        group_id=given["group"],
        group_instance_id=given.get("instance"),
        session_timeout_ms=int(given["session_ms"]),
        heartbeat_interval_ms=int(given["heartbeat_ms"]),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    consumer.subscribe([given["topic"]], listener=Listener())
    await consumer.start()
    while True:
        for records in (await consumer.getmany(timeout_ms=50)).values():
            for record in records:
                say_record(record.partition, record.offset, record.value)
        command = commands.next()
        if command == "commit":
            try:
                await consumer.commit()
                say("committed")
            except aiokafka.errors.KafkaError as error:
                say("refused", message=repr(error))
        elif command == "leave":
            await consumer.stop()
            return


async def run_sdk(given: dict[str, str], commands: Commands) -> None:
    """minikafka_client, for comparison."""
    from minikafka_client import Consumer
    from minikafka_client.errors import ClientError

    async def owns(_: object) -> None:
        say_owns(consumer.assignment)

    consumer = Consumer(
        given["bootstrap"],
        given["topic"],
        client_id=given["client"],
        group=given["group"],
        group_instance_id=given.get("instance"),
        session_timeout_ms=int(given["session_ms"]),
        heartbeat_interval_ms=int(given["heartbeat_ms"]),
        start="earliest",
        auto_commit_ms=None,
        on_assigned=owns,
        on_revoked=owns,
    )
    async with consumer:
        while True:
            batch = await consumer.next_batch(timeout_ms=50)
            for record in () if batch is None else batch.records():
                say_record(record.partition, record.offset, record.value or b"")
            command = commands.next()
            if command == "commit":
                try:
                    await consumer.commit()
                    say("committed")
                except ClientError as error:
                    say("refused", message=repr(error))
            elif command == "leave":
                return


def main() -> None:
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    commands = Commands()
    if given["library"] == "confluent-kafka":
        run_confluent(given, commands)
    elif given["library"] == "kafka-python":
        run_kafka_python(given, commands)
    elif given["library"] == "minikafka":
        asyncio.run(run_sdk(given, commands))
    else:
        asyncio.run(run_aiokafka(given, commands))
    say("left")


if __name__ == "__main__":
    main()
