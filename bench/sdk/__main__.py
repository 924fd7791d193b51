"""Prints one table; exit code 1 when a promise about the SDK's cost is not kept."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import uvloop
from harness import apache
from harness.broker import RunningBroker, Software

from bench.machine_awake import machine_awake
from bench.sdk import consume, latency, produce

RECORDS = {100: 200_000, 1000: 60_000}
SENDS = 4_000
RESULTS = Path(__file__).parents[1] / "results"
Measure = Callable[[str, int, int], Awaitable[float]]


class Way(NamedTuple):
    """A way to produce or consume; `share` of the records, or a run would take minutes."""

    measure: Measure
    share: float
    at_most: float | None = None
    """What was promised of its cost over aiokafka's."""


PRODUCING: Mapping[str, Way] = {
    "SDK `send`": Way(produce.send, 1, 0.5),
    "SDK `send_many`": Way(produce.send_many, 1, 0.5),
    "aiokafka": Way(produce.aiokafka, 0.25),
    "kafka-python": Way(produce.kafka_python, 0.1),
    "confluent-kafka": Way(produce.confluent, 1),
}
CONSUMING: Mapping[str, Way] = {
    "SDK `async for`": Way(consume.async_for, 1, 1.0),
    "SDK `batches()`": Way(consume.batches, 1, 0.5),
    "aiokafka": Way(consume.aiokafka, 0.25),
    "kafka-python": Way(consume.kafka_python, 0.1),
    "confluent-kafka": Way(consume.confluent, 1),
}


class Row(NamedTuple):
    """A line of the table: µs, and the ratio to aiokafka's."""

    what: str
    client: str
    record: str
    us: float
    ratio: float
    at_most: float | None
    rounds: list[float]

    @property
    def kept(self) -> bool:
        return self.at_most is None or self.ratio <= self.at_most

    def text(self) -> str:
        promise = ""
        if self.at_most is not None:
            promise = f"≤ {self.at_most} {'ok' if self.kept else 'MISSED'}"
        cells = (self.what, self.client, self.record, f"{self.us:.2f}", f"{self.ratio:.2f}")
        return f"| {' | '.join(cells)} | {promise} |"


async def cpu_rows(
    bootstrap: str, what: str, ways: Mapping[str, Way], size: int, rounds: int
) -> list[Row]:
    """µs of CPU per record for each way; the order of turns moves with every round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            way = ways[name]
            count = int(RECORDS[size] * way.share)
            found[name].append(await way.measure(bootstrap, size, count))
    theirs = statistics.median(found["aiokafka"])
    return [
        Row(what, name, f"{size} B", us, us / theirs, ways[name].at_most, found[name])
        for name in names
        for us in (statistics.median(found[name]),)
    ]


async def latency_rows(bootstrap: str, rounds: int) -> list[Row]:
    """One awaited send: percentiles over the sends of all rounds, and the CPU it takes."""
    runs = [await latency.compare(bootstrap, SENDS) for _ in range(rounds)]
    theirs, ours = [run[0] for run in runs], [run[1] for run in runs]
    rows = []
    for what, share in (("one send, p50", 0.5), ("one send, p99", 0.99)):
        a, b = (
            latency.Latency([wait for run in runs for wait in run.waits], 0).percentile(share)
            for runs in (theirs, ours)
        )
        each = [[run.percentile(share) for run in runs] for runs in (theirs, ours)]
        rows.append(Row(what, "SDK `await send`", "100 B", b, b / a, 1.0, each[1]))
        rows.append(Row(what, "aiokafka", "100 B", a, 1.0, None, each[0]))
    a_cpu, b_cpu = ([run.cpu for run in runs] for runs in (theirs, ours))
    a, b = statistics.median(a_cpu), statistics.median(b_cpu)
    rows.append(Row("one send, CPU", "SDK `await send`", "100 B", b, b / a, None, b_cpu))
    rows.append(Row("one send, CPU", "aiokafka", "100 B", a, 1.0, None, a_cpu))
    return rows


async def compare(bootstrap: str, rounds: int) -> list[Row]:
    """Run everything and print it as it comes."""
    rows: list[Row] = []

    def show(more: list[Row]) -> None:
        rows.extend(more)
        print("\n".join(row.text() for row in more), flush=True)

    print("| what | client | record | µs | of aiokafka's | promise |\n|---|---|---|---|---|---|")
    for size in RECORDS:
        show(await cpu_rows(bootstrap, "produce, CPU", PRODUCING, size, rounds))
        show(await cpu_rows(bootstrap, "consume, CPU", CONSUMING, size, rounds))
    show(await latency_rows(bootstrap, rounds))
    return rows


def finish(rows: list[Row], broker: str) -> int:
    """Write the JSON file; the exit code."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("sdk-%Y%m%d-%H%M%S.json")
    found = {"broker": broker, "rows": [row._asdict() | {"kept": row.kept} for row in rows]}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    print(path)
    return 0 if all(row.kept for row in rows) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.sdk")
    parser.add_argument("bootstrap", nargs="?", help="HOST:PORT, else a broker is started")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.bootstrap:
        rows = uvloop.run(compare(arguments.bootstrap, arguments.rounds))
        return finish(rows, arguments.bootstrap)
    software = Software.APACHE if apache.java() is not None else Software.MINIKAFKA
    with (
        tempfile.TemporaryDirectory() as directory,
        RunningBroker(Path(directory), software=software) as broker,
    ):
        print(f"broker: {software.value}")
        with machine_awake():
            rows = uvloop.run(compare(broker.bootstrap, arguments.rounds))
        return finish(rows, software.value)


if __name__ == "__main__":
    sys.exit(main())
