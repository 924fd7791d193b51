"""Sizes, counts and silence: what a server does not allow its peers, on every loop."""

import asyncio
import socket
import struct

import pytest
from unit.network.rig import (
    Client,
    client,
    descriptors,
    framed,
    needs_proc,
    on_both_loops,
    rss_bytes,
    run,
    serving,
    turns,
    until,
)

from minikafka.network.connection import Exchange
from minikafka.network.limits import NetworkLimits
from minikafka.network.request_memory import SCRATCH_BYTES
from minikafka.network.server import Server

MIB = 1 << 20


def echo(exchange: Exchange, frame: memoryview) -> None:
    exchange.answer((bytes(frame),))


def count_bytes(exchange: Exchange, frame: memoryview) -> None:
    exchange.answer((b"%d" % len(frame), b" ", bytes(frame[:4]), bytes(frame[-4:])))


@on_both_loops
@pytest.mark.parametrize("size", [0, -1, -(2**31), 10_001, 2**31 - 1])
@pytest.mark.parametrize("split", [False, True])
def test_a_size_not_allowed_closes_at_once(loop_name: str, size: int, split: bool) -> None:
    async def main() -> None:
        async with serving(echo, request_max_bytes=10_000) as (server, port):
            async with client(port) as peer:
                assert len(await peer.ask(bytes(10_000))) == 10_000
                prefix = struct.pack(">i", size)
                if split:
                    await peer.send(prefix[:3])
                    await turns()
                    await peer.send(prefix[3:])
                else:
                    await peer.send(prefix + b"\0" * 20)
                assert await peer.read_to_the_end() == b""
            assert not server.connections

    run(loop_name, main())


