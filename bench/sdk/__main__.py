"""Prints one table; exit code 1 when a promise about the SDK's cost is not kept."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop
from harness import apache
from harness.broker import RunningBroker, Software

from bench.sdk import consume, produce

ROUNDS = 3
RECORDS = {100: 200_000, 1000: 60_000}
AIOKAFKA_SHARE = 4  # it sends a quarter of the records, or a run would take minutes
LIMITS = {
    "send": 0.5,
    "send_many": 0.5,
    "async for": 1.0,
    "batches()": 0.5,
}
Measure = Callable[[str, int, int], Awaitable[float]]


async def compare(bootstrap: str) -> bool:
    """Run everything and print it; whether all promises are kept."""
    kept = True
    print("| what | record | aiokafka µs | SDK µs | ratio | promise |\n|---|---|---|---|---|---|")
    for size, count in RECORDS.items():
        for name, theirs, ours in (
            ("send", produce.aiokafka, produce.send),
            ("send_many", produce.aiokafka, produce.send_many),
            ("async for", consume.aiokafka, consume.async_for),
            ("batches()", consume.aiokafka, consume.batches),
        ):
            kept &= await _row(bootstrap, name, size, count, theirs, ours)
    theirs_us, ours_us = [], []
    for _ in range(ROUNDS):
        theirs_us.append(await produce.latency_of_aiokafka(bootstrap))
        ours_us.append(await produce.latency(bootstrap))
    for name, at in (("p50", 0), ("p99", 1)):
        a = statistics.median(each[at] for each in theirs_us)
        b = statistics.median(each[at] for each in ours_us)
        kept &= b <= a
        print(f"| one awaited send, {name} | 100 B | {a:.0f} | {b:.0f} | {b / a:.2f} | ≤ 1.0 |")
    return kept


async def _row(
    bootstrap: str, name: str, size: int, count: int, theirs: Measure, ours: Measure
) -> bool:
    a_us, b_us = [], []
    for _ in range(ROUNDS):
        a_us.append(await theirs(bootstrap, size, count // AIOKAFKA_SHARE))
        b_us.append(await ours(bootstrap, size, count))
    a, b = statistics.median(a_us), statistics.median(b_us)
    print(f"| {name} | {size} B | {a:.2f} | {b:.2f} | {b / a:.2f} | ≤ {LIMITS[name]} |", flush=True)
    return b / a <= LIMITS[name]


def main() -> int:
    """Against the broker named on the command line, or one of our own."""
    if len(sys.argv) > 1:
        return 0 if uvloop.run(compare(sys.argv[1])) else 1
    software = Software.APACHE if apache.java() is not None else Software.MINIKAFKA
    with (
        tempfile.TemporaryDirectory() as directory,
        RunningBroker(Path(directory), software=software) as broker,
    ):
        print(f"broker: {software.value}")
        return 0 if uvloop.run(compare(broker.bootstrap)) else 1


if __name__ == "__main__":
    sys.exit(main())
