"""The trials of the consumer: alone, in a group, and while it joins one."""

import asyncio
from collections.abc import AsyncIterator

from minikafka_client import Consumer
from sdk_trials.world import BRIEFLY, GROUP, PLACE, TOPIC, Call, World, trial


@trial("Consumer.start")
async def start(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    consumer = Consumer(world.bootstrap, connect_timeout_ms=timeout_ms, **BRIEFLY)
    yield consumer.start
    await consumer.close()


@trial("Consumer.start", variant="with topics")
async def start_with_topics(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    topics = (TOPIC, world.fresh("unheard"))
    consumer = Consumer(world.bootstrap, *topics, api_timeout_ms=timeout_ms, **BRIEFLY)
    yield consumer.start
    await consumer.close()


@trial("Consumer.__aenter__", variant="in a group")
async def enter(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    group = world.fresh("trials-group")
    consumer = Consumer(
        world.bootstrap, TOPIC, group=group, connect_timeout_ms=timeout_ms, **BRIEFLY
    )
    yield consumer.__aenter__
    await consumer.close()


@trial("Consumer.__aexit__", variant="in a group")
async def leave(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with world.member(close_timeout_ms=timeout_ms) as consumer:
        yield lambda: consumer.__aexit__(None, None, None)


@trial("Consumer.close")
async def close(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, TOPIC) as consumer:
        yield consumer.close


@trial("Consumer.close", variant="in a group")
async def close_in_group(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with world.member() as consumer:
        yield lambda: consumer.close(timeout_ms)


@trial("Consumer.close", variant="while joining")
async def close_while_joining(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    group = world.fresh("trials-group")
    async with Consumer(world.bootstrap, TOPIC, group=group, close_timeout_ms=timeout_ms) as each:
        yield each.close


@trial("Consumer.commit")
async def commit(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with world.member(auto_commit_ms=None) as consumer:
        yield lambda: consumer.commit(timeout_ms=timeout_ms)


@trial("Consumer.committed")
async def committed(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, group=GROUP, auto_commit_ms=None, **BRIEFLY) as consumer:
        yield lambda: consumer.committed([PLACE], timeout_ms)


@trial("Consumer.position")
async def position(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, **BRIEFLY) as consumer:

        async def call() -> object:
            consumer.assign([PLACE])
            return await consumer.position(PLACE, timeout_ms)

        yield call


@trial("Consumer.position", variant="of a group")
async def position_of_group(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, group=GROUP, auto_commit_ms=None, **BRIEFLY) as consumer:

        async def call() -> object:
            consumer.assign([PLACE])
            return await consumer.position(PLACE, timeout_ms)

        yield call


@trial("Consumer.offsets_for_times")
async def offsets_for_times(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, **BRIEFLY) as consumer:
        yield lambda: consumer.offsets_for_times({PLACE: 1}, timeout_ms)


@trial("Consumer.beginning_offsets")
async def beginning_offsets(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, **BRIEFLY) as consumer:
        yield lambda: consumer.beginning_offsets([PLACE], timeout_ms)


@trial("Consumer.end_offsets")
async def end_offsets(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, TOPIC, **BRIEFLY) as consumer:
        yield lambda: consumer.end_offsets(consumer.assignment, timeout_ms)


@trial("Consumer.partitions")
async def partitions(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, **BRIEFLY) as consumer:
        yield lambda: consumer.partitions(world.fresh("unheard"), timeout_ms)


# --- reading: from the end, where nothing comes


@trial("Consumer.next_batch")
async def next_batch(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, TOPIC, **BRIEFLY) as consumer:
        yield lambda: consumer.next_batch(timeout_ms)


@trial("Consumer.next_batch", variant="while joining")
async def next_batch_while_joining(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    group = world.fresh("trials-group")
    async with Consumer(world.bootstrap, TOPIC, group=group, **BRIEFLY) as consumer:
        yield lambda: consumer.next_batch(timeout_ms)


@trial("Consumer.records")
async def records(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Consumer(world.bootstrap, TOPIC, **BRIEFLY) as consumer:

        async def call() -> None:
            async for _ in consumer.records(timeout_ms):
                pass

        yield call


@trial("Consumer.batches", variant="in a group")
async def batches(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with world.member() as consumer:
        consumer.seek_to_end()

        async def call() -> None:
            async for _ in consumer.batches(timeout_ms):
                pass

        yield call


@trial("Consumer.__aiter__", variant="ended from outside")
async def iterate(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with world.member() as consumer:
        consumer.seek_to_end()

        async def call() -> None:
            async with asyncio.timeout(timeout_ms / 1000):
                async for _ in consumer:
                    pass

        yield call
