"""The trials of the producer. Records are posted within the call: before, they would be sent."""

from collections.abc import AsyncIterator

from minikafka_client import Producer
from sdk_trials.world import BRIEFLY, WRITTEN, Call, World, trial


@trial("Producer.start")
async def start(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    producer = Producer(world.bootstrap, connect_timeout_ms=timeout_ms, **BRIEFLY)
    yield producer.start
    await producer.close()


@trial("Producer.__aenter__")
async def enter(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    producer = Producer(world.bootstrap, connect_timeout_ms=timeout_ms, **BRIEFLY)
    yield producer.__aenter__
    await producer.close()


@trial("Producer.__aexit__")
async def leave(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    producer = Producer(world.bootstrap, close_timeout_ms=timeout_ms)
    await producer.start()
    await producer.partitions(WRITTEN)

    async def call() -> None:
        producer.post(WRITTEN, b"x")
        await producer.__aexit__(None, None, None)

    yield call
    await producer.close()


@trial("Producer.close")
async def close(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    producer = Producer(world.bootstrap)
    await producer.start()

    async def call() -> None:
        producer.post(WRITTEN, b"x")
        producer.post(world.fresh("unheard"), b"x")
        await producer.close(timeout_ms)

    yield call
    await producer.close()


@trial("Producer.send", "Delivery.__await__")
async def send(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(world.bootstrap, delivery_timeout_ms=timeout_ms, **BRIEFLY) as producer:
        await producer.partitions(WRITTEN)

        async def call() -> object:
            return await producer.send(WRITTEN, b"x", key=b"k")

        yield call


@trial("Delivery.__await__", variant="of an unknown topic")
async def send_to_unknown(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(world.bootstrap, delivery_timeout_ms=timeout_ms, **BRIEFLY) as producer:

        async def call() -> object:
            return await producer.send(world.fresh("unheard"), b"x")

        yield call


@trial("Producer.send_many")
async def send_many(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(
        world.bootstrap, batch_bytes=1000, buffer_bytes=10_000, **BRIEFLY
    ) as producer:
        yield lambda: producer.send_many(WRITTEN, [b"x" * 100] * 1000, timeout_ms=timeout_ms)


@trial("Producer.send_many", variant="of an unknown topic")
async def send_many_to_unknown(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(world.bootstrap, delivery_timeout_ms=timeout_ms, **BRIEFLY) as producer:
        yield lambda: producer.send_many(world.fresh("unheard"), [b"x"] * 10)


@trial("Producer.ready")
async def ready(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(world.bootstrap, buffer_bytes=1000, **BRIEFLY) as producer:
        await producer.partitions(WRITTEN)

        async def call() -> None:
            producer.post(WRITTEN, b"x" * 900)
            await producer.ready(timeout_ms)

        yield call


@trial("Producer.flush")
async def flush(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(world.bootstrap, linger_ms=10_000, **BRIEFLY) as producer:
        await producer.partitions(WRITTEN)

        async def call() -> None:
            producer.post(WRITTEN, b"x")
            producer.post(world.fresh("unheard"), b"x")
            await producer.flush(timeout_ms)

        yield call


@trial("Producer.partitions")
async def partitions(world: World, timeout_ms: float) -> AsyncIterator[Call]:
    async with Producer(world.bootstrap, **BRIEFLY) as producer:
        yield lambda: producer.partitions(world.fresh("unheard"), timeout_ms)
