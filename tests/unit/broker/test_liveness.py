"""Who is gone, and who only seems so: told from what a broker's listener does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from harness.watched import Watched

from minikafka.runtime.tasks import Scope
from minikafka.sim.loop import simulation


class Listener:
    """A broker as far as it is watched: it accepts, it closes, it refuses."""

    def __init__(self) -> None:
        self.port = 0
        self.contacts: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        self.left: asyncio.Queue[None] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self._accepted: list[asyncio.StreamWriter] = []

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._accepted.append(writer)
        self.contacts.put_nowait(writer)
        with suppress(ConnectionResetError):
            await reader.read()
        self.left.put_nowait(None)

    def refuse(self) -> None:
        assert self._server is not None
        self._server.close()

    async def close(self) -> None:
        self.refuse()
        for writer in self._accepted:
            writer.close()
            await writer.wait_closed()


@pytest.fixture
async def scope() -> AsyncIterator[Scope]:
    failures: list[BaseException] = []
    scope = Scope("watching", lambda _, error: failures.append(error))
    yield scope
    await scope.close()
    assert not failures


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    await listener.up()
    yield listener
    await listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_process_that_has_ended_is_gone(
    scope: Scope, listener: Listener, host: str
) -> None:
    watched = Watched(scope, host)
    watched.register(7, listener.port)
    contact = await listener.contacts.get()
    listener.refuse()
    contact.close()
    async with asyncio.timeout(30):
        assert await watched.news.get() == (1, 7)
    assert watched.liveness.gone == {1: 7}


async def test_who_only_closes_an_idle_connection_is_reached_again(
    scope: Scope, listener: Listener
) -> None:
    watched = Watched(scope)
    watched.register(7, listener.port)
    async with asyncio.timeout(30):
        for _ in range(3):
            (await listener.contacts.get()).close()
        await listener.contacts.get()
    assert watched.liveness.gone == {}


async def test_one_refusal_is_not_enough(scope: Scope, listener: Listener) -> None:
    watched = Watched(scope)
    watched.register(7, listener.port)
    contact = await listener.contacts.get()
    listener.refuse()
    contact.close()
    await listener.up()
    async with asyncio.timeout(30):
        await listener.contacts.get()
    assert watched.news.empty()


def test_an_endpoint_that_was_never_reached_says_nothing() -> None:
    """Perhaps it can be reached by brokers and clients only."""

    async def watch() -> None:
        scope = Scope("watching", lambda _, error: None)
        watched = Watched(scope, "broker")
        watched.register(7, 9092)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await watched.news.get()
        await scope.close()

    with simulation(1) as loop:
        loop.machine("broker")  # it is up, and nobody listens
        loop.run_until_complete(loop.machine("controller").start(watch))


async def test_a_new_incarnation_begins_unreached(scope: Scope, listener: Listener) -> None:
    watched = Watched(scope)
    watched.register(7, listener.port)
    contact = await listener.contacts.get()
    listener.refuse()
    contact.close()
    async with asyncio.timeout(30):
        await watched.news.get()
    watched.publish()  # fenced, say: the same incarnation is not watched again
    assert watched.liveness.gone == {1: 7}
    await listener.up()
    watched.register(9, listener.port)
    assert watched.liveness.gone == {}
    async with asyncio.timeout(30):
        await listener.contacts.get()


async def test_who_is_registered_at_the_start_is_watched(scope: Scope, listener: Listener) -> None:
    """A node that starts with a snapshot is told of changes since, and of nothing before."""
    watched = Watched(scope)
    watched.show(7, listener.port)
    watched.liveness.begin(watched.image)
    async with asyncio.timeout(30):
        await listener.contacts.get()


async def test_a_broker_that_is_unregistered_is_not_watched(
    scope: Scope, listener: Listener
) -> None:
    watched = Watched(scope)
    watched.register(7, listener.port)
    await listener.contacts.get()
    del watched.image.brokers[1]
    watched.publish()
    async with asyncio.timeout(30):
        await listener.left.get()