@on_both_loops
@pytest.mark.parametrize("size", [1, 2, 4_000, 70_000, 262_140, 262_144, 1_000_100, 9 * MIB])
def test_frames_of_every_size_arrive(loop_name: str, size: int) -> None:
    async def main() -> None:
        body = bytes(range(1, 251)) * (size // 250) + b"x" * (size % 250)
        expected = b"%d " % size + body[:4] + body[-4:]
        async with serving(count_bytes) as (_, port), client(port) as peer:
            for _ in range(3):
                assert await peer.ask(body) == expected
            await peer.send((framed(body) + framed(b"small")) * 4)
            for _ in range(4):
                assert await peer.answer() == expected
                assert await peer.answer() == b"5 smalmall"

    run(loop_name, main())


@on_both_loops
def test_a_frame_byte_by_byte(loop_name: str) -> None:
    async def main() -> None:
        async with serving(echo) as (_, port), client(port) as peer:
            for byte in framed(b"slow but whole"):
                await peer.send(bytes([byte]))
                await asyncio.sleep(0)
            assert await peer.answer() == b"slow but whole"

    run(loop_name, main())


@on_both_loops
def test_the_frame_is_writable(loop_name: str) -> None:
    """Batches are patched in place, whichever buffer they are in."""

    async def main() -> None:
        def serve(exchange: Exchange, frame: memoryview) -> None:
            frame[:4] = b"done"
            exchange.answer((bytes(frame[:8]),))

        parked: list[Exchange] = []

        def park_first(exchange: Exchange, frame: memoryview) -> None:
            if parked:
                serve(exchange, frame)
            else:
                parked.append(exchange)

        async with serving(park_first) as (_, port), client(port) as peer:
            await peer.send(framed(b"park") + framed(b"from the backlog"))
            await until(lambda: bool(parked))
            parked[0].answer((b"go",))
            assert await peer.answer() == b"go"
            assert await peer.answer() == b"done the"
            for size in (100, 20_000, 500_000):
                assert await peer.ask(bytes(size)) == b"done" + bytes(4)

    run(loop_name, main())


@needs_proc
@on_both_loops
def test_an_announced_100_mib_costs_what_arrives(loop_name: str) -> None:
    async def main() -> None:
        async with serving(count_bytes) as (server, port):
            peers = [_connect(port) for _ in range(20)]
            before = rss_bytes()
            for peer in peers:
                await peer.send(struct.pack(">i", 100 * MIB) + b"\0\0\0\x0d\0\0\0\1")
            await until(lambda: all(c.own_bytes for c in server.connections))
            assert rss_bytes() - before < 4 * MIB
            assert server.memory.held_bytes <= 20 * (64 << 10)
            # One of them means it, and its bytes need not move for it.
            await peers[0].send(bytes(100 * MIB - 8))
            assert await peers[0].answer() == b"104857600 " + b"\0\0\0\x0d" + bytes(4)
            assert rss_bytes() - before < 16 * MIB
            for peer in peers:
                peer.sock.close()
            await until(lambda: not server.connections)

    run(loop_name, main())


def _connect(port: int) -> Client:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    return Client(sock)


@on_both_loops
def test_requests_that_exhaust_the_budget_all_complete(loop_name: str) -> None:
    """Sixteen of 4 MiB at a time, in a budget of 6: nobody locks anybody out."""

    async def main() -> None:
        highest = 0

        def serve(exchange: Exchange, frame: memoryview) -> None:
            nonlocal highest
            highest = max(highest, server.memory.held_bytes)
            exchange.answer((b"%d" % len(frame),))

        async with serving(serve, request_max_bytes=4 * MIB, queued_max_bytes=6 * MIB) as (
            server,
            port,
        ):

            async def one(number: int) -> None:
                async with client(port) as peer:
                    for turn in range(3):
                        size = 4 * MIB - number - turn
                        body = framed(bytes(size))
                        for start in range(0, len(body), 100_000):
                            await peer.send(body[start : start + 100_000])
                        assert await peer.answer() == b"%d" % size

            async with asyncio.TaskGroup() as group:
                for number in range(16):
                    group.create_task(one(number))
            # What has been read before it was known that there is no room: one whole scratch, then
            # the first 4 KiB of each of the others.
            read_already = SCRATCH_BYTES + 15 * (4 << 10)
            assert 4 * MIB <= highest <= 6 * MIB + read_already
            assert not server.memory.is_short

    run(loop_name, main())


@on_both_loops
def test_small_requests_pass_while_memory_is_short(loop_name: str) -> None:
    async def main() -> None:
        limits = {"request_max_bytes": MIB, "queued_max_bytes": MIB}
        async with serving(echo, **limits) as (server, port):
            first, second, small = _connect(port), _connect(port), _connect(port)
            with first.sock, second.sock, small.sock:
                half = struct.pack(">i", MIB) + bytes(MIB // 2)
                await first.send(half)
                await second.send(half[: 300 << 10])
                await until(lambda: server.memory.is_short)
                for number in range(50):
                    assert await small.ask(b"%d" % number) == b"%d" % number
                assert server.memory.is_short
                await first.send(bytes(MIB // 2))
                assert len(await first.answer()) == MIB
                await second.send(bytes(MIB + 4 - (300 << 10)))
                assert len(await second.answer()) == MIB

    run(loop_name, main())


@on_both_loops
def test_silence_after_half_a_frame_is_dropped_and_its_memory_given_on(loop_name: str) -> None:
    async def main() -> None:
        async with serving(echo, idle_ms=300, request_max_bytes=MIB, queued_max_bytes=MIB) as (
            server,
            port,
        ):
            async with client(port) as hog, client(port) as waiting:
                await hog.send(struct.pack(">i", MIB) + bytes(MIB // 2))
                await until(lambda: server.memory.express is not None)
                sending = asyncio.ensure_future(waiting.send(framed(bytes(MIB))))
                await until(lambda: server.memory.is_short)
                assert len(await waiting.answer()) == MIB
                await sending
                assert await hog.read_to_the_end() == b""
            assert server.idle_closed_count == 1

    run(loop_name, main())


@on_both_loops
def test_idle_connections_are_closed_and_parked_requests_are_not_idle(loop_name: str) -> None:
    async def main() -> None:
        parked: list[Exchange] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            if frame == b"park":
                parked.append(exchange)
            else:
                exchange.answer((bytes(frame),))

        async with (
            serving(serve, idle_ms=200) as (server, port),
            client(port) as silent,
            client(port) as half,
            client(port) as waiting,
            client(port) as lively,
        ):
            start = server.loop.time()
            await half.send(struct.pack(">i", 10) + b"half")
            await waiting.send(framed(b"park"))
            ends = [
                asyncio.ensure_future(silent.read_to_the_end()),
                asyncio.ensure_future(half.read_to_the_end()),
            ]
            while not all(end.done() for end in ends):
                assert await lively.ask(b"ping") == b"ping"
                await asyncio.sleep(0.01)
            took = server.loop.time() - start
            assert took >= 0.19
            assert server.idle_closed_count == 2
            while server.loop.time() - start < 0.5:
                assert await lively.ask(b"ping") == b"ping"
                await asyncio.sleep(0.01)
            assert len(server.connections) == 2
            parked[0].answer((b"at last",))
            assert await waiting.answer() == b"at last"
            assert await waiting.read_to_the_end() == b"", "idle from now on"

    run(loop_name, main())


@on_both_loops
def test_a_peer_that_takes_nothing_is_idle(loop_name: str) -> None:
    async def main() -> None:
        def serve(exchange: Exchange, frame: memoryview) -> None:
            exchange.answer((bytes(32 * MIB),))

        async with serving(serve, idle_ms=200) as (server, port), client(port) as peer:
            await peer.send(framed(b"much"))
            await until(lambda: server.idle_closed_count == 1)
            assert len(await peer.read_to_the_end()) < 32 * MIB

    run(loop_name, main())


@on_both_loops
def test_the_number_of_connections_is_limited(loop_name: str) -> None:
    async def main() -> None:
        async with serving(echo, max_connections=2) as (server, port), client(port) as first:
            assert await first.ask(b"1") == b"1"
            async with client(port) as second:
                assert await second.ask(b"2") == b"2"
                async with client(port) as third:
                    assert await third.read_to_the_end() == b""
                assert server.refused_count == 1
            await until(lambda: len(server.connections) == 1)
            async with client(port) as fourth:
                assert await fourth.ask(b"4") == b"4"

    run(loop_name, main())


@on_both_loops
def test_the_number_of_connections_of_one_address_is_limited(loop_name: str) -> None:
    async def main() -> None:
        limits = {
            "max_connections_per_ip": 1,
            "max_connections_per_ip_overrides": {"127.0.0.1": 2},
        }
        async with serving(echo, **limits) as (server, port):
            async with client(port) as first, client(port) as second, client(port) as third:
                assert await first.ask(b"1") == b"1"
                assert await second.ask(b"2") == b"2"
                assert await third.read_to_the_end() == b""
            await until(lambda: not server.connections)
            async with client(port) as again:
                assert await again.ask(b"5") == b"5"

    run(loop_name, main())


@on_both_loops
def test_drain_lets_requests_in_progress_answer(loop_name: str) -> None:
    async def main() -> None:
        parked: list[Exchange] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            parked.append(exchange)

        async with serving(serve) as (server, port):
            async with client(port) as idle, client(port) as busy, client(port) as late:
                await busy.send(framed(b"in progress") + framed(b"not begun"))
                await until(lambda: len(parked) == 1)
                draining = asyncio.ensure_future(server.drain(30))
                assert await idle.read_to_the_end() == b""
                assert await late.read_to_the_end() == b""
                with pytest.raises(OSError):
                    async with client(port):
                        pass
                assert not draining.done()
                parked[0].answer((b"the answer",))
                assert await busy.answer() == b"the answer"
                assert await busy.read_to_the_end() == b""
                await draining
            assert len(parked) == 1

    run(loop_name, main())


@on_both_loops
def test_drain_ends_in_time(loop_name: str) -> None:
    async def main() -> None:
        lost: list[bool] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            exchange.when_closed(lambda: lost.append(True))

        async with serving(serve) as (server, port), client(port) as peer:
            await peer.send(framed(b"for ever"))
            await until(lambda: any(c.pending for c in server.connections))
            await server.drain(0.05)
            assert lost == [True]
            assert not server.connections
            assert await peer.read_to_the_end() == b""

    run(loop_name, main())


@on_both_loops
def test_every_interface_has_the_same_port(loop_name: str) -> None:
    async def main() -> None:
        server = Server(NetworkLimits(), echo)
        try:
            port = await server.listen("PLAINTEXT", "", 0)
            hosts = ["127.0.0.1", "::1"]
            for host in hosts:
                try:
                    async with client(port, host) as peer:
                        assert await peer.ask(b"here") == b"here"
                        (connection,) = server.connections
                        assert connection.listener == "PLAINTEXT"
                        assert connection.local == (host, port)
                        assert connection.peer == peer.sock.getsockname()[:2]
                except OSError:
                    if host == "127.0.0.1":
                        raise
                await until(lambda: not server.connections)
        finally:
            await server.drain(0)

    run(loop_name, main())


@on_both_loops
def test_socket_options(loop_name: str) -> None:
    async def main() -> None:
        wide = {"send_buffer_bytes": 0, "receive_buffer_bytes": -1}
        narrow = {"send_buffer_bytes": 20_000, "receive_buffer_bytes": 30_000}
        sizes = []
        for limits in (wide, narrow):
            async with serving(echo, **limits) as (server, port), client(port) as peer:
                assert await peer.ask(b"1") == b"1"
                (connection,) = server.connections
                inner = connection._transport.get_extra_info("socket")
                assert inner.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
                sizes.append(
                    tuple(
                        inner.getsockopt(socket.SOL_SOCKET, option)
                        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF)
                    )
                )
        assert sizes[1][0] in (20_000, 40_000)  # Linux doubles what it is told
        assert sizes[1][1] in (30_000, 60_000)
        assert sizes[0][0] > sizes[1][0]

    run(loop_name, main())


@on_both_loops
def test_several_listeners(loop_name: str) -> None:
    async def main() -> None:
        seen: list[str] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            seen.append(exchange.connection.listener)
            echo(exchange, frame)

        async with serving(serve) as (server, port):
            other = await server.listen("CONTROLLER", "localhost", 0)
            async with client(port) as first, client(other) as second:
                assert await first.ask(b"1") == b"1"
                assert await second.ask(b"2") == b"2"
            assert seen == ["PLAINTEXT", "CONTROLLER"]
            with pytest.raises(OSError):
                await server.listen("AGAIN", "127.0.0.1", port)

    run(loop_name, main())


@needs_proc
@on_both_loops
def test_connections_that_come_and_go_leave_nothing(loop_name: str) -> None:
    async def main() -> None:
        async with serving(echo) as (server, port):
            before = descriptors()
            for turn in range(100):
                async with client(port) as peer:
                    if turn % 4:
                        await peer.send(framed(b"x") + b"\0\0\0\5half"[: turn % 9])
                    if turn % 3 == 0:
                        peer.reset()
            await until(lambda: not server.connections)
            await until(lambda: descriptors() == before)

    run(loop_name, main())
