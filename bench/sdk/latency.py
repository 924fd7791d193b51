"""One awaited, acknowledged record at a time: aiokafka and the SDK in turn, record by record.

Both have acks=all, idempotence and no linger. What disturbs the machine or the broker for a while
then meets both alike, and the percentiles stay comparable where those of separate runs would not.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # it has no types

from minikafka_client import Producer

VALUE = b"x" * 100
_WARM_UP = 500
_PAIR = 2


class Latency(NamedTuple):
    """µs: the wall time of each send, and this process's CPU for one on average."""

    waits: list[float]
    cpu: float

    def percentile(self, share: float) -> float:
        waits = sorted(self.waits)
        return waits[int(len(waits) * share)]


class _Contestant:
    def __init__(self, send: Callable[[], Awaitable[object]]) -> None:
        self.send = send
        self.waits: list[float] = []
        self.cpu_s = 0.0

    async def one(self) -> None:
        cpu, started = time.process_time(), time.perf_counter()
        await self.send()
        self.waits.append(time.perf_counter() - started)
        self.cpu_s += time.process_time() - cpu

    def summary(self) -> Latency:
        return Latency([wait * 1e6 for wait in self.waits], self.cpu_s / len(self.waits) * 1e6)


async def compare(bootstrap: str, sends: int) -> tuple[Latency, Latency]:
    """(aiokafka's, the SDK's); who sends first changes with every pair."""
    async with (
        AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=0
        ) as theirs,
        Producer(bootstrap, linger_ms=0) as ours,
    ):
        both = [
            _Contestant(lambda: theirs.send_and_wait("sdk-latency", VALUE)),
            _Contestant(lambda: ours.send("sdk-latency", VALUE)),
        ]
        for _ in range(_WARM_UP):
            for each in both:
                await each.send()
        for number in range(sends):
            for each in both if number % _PAIR else reversed(both):
                await each.one()
        return both[0].summary(), both[1].summary()
