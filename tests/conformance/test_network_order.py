"""The order of requests and answers on a connection, on every loop."""

import asyncio
import logging

import pytest
from unit.network.rig import (
    OTHER,
    PRODUCE,
    client,
    framed,
    on_both_loops,
    run,
    serving,
    turns,
    until,
)

from minikafka.network.connection import Connection, Exchange
from minikafka.protocol.errors import ProtocolError


class Service:
    """Answers 'now' requests at once and keeps all others for the test to complete."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.open: dict[bytes, Exchange] = {}
        self.lost: list[bytes] = []

    def __call__(self, exchange: Exchange, frame: memoryview) -> None:
        body = bytes(frame)
        self.seen.append(body)
        if body.endswith(b"now"):
            exchange.answer((b"re:", body))
            return
        if body.endswith(b"passable"):
            exchange.let_produce_pass()
        self.open[body] = exchange
        exchange.when_closed(lambda: self.lost.append(body))

    def complete(self, body: bytes) -> None:
        self.open.pop(body).answer((b"re:", body))


@on_both_loops
def test_pipelined_requests_are_answered_in_order(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        async with serving(service) as (_, port), client(port) as peer:
            bodies = [OTHER + b"%d now" % number for number in range(500)]
            await peer.send(b"".join(map(framed, bodies)))
            for body in bodies:
                assert await peer.answer() == b"re:" + body
            assert service.seen == bodies

    run(loop_name, main())


@on_both_loops
def test_a_request_waits_for_the_one_before(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        first, second, third = OTHER + b"1", PRODUCE + b"2", OTHER + b"3 now"
        async with serving(service) as (_, port), client(port) as peer:
            await peer.send(framed(first) + framed(second) + framed(third))
            await until(lambda: first in service.open)
            assert await peer.is_silent()
            assert service.seen == [first]
            service.complete(first)
            assert await peer.answer() == b"re:" + first
            await until(lambda: second in service.open)
            assert service.seen == [first, second]
            service.complete(second)
            assert await peer.answer() == b"re:" + second
            assert await peer.answer() == b"re:" + third

    run(loop_name, main())


@on_both_loops
def test_produces_pass_waiting_produces_and_answers_keep_their_order(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        produces = [PRODUCE + b"%d passable" % number for number in range(10)]
        other = OTHER + b"now"
        async with serving(service) as (_, port), client(port) as peer:
            await peer.send(b"".join(map(framed, [*produces, other])))
            await until(lambda: len(service.open) == 10)
            assert service.seen == produces
            for body in reversed(produces[1:]):
                service.complete(body)
            assert await peer.is_silent()
            assert service.seen == produces, "the other request waits for every answer"
            service.complete(produces[0])
            for body in [*produces, other]:
                assert await peer.answer() == b"re:" + body

    run(loop_name, main())


@on_both_loops
def test_a_produce_may_be_let_pass_later(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        first, second = PRODUCE + b"validates first", PRODUCE + b"second"
        async with serving(service) as (_, port), client(port) as peer:
            await peer.send(framed(first))
            await until(lambda: first in service.open)
            await peer.send(framed(second))
            assert await peer.is_silent()
            assert service.seen == [first]
            service.open[first].let_produce_pass()
            await until(lambda: second in service.open)
            service.complete(second)
            service.complete(first)
            assert await peer.answer() == b"re:" + first
            assert await peer.answer() == b"re:" + second

    run(loop_name, main())


@on_both_loops
def test_the_produces_in_flight_are_limited(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        produces = [PRODUCE + b"%d passable" % number for number in range(20)]
        async with (
            serving(service, produces_in_flight_max=8) as (_, port),
            client(port) as peer,
        ):
            await peer.send(b"".join(map(framed, produces)))
            await until(lambda: len(service.open) == 8)
            assert await peer.is_silent()
            assert service.seen == produces[:8]
            service.complete(produces[0])
            assert await peer.answer() == b"re:" + produces[0]
            await until(lambda: len(service.seen) == 9)
            for number, body in enumerate(produces[1:], 1):
                await until(lambda body=body: body in service.open)
                assert len(service.open) <= 8
                service.complete(body)
                assert await peer.answer() == b"re:" + body, number

    run(loop_name, main())


@on_both_loops
def test_no_answer_keeps_its_place_and_says_nothing(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        silent, loud = PRODUCE + b"silent passable", PRODUCE + b"loud passable"
        async with serving(service) as (server, port), client(port) as peer:
            await peer.send(framed(silent) + framed(loud))
            await until(lambda: len(service.open) == 2)
            service.complete(loud)
            service.open[silent].no_answer()
            assert await peer.answer() == b"re:" + loud
            (connection,) = server.connections
            assert not connection.pending

    run(loop_name, main())


@on_both_loops
def test_what_waits_behind_a_request_in_progress_is_bounded(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        parked = OTHER + b"parked"
        bodies = [OTHER + b"%06d" % number + bytes(1000) + b"now" for number in range(20_000)]
        async with serving(service) as (server, port), client(port) as peer:
            await peer.send(framed(parked))
            await until(lambda: parked in service.open)
            flood = asyncio.ensure_future(peer.send(b"".join(map(framed, bodies))))
            await until(lambda: server.memory.held_bytes > 0)
            assert await peer.is_silent()
            assert not flood.done(), "20 MB must not fit in the two socket buffers"
            assert server.memory.held_bytes <= 256 << 10
            assert service.seen == [parked]
            service.complete(parked)
            assert await peer.answer() == b"re:" + parked
            for body in bodies:
                assert await peer.answer() == b"re:" + body
            await flood

    run(loop_name, main())


@on_both_loops
def test_a_peer_that_reads_nothing_is_not_served_on(loop_name: str) -> None:
    async def main() -> None:
        served = 0

        def serve(exchange: Exchange, frame: memoryview) -> None:
            nonlocal served
            served += 1
            exchange.answer((b"%08d" % served, bytes(100_000)))

        async with serving(serve) as (_, port), client(port, buffers=65536) as peer:
            await peer.send(framed(OTHER) * 500)
            await turns()
            assert 0 < served < 200, "what the kernel took, and one transport's buffer"
            for number in range(1, 501):
                body = await peer.answer()
                assert body[:8] == b"%08d" % number
                assert len(body) == 100_008

    run(loop_name, main())


@on_both_loops
def test_mute_and_unmute(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        async with serving(service) as (server, port), client(port) as peer:
            assert await peer.ask(OTHER + b"1 now")
            (connection,) = server.connections
            connection.pause()
            await peer.send(framed(OTHER + b"2 now"))
            assert await peer.is_silent()
            assert service.seen == [OTHER + b"1 now"]
            connection.resume()
            assert await peer.answer() == b"re:" + OTHER + b"2 now"

    run(loop_name, main())


@on_both_loops
def test_muting_while_serving_stops_before_the_next_frame(loop_name: str) -> None:
    async def main() -> None:
        seen: list[Connection] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            seen.append(exchange.connection)
            exchange.connection.pause()
            exchange.answer((bytes(frame),))

        async with serving(serve) as (_, port), client(port) as peer:
            await peer.send(framed(b"1") + framed(b"2"))
            assert await peer.answer() == b"1"
            assert await peer.is_silent()
            assert len(seen) == 1
            seen[0].resume()
            assert await peer.answer() == b"2"

    run(loop_name, main())


@on_both_loops
def test_a_lost_connection_tells_who_waits(loop_name: str) -> None:
    async def main() -> None:
        service = Service()
        bodies = [PRODUCE + b"%d passable" % number for number in range(3)]
        async with serving(service) as (server, port):
            async with client(port) as peer:
                await peer.send(b"".join(map(framed, bodies)))
                await until(lambda: len(service.open) == 3)
                service.complete(bodies[1])
            await until(lambda: not server.connections)
            assert service.lost == [bodies[0], bodies[2]]
            for exchange in service.open.values():
                assert exchange.closed
                exchange.when_closed(lambda: service.lost.append(b"late"))
            assert service.lost[2:] == [b"late", b"late"]

    run(loop_name, main())


@on_both_loops
def test_an_answer_to_a_lost_connection_is_dropped(loop_name: str) -> None:
    async def main() -> None:
        service = Service()

        def serve(exchange: Exchange, frame: memoryview) -> None:
            service.open[bytes(frame)] = exchange

        async with serving(serve) as (server, port):
            async with client(port) as peer:
                await peer.send(framed(b"1"))
                await until(lambda: len(service.open) == 1)
            # The end of the stream has been seen, the loss of the connection perhaps not.
            await until(lambda: service.open[b"1"].closed)
            service.complete(b"1")
            await until(lambda: not server.connections)

    run(loop_name, main())


@on_both_loops
@pytest.mark.parametrize("error", [ProtocolError("not a header"), ZeroDivisionError("our bug")])
def test_an_exception_closes_its_connection_only(
    loop_name: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        def serve(exchange: Exchange, frame: memoryview) -> None:
            if frame == b"bad":
                raise error
            exchange.answer((bytes(frame),))

        async with serving(serve) as (server, port), client(port) as good, client(port) as bad:
            assert await good.ask(b"good") == b"good"
            await bad.send(framed(b"fine") + framed(b"bad") + framed(b"never"))
            assert await bad.read_to_the_end() == framed(b"fine")
            assert await good.ask(b"still good") == b"still good"
            assert len(server.connections) == 1

    with caplog.at_level(logging.INFO, "minikafka.network"):
        run(loop_name, main())
    records = [record for record in caplog.records if record.name.startswith("minikafka.network")]
    if isinstance(error, ProtocolError):
        assert [record.levelname for record in records] == ["INFO"]
        assert "not a header" in records[0].getMessage()
        assert "127.0.0.1" in records[0].getMessage()
    else:
        assert records[0].levelname == "ERROR"
        assert records[0].exc_info


@on_both_loops
def test_an_exchange_that_fails_large_is_told_it_is_lost(loop_name: str) -> None:
    """The frame has its own buffer here: another way through the connection."""

    async def main() -> None:
        lost: list[int] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            exchange.when_closed(lambda: lost.append(len(frame)))
            raise ProtocolError("no")

        async with serving(serve) as (server, port), client(port) as peer:
            await peer.send(framed(bytes(3_000_000)))
            assert await peer.read_to_the_end() == b""
            await until(lambda: not server.connections)
            assert lost == [3_000_000]

    run(loop_name, main())


@on_both_loops
def test_close_instead_of_an_answer(loop_name: str) -> None:
    async def main() -> None:
        def serve(exchange: Exchange, frame: memoryview) -> None:
            if frame == b"close":
                exchange.close("because")
                assert exchange.closed
            else:
                exchange.answer((bytes(frame),))

        async with serving(serve) as (_, port), client(port) as peer:
            await peer.send(framed(b"1") + framed(b"close") + framed(b"2"))
            assert await peer.read_to_the_end() == framed(b"1")

    run(loop_name, main())
