"""Producing: CPU per record, and how long one awaited send takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # it has no types
from minikafka_client import Producer

PER_TURN = 500
LATENCY_SENDS = 2_000
_WARM_UP = 300

Round = Callable[[str, int, int], Awaitable[float]]


async def aiokafka(bootstrap: str, size: int, count: int) -> float:
    """µs of CPU per record: aiokafka's `send`, awaited for its place in the buffer only."""
    value = b"x" * size
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5
    ) as producer:
        await producer.send_and_wait(f"sdk-{size}", value)
        before = time.process_time()
        for _ in range(count):
            await producer.send(f"sdk-{size}", value)
        await producer.flush()
        return (time.process_time() - before) / count * 1e6


async def send(bootstrap: str, size: int, count: int) -> float:
    """µs of CPU per record: `send`, 500 in each turn of the loop, batches of aiokafka's size."""
    value = b"x" * size
    topic = f"sdk-{size}"
    async with Producer(bootstrap, batch_bytes=16_384) as producer:
        await producer.send(topic, value)
        before = time.process_time()
        for _ in range(count // PER_TURN):
            for _ in range(PER_TURN):
                producer.send(topic, value)
            await producer.ready()
            await asyncio.sleep(0)
        await producer.flush()
        return (time.process_time() - before) / count * 1e6


async def send_many(bootstrap: str, size: int, count: int) -> float:
    """µs of CPU per record: `send_many` with a list."""
    values = [b"x" * size] * count
    async with Producer(bootstrap, batch_bytes=16_384) as producer:
        await producer.send(f"sdk-{size}", b"first")
        before = time.process_time()
        await producer.send_many(f"sdk-{size}", values)
        return (time.process_time() - before) / count * 1e6


async def latency_of_aiokafka(bootstrap: str) -> tuple[float, float]:
    """(p50, p99) in µs of one awaited, acknowledged record of 100 bytes at a time."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        return await _latency(lambda: producer.send_and_wait("sdk-latency", b"x" * 100))


async def latency(bootstrap: str) -> tuple[float, float]:
    """As `latency_of_aiokafka`, for the SDK."""
    async with Producer(bootstrap) as producer:
        return await _latency(lambda: producer.send("sdk-latency", b"x" * 100))


async def _latency(one: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    waits = []
    for _ in range(LATENCY_SENDS):
        started = time.perf_counter()
        await one()
        waits.append(time.perf_counter() - started)
    waits = sorted(waits[_WARM_UP:])
    return waits[len(waits) // 2] * 1e6, waits[len(waits) * 99 // 100] * 1e6
