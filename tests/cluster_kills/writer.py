"""A writer, as a program and from outside: `LIBRARY BOOTSTRAP TOPIC PARTITIONS RATE` as arguments.

It produces numbered records idempotently with acks=all, at a rate, until `stop` comes on standard
input, then waits for every acknowledgement. It says a JSON object a line: `acked` every tenth of a
second, `gap_ms` whenever nothing of one partition had been acknowledged for long, and at the end
`counts`.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cluster_kills.verdict import Row

PATIENCE_S = 300
_TICK_S = 0.02
_TOLD_EVERY_S = 0.1
_GAP_S = 0.1
_PADDING = b" " + b"." * 100


class Tally:
    """What a writer knows of its own records."""

    def __init__(self, partitions: int) -> None:
        self.sent = [0] * partitions
        self.acked: Counter[int] = Counter()
        self.failures: list[str] = []
        self._told_at = time.monotonic()
        self._last_acks = [self._told_at] * partitions

    def next(self) -> tuple[int, bytes]:
        """Partition and value of the next record."""
        partition = self.sent.index(min(self.sent))
        value = b"%d" % self.sent[partition] + _PADDING
        self.sent[partition] += 1
        return partition, value

    def acknowledged(self, partition: int) -> None:
        now = time.monotonic()
        waited_s = now - self._last_acks[partition]
        if waited_s > _GAP_S:
            say(gap_ms=round(waited_s * 1000))
        self._last_acks[partition] = now
        self.acked[partition] += 1

    def failed(self, why: object) -> None:
        self.failures.append(str(why))
        say(failure=str(why))

    def tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _TOLD_EVERY_S:
            self._told_at = now
            say(acked=self.acked.total())

    def tell_the_end(self) -> None:
        counts = [self.acked[partition] for partition in range(len(self.sent))]
        say(counts=counts, sent=self.sent, failures=self.failures[:5])


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def run_confluent(
    bootstrap: str, topic: str, tally: Tally, rate: int, stopped: threading.Event
) -> None:
    import confluent_kafka

    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 5,
            "message.timeout.ms": PATIENCE_S * 1000,
        }
    )

    def delivered(error: Any, message: Any) -> None:
        if error is None:
            tally.acknowledged(message.partition())
        else:
            tally.failed(error)

    started = time.monotonic()
    while not stopped.is_set():
        due = int((time.monotonic() - started) * rate)
        while sum(tally.sent) < due and len(producer) < 90_000:
            partition, value = tally.next()
            producer.produce(topic, value, b"confluent", partition=partition, on_delivery=delivered)
        producer.poll(_TICK_S)
        tally.tell()
    if producer.flush(PATIENCE_S):
        tally.failed("not all were acknowledged")


async def run_sdk(
    bootstrap: str, topic: str, tally: Tally, rate: int, stopped: threading.Event
) -> None:
    from minikafka_client import Producer
    from minikafka_client.errors import ClientError

    # One for each partition: what waits for one of them must not hide that others go on.
    pending: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in tally.sent]

    async def collect(partition: int) -> None:
        while True:
            handle = await pending[partition].get()
            try:
                await handle
                tally.acknowledged(partition)
            except ClientError as error:
                tally.failed(error)
            pending[partition].task_done()

    async with Producer(bootstrap, delivery_timeout_ms=PATIENCE_S * 1000, linger_ms=5) as producer:
        collecting = [asyncio.create_task(collect(index)) for index in range(len(pending))]
        started = time.monotonic()
        while not stopped.is_set():
            due = int((time.monotonic() - started) * rate)
            while sum(tally.sent) < due and sum(each.qsize() for each in pending) < 90_000:
                await producer.ready()
                partition, value = tally.next()
                handle = producer.send(topic, value, key=b"sdk", partition=partition)
                pending[partition].put_nowait(handle)
            await asyncio.sleep(_TICK_S)
            tally.tell()
        await producer.flush()
        for queue, task in zip(pending, collecting, strict=True):
            await queue.join()
            task.cancel()


def main(library: str, bootstrap: str, topic: str, partitions: str, rate: str) -> None:
    stopped = threading.Event()

    def listen() -> None:
        sys.stdin.readline()
        stopped.set()

    threading.Thread(target=listen, daemon=True).start()
    tally = Tally(int(partitions))
    if library == "confluent":
        run_confluent(bootstrap, topic, tally, int(rate), stopped)
    else:
        asyncio.run(run_sdk(bootstrap, topic, tally, int(rate), stopped))
    tally.tell_the_end()


class Writer:
    """The watching side of a writer."""

    def __init__(
        self, library: str, bootstrap: str, topic: str, partitions: int, rate: int
    ) -> None:
        self.name = library
        self.acked = 0
        self.gaps_ms: list[int] = []
        self.failures: list[str] = []
        self._end: dict[str, Any] | None = None
        words = [library, bootstrap, topic, str(partitions), str(rate)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cluster_kills.writer", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # librdkafka tells of each broken connection.
            text=True,
            cwd=Path(__file__).parents[1],
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout:
            for line in self._process.stdout:
                told = json.loads(line)
                self.acked = told.get("acked", self.acked)
                if "gap_ms" in told:
                    self.gaps_ms.append(told["gap_ms"])
                if "failure" in told:
                    self.failures.append(told["failure"])
                if "counts" in told:
                    self._end = told

    def assert_well(self) -> None:
        assert self._process.poll() is None, f"{self.name} ended"
        assert not self.failures, f"{self.name}: {self.failures[:3]}"

    def longest_gap_ms(self) -> int:
        """Of those since the last call; none is shorter than a tenth of a second."""
        longest = max(self.gaps_ms, default=0)
        self.gaps_ms.clear()
        return longest

    def stop(self) -> dict[Row, int]:
        """Have it wait for what is not acknowledged yet; how many records of each row were."""
        assert self._process.stdin is not None
        self._process.stdin.write("stop\n")
        self._process.stdin.close()
        self._process.wait(PATIENCE_S + 30)
        self._listening.join()
        assert self._end is not None, f"{self.name} ended without a word"
        assert not self._end["failures"], f"{self.name}: {self._end['failures']}"
        assert self._end["counts"] == self._end["sent"], f"{self.name}: {self._end}"
        return {(self.name, index): n for index, n in enumerate(self._end["counts"])}

    def kill(self) -> None:
        """However a run ends."""
        self._process.kill()
        self._process.wait()
        self._listening.join()
        if self._process.stdin is not None:
            self._process.stdin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
