"""What the controllers' watch over the brokers makes of time: when it looks, and how often."""

from __future__ import annotations

import asyncio

from harness.watched import Watched

from minikafka.runtime.tasks import Scope
from minikafka.sim.loop import simulation


async def _serve() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, None, 9092)
    await server.serve_forever()


def test_who_is_reached_again_had_not_gone() -> None:
    """Or it would be fenced once more by whoever is elected next, and never be watched again."""

    async def watch() -> None:
        scope = Scope("watching", lambda _, error: None)
        watched = Watched(scope, "broker")
        watched.register(7, 9092)
        for _ in range(3):
            machine.start(_serve)
            await asyncio.sleep(2)
            assert watched.liveness.gone == {}
            machine.crash(power=False)
            async with asyncio.timeout(0.2):
                assert await watched.news.get() == (1, 7)
            assert watched.liveness.gone == {1: 7}
            await asyncio.sleep(100)
            watched.publish()  # it has said that it lives, and is unfenced
        assert watched.news.empty()
        await scope.close()

    with simulation(1) as loop:
        machine = loop.machine("broker")
        loop.run_until_complete(loop.machine("controller").start(watch))


def test_who_ends_as_soon_as_it_is_unfenced_is_gone_too() -> None:
    """It registers, takes its time, is unfenced, and is killed forty milliseconds later."""

    async def watch() -> None:
        scope = Scope("watching", lambda _, error: None)
        watched = Watched(scope, "broker")
        for seconds in range(20):
            epoch = seconds + 7
            watched.register(epoch, 9092)
            await asyncio.sleep(seconds / 8)
            watched.publish()
            await asyncio.sleep(0.01)
            machine.start(_serve)
            await asyncio.sleep(0.03)
            machine.crash(power=False)
            async with asyncio.timeout(0.2):
                assert await watched.news.get() == (1, epoch)
        await scope.close()

    with simulation(1) as loop:
        machine = loop.machine("broker")
        loop.run_until_complete(loop.machine("controller").start(watch))


def test_who_closes_every_connection_is_not_asked_all_the_time() -> None:
    contacts = 0

    def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal contacts
        contacts += 1
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(close, None, 9092)
        await server.serve_forever()

    async def watch() -> None:
        scope = Scope("watching", lambda _, error: None)
        watched = Watched(scope, "broker")
        watched.register(7, 9092)
        await asyncio.sleep(60)
        assert 60 <= contacts < 80
        assert watched.news.empty()
        await scope.close()

    with simulation(1) as loop:
        loop.machine("broker").start(serve)
        loop.run_until_complete(loop.machine("controller").start(watch))
