"""Who is gone, and who only seems so: told from what a broker's listener does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import UUID

import pytest

from minikafka.broker.liveness import BrokerLiveness
from minikafka.metadata.broker_image import BrokerImage, Endpoint
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
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


class Watched:
    """A liveness with an image of one other broker, number 1."""

    def __init__(self, scope: Scope, host: str = "127.0.0.1") -> None:
        self.news: asyncio.Queue[tuple[int, int]] = asyncio.Queue()
        self.image = MetadataImage()
        self.host = host
        self.liveness = BrokerLiveness(
            node_id=0,
            listener_name="PLAINTEXT",
            scope=scope,
            on_gone=lambda broker_id, epoch: self.news.put_nowait((broker_id, epoch)),
        )

    def register(self, epoch: int, port: int) -> None:
        self.show(epoch, port)
        self.publish()

    def show(self, epoch: int, port: int) -> None:
        endpoints = [Endpoint("PLAINTEXT", self.host, port)]
        self.image.brokers[1] = BrokerImage(
            1, epoch, UUID(int=epoch), endpoints, {}, None, False, False, []
        )

    def publish(self) -> None:
        delta = MetadataDelta()
        delta.changed_brokers.add(1)
        self.liveness.publish(self.image, delta)


async def _serve() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, None, 9092)
    await server.serve_forever()


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


async def test_who_is_registered_at_the_start_is_watched(scope: Scope, listener: Listener) -> None:
    """A node that starts with a snapshot is told of changes since, and of nothing before."""
    watched = Watched(scope)
    watched.show(7, listener.port)
    watched.liveness.begin(watched.image)
    async with asyncio.timeout(30):
        await listener.contacts.get()


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
