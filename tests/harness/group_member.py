"""A group member in a process of its own, so that it can die: `GroupMember` starts and watches it.

As a program (`SESSION_MS LIBRARY BOOTSTRAP GROUP TOPIC [INSTANCE]` are its arguments) it joins,
reads, commits synchronously what it has read, and prints a line for each thing that happens:
`assigned 0 1 2`, `read PARTITION OFFSET`, `left`. SIGTERM makes it leave in good order.
"""

import asyncio
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

LIBRARIES = ("confluent-kafka", "aiokafka", "kafka-python")
HEARTBEAT_MS = 200


class GroupMember:
    """The watching side: the process, and what it has said so far."""

    def __init__(
        self,
        library: str,
        bootstrap: str,
        group: str,
        topic: str,
        instance: str | None = None,
        session_timeout_ms: int = 1500,
    ) -> None:
        command = [sys.executable, "-m", "harness.group_member", str(session_timeout_ms)]
        command += [library, bootstrap, group, topic]
        if instance is not None:
            command.append(instance)
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        self.lines: list[str] = []
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
        self.process.stdout.close()

    @property
    def assigned(self) -> frozenset[int] | None:
        """The partitions it has now, None before its first assignment."""
        told = [line for line in self.lines if line.startswith("assigned")]
        return frozenset(map(int, told[-1].split()[1:])) if told else None

    @property
    def assignments_count(self) -> int:
        """How often it was told what it has."""
        return sum(line.startswith("assigned") for line in self.lines)

    @property
    def read(self) -> list[tuple[int, int]]:
        """(partition, offset) of each record, in the order it came."""
        found = [line.split() for line in self.lines if line.startswith("read")]
        return [(int(partition), int(offset)) for _, partition, offset in found]

    def wait_until(self, true: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait for what the member does."""
        deadline = time.perf_counter() + timeout_s
        while not true():
            assert self.process.poll() is None, self.lines[-5:]
            assert time.perf_counter() < deadline, self.lines[-5:]
            time.sleep(0.01)

    def leave(self) -> None:
        """Have it close its consumer, and wait."""
        self.process.terminate()
        self.process.wait(10)
        self._listening.join()

    def die(self) -> None:
        """SIGKILL: nobody is told anything."""
        self.process.kill()
        self.process.wait()
        self._listening.join()


def settled(members: Iterable[GroupMember], partitions: int, timeout_s: float = 20) -> float:
    """Wait until the members share all partitions evenly; returns the seconds that took."""
    waiting = list(members)
    started = time.perf_counter()
    while True:
        shares = [member.assigned or frozenset() for member in waiting]
        sizes = sorted(len(share) for share in shares)
        disjoint = len(frozenset().union(*shares)) == sum(sizes) == partitions
        if disjoint and sizes[-1] - sizes[0] <= 1:
            return time.perf_counter() - started
        assert time.perf_counter() < started + timeout_s, [member.lines[-5:] for member in waiting]
        time.sleep(0.01)


# -- the member itself ----------------------------------------------------------------------------


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def run_confluent(
    session_ms: int,
    bootstrap: str,
    group: str,
    topic: str,
    instance: str | None,
    stopped: threading.Event,
) -> None:
    import confluent_kafka

    settings: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": HEARTBEAT_MS,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    if instance is not None:
        settings["group.instance.id"] = instance
    consumer = confluent_kafka.Consumer(settings)

    def assigned(_: object, partitions: list[Any]) -> None:
        say("assigned", *sorted(each.partition for each in partitions))

    consumer.subscribe([topic], on_assign=assigned)
    while not stopped.is_set():
        message = consumer.poll(0.05)
        if message is not None and message.error() is None:
            consumer.commit(message=message, asynchronous=False)
            say("read", message.partition(), message.offset())
    consumer.close()


def run_kafka_python(
    session_ms: int,
    bootstrap: str,
    group: str,
    topic: str,
    instance: str | None,
    stopped: threading.Event,
) -> None:
    warnings.simplefilter("ignore")
    import kafka  # type: ignore[import-untyped]  # has none

    class Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
        def on_partitions_revoked(self, revoked: object) -> None:
            """Nothing to give back: every record is committed at once."""

        def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
            say("assigned", *sorted(each.partition for each in consumer.assignment()))

    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        group_instance_id=instance,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    consumer.subscribe([topic], listener=Listener())
    while not stopped.is_set():
        for records in consumer.poll(50).values():
            consumer.commit()
            for record in records:
                say("read", record.partition, record.offset)
    consumer.close()


async def run_aiokafka(
    session_ms: int,
    bootstrap: str,
    group: str,
    topic: str,
    instance: str | None,
    stopped: threading.Event,
) -> None:
    import aiokafka  # type: ignore[import-untyped]  # has none

    class Listener(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
        def on_partitions_revoked(self, revoked: object) -> None:
            """Nothing to give back: every record is committed at once."""

        def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
            say("assigned", *sorted(each.partition for each in assigned))

    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        group_instance_id=instance,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    consumer.subscribe([topic], listener=Listener())
    await consumer.start()
    while not stopped.is_set():
        for records in (await consumer.getmany(timeout_ms=50)).values():
            await consumer.commit()
            for record in records:
                say("read", record.partition, record.offset)
    await consumer.stop()


def main(
    session_ms: int,
    library: str,
    bootstrap: str,
    group: str,
    topic: str,
    instance: str | None = None,
) -> None:
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    if library == "confluent-kafka":
        run_confluent(session_ms, bootstrap, group, topic, instance, stopped)
    elif library == "kafka-python":
        run_kafka_python(session_ms, bootstrap, group, topic, instance, stopped)
    else:
        asyncio.run(run_aiokafka(session_ms, bootstrap, group, topic, instance, stopped))
    say("left")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
