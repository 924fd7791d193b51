"""A server on a real loop, and clients that speak nothing but frames."""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest
import uvloop

from minikafka.network.exchange import Exchange
from minikafka.network.limits import NetworkLimits
from minikafka.network.server import Server

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}

on_both_loops = pytest.mark.parametrize("loop_name", list(LOOPS))

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")

PRODUCE = b"\0\0"
OTHER = b"\0\1"


def run(loop_name: str, main: Coroutine[object, object, None]) -> None:
    """Run to the end on the loop of that name, at most 60 s."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await main

    with asyncio.Runner(loop_factory=LOOPS[loop_name]) as runner:
        runner.run(bounded())


def framed(body: bytes) -> bytes:
    """A request, or an answer, as it is on the wire."""
    return struct.pack(">i", len(body)) + body


@contextlib.asynccontextmanager
async def serving(
    serve: Callable[[Exchange, memoryview], None], **limits: object
) -> AsyncIterator[tuple[Server, int]]:
    """A server on a free port of 127.0.0.1; at the end nothing of it is left."""
    server = Server(NetworkLimits(**limits), serve)  # type: ignore[arg-type]
    port = await server.listen("PLAINTEXT", "127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.drain(0)
        assert not server.connections
        assert not server.connections_by_ip
        assert server.memory.held_bytes == 0
        assert not server.memory.is_short


class Client:
    """A raw socket driven by the running loop."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        """Everything, as it is."""
        await self.loop.sock_sendall(self.sock, data)

    async def receive(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        data = bytearray()
        while len(data) < size:
            piece = await self.loop.sock_recv(self.sock, min(size - len(data), 1 << 20))
            assert piece, f"the connection ended after {len(data)} of {size} bytes"
            data += piece
        return bytes(data)

    async def answer(self) -> bytes:
        """The body of the next answer."""
        (size,) = struct.unpack(">i", await self.receive(4))
        return await self.receive(size)

    async def ask(self, body: bytes) -> bytes:
        """One request, its answer."""
        await self.send(framed(body))
        return await self.answer()

    async def is_silent(self) -> bool:
        """Give the server many turns of the loop; True if nothing comes from it meanwhile."""
        await turns()
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True

    async def read_to_the_end(self) -> bytes:
        """What comes until the server closes or resets the connection."""
        data = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while piece := await self.loop.sock_recv(self.sock, 1 << 20):
                data += piece
        return bytes(data)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@contextlib.asynccontextmanager
async def client(port: int, host: str = "127.0.0.1", buffers: int = 0) -> AsyncIterator[Client]:
    """Connect; `buffers` sets the socket's own, so that a slow reader is slow at once."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if buffers:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
        yield Client(sock)
    finally:
        sock.close()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until the condition holds; the bound of `run` is the limit."""
    while not condition():  # noqa: ASYNC110  # the state of a server: it has no event to await
        await asyncio.sleep(0.002)


async def turns(count: int = 20) -> None:
    """Let the loop go on for a while, for what should not happen to have its chance."""
    for _ in range(count):
        await asyncio.sleep(0.001)


def rss_bytes() -> int:
    """What this process has in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    """Open file descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
