"""Consuming what `produce` has left in the topics: µs of CPU per record, CRCs checked by all."""

from __future__ import annotations

import time
import warnings
from itertools import islice

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]  # it has no types
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import TopicPartition

from minikafka_client import Consumer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # how it reads its schemas
    from kafka import KafkaConsumer  # type: ignore[import-untyped]  # it has no types

_AT_ONCE = 500


async def aiokafka(bootstrap: str, size: int, count: int) -> float:
    """aiokafka's `async for`."""
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
    """The SDK's `async for`."""
    async with Consumer(bootstrap, f"sdk-{size}", start="earliest") as consumer:
        seen = 0
        before = time.process_time()
        async for _ in consumer:
            seen += 1
            if seen == count:
                break
        return (time.process_time() - before) / count * 1e6


async def batches(bootstrap: str, size: int, count: int) -> float:
    """The SDK's `batches()` and the values of each."""
    async with Consumer(bootstrap, f"sdk-{size}", start="earliest") as consumer:
        seen = 0
        before = time.process_time()
        async for batch in consumer.batches():
            seen += len(batch.values())
            if seen >= count:
                break
        return (time.process_time() - before) / seen * 1e6


async def kafka_python(bootstrap: str, size: int, count: int) -> float:
    """kafka-python's `for`; nothing else runs on the loop meanwhile."""
    consumer = KafkaConsumer(
        f"sdk-{size}", bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None
    )
    before = time.process_time()
    for _ in islice(consumer, count):
        pass
    used = time.process_time() - before
    consumer.close()
    return used / count * 1e6


async def confluent(bootstrap: str, size: int, count: int) -> float:
    """`consume` of librdkafka's binding, which is C, 500 at a time, and the values of each."""
    consumer = ConfluentConsumer(
        {"bootstrap.servers": bootstrap, "group.id": "bench", "check.crcs": True}
    )
    consumer.assign([TopicPartition(f"sdk-{size}", 0, 0)])
    seen = 0
    before = time.process_time()
    while seen < count:
        messages = consumer.consume(_AT_ONCE, timeout=1.0)
        seen += len([message.value() for message in messages])
    used = time.process_time() - before
    consumer.close()
    return used / seen * 1e6
