"""Producing: µs of CPU per record for each client, with acks=all and idempotence everywhere.

The SDK and aiokafka cut batches of 16 KiB, aiokafka's default; the other two keep their own.
"""

from __future__ import annotations

import asyncio
import time
import warnings

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]  # it has no types
from confluent_kafka import Producer as ConfluentProducer

from minikafka_client import Producer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # how it reads its schemas
    from kafka import KafkaProducer  # type: ignore[import-untyped]  # it has no types

PER_TURN = 500
BATCH_BYTES = 16_384
LINGER_MS = 5


async def aiokafka(bootstrap: str, size: int, count: int) -> float:
    """`send`, awaited for its place in the buffer only."""
    value = b"x" * size
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=LINGER_MS
    ) as producer:
        await producer.send_and_wait(f"sdk-{size}", value)
        before = time.process_time()
        for _ in range(count):
            await producer.send(f"sdk-{size}", value)
        await producer.flush()
        return (time.process_time() - before) / count * 1e6


async def send(bootstrap: str, size: int, count: int) -> float:
    """The SDK's `send`, 500 in each turn of the loop."""
    value = b"x" * size
    topic = f"sdk-{size}"
    async with Producer(bootstrap, batch_bytes=BATCH_BYTES) as producer:
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
    """The SDK's `send_many` with a list."""
    values = [b"x" * size] * count
    async with Producer(bootstrap, batch_bytes=BATCH_BYTES) as producer:
        await producer.send(f"sdk-{size}", b"first")
        before = time.process_time()
        await producer.send_many(f"sdk-{size}", values)
        return (time.process_time() - before) / count * 1e6


async def kafka_python(bootstrap: str, size: int, count: int) -> float:
    """`send`, with a thread of its own behind it; nothing else runs on the loop meanwhile."""
    value = b"x" * size
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=LINGER_MS
    )
    producer.send(f"sdk-{size}", value).get()
    before = time.process_time()
    for _ in range(count):
        producer.send(f"sdk-{size}", value)
    producer.flush()
    used = time.process_time() - before
    producer.close()
    return used / count * 1e6


async def confluent(bootstrap: str, size: int, count: int) -> float:
    """`produce` of librdkafka's binding, which is C."""
    value = b"x" * size
    topic = f"sdk-{size}"
    producer = ConfluentProducer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": LINGER_MS}
    )
    producer.produce(topic, value)
    producer.flush()
    before = time.process_time()
    for number in range(count):
        producer.produce(topic, value)
        if number % PER_TURN == 0:
            producer.poll(0)
            if len(producer) > 50_000:  # its queue takes 100,000
                producer.flush()
    producer.flush()
    return (time.process_time() - before) / count * 1e6
