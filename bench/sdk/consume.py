"""Consuming what `produce` has left in the topics: CPU per record."""

from __future__ import annotations

import time

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]  # it has no types
from minikafka_client import Consumer


async def aiokafka(bootstrap: str, size: int, count: int) -> float:
    """µs of CPU per record: aiokafka's `async for`."""
    async with AIOKafkaConsumer(
        f"sdk-{size}", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        seen = 0
        before = time.process_time()
        async for _ in consumer:
            seen += 1
            if seen == count:
                break
        return (time.process_time() - before) / count * 1e6


async def async_for(bootstrap: str, size: int, count: int) -> float:
    """µs of CPU per record: the SDK's `async for`."""
    async with Consumer(bootstrap, f"sdk-{size}", start="earliest") as consumer:
        seen = 0
        before = time.process_time()
        async for _ in consumer:
            seen += 1
            if seen == count:
                break
        return (time.process_time() - before) / count * 1e6


async def batches(bootstrap: str, size: int, count: int) -> float:
    """µs of CPU per record: `batches()` and the values of each."""
    async with Consumer(bootstrap, f"sdk-{size}", start="earliest") as consumer:
        seen = 0
        before = time.process_time()
        async for batch in consumer.batches():
            seen += len(batch.values())
            if seen >= count:
                break
        return (time.process_time() - before) / seen * 1e6
