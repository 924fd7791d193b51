"""What the network alone costs: `python tests/unit/network/measure_network.py [asyncio|uvloop]`.

A server in a child process answers each frame at once (16 bytes; for a fetch a region of a file),
while this process blasts frames at it over raw sockets. CPU is the child's, user and system.
"""

import asyncio
import os
import resource
import selectors
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from minikafka.network.exchange import Exchange
from minikafka.network.limits import NetworkLimits
from minikafka.network.server import Server
from minikafka.runtime.local_disk import LocalDisk

ANSWER = b"\0" * 16


def child(loop_name: str, report: int, send_path: str) -> None:
    """Serve until killed; 'c' frames report CPU seconds, 'f' frames answer with a region."""

    async def main() -> None:
        disk = LocalDisk()
        file = disk.open(str(Path(tempfile.mkdtemp()) / "data"))
        file.append([os.urandom(16 << 20)])

        def serve(exchange: Exchange, frame: memoryview) -> None:
            kind = frame[0]
            if kind == 0:
                exchange.answer((ANSWER,))
            elif kind == 99:
                used = resource.getrusage(resource.RUSAGE_SELF)
                rss = int(Path("/proc/self/statm").read_text().split()[1]) * 4
                exchange.answer((struct.pack(">ddi", used.ru_utime, used.ru_stime, rss),))
            else:
                size, position = struct.unpack_from(">ii", frame, 1)
                exchange.answer((ANSWER * 4, file.region(position, size)))

        server = Server(NetworkLimits(send_path=send_path), serve)  # type: ignore[arg-type]
        port = await server.listen("PLAINTEXT", "127.0.0.1", 0)
        os.write(report, struct.pack(">i", port))
        await asyncio.Event().wait()

    factory = uvloop.new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def receive(sock: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes."""
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        assert piece
        data += piece
    return data


def usage(sock: socket.socket) -> tuple[float, float, int]:
    """(user, system, RSS KB) of the server."""
    sock.sendall(struct.pack(">ib", 1, 99))
    receive(sock, 4)
    return struct.unpack(">ddi", receive(sock, 20))


def pipelined(port: int, control: socket.socket, size: int, total: int, window: int) -> str:
    """Frames of `size` bytes, at most `window` unanswered."""
    frame = struct.pack(">i", size) + bytes(size)
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    before = usage(control)
    start = time.perf_counter()
    sent = answered = pending = 0
    waiting = b""
    sock.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
    view = memoryview(frame * min(window, max(1, (1 << 20) // len(frame))))
    batch = len(view) // len(frame)
    rest = memoryview(b"")
    while answered < total:
        want = selectors.EVENT_READ
        if rest or (sent < total and sent - answered + batch <= max(window, batch)):
            want |= selectors.EVENT_WRITE
        selector.modify(sock, want)
        for _, events in selector.select():
            if events & selectors.EVENT_READ:
                waiting = sock.recv(1 << 16)
                pending += len(waiting)
                answered += pending // 20
                pending %= 20
            if events & selectors.EVENT_WRITE:
                if not rest:
                    rest = view
                    sent += batch
                rest = rest[sock.send(rest) :]
    took = time.perf_counter() - start
    after = usage(control)
    sock.close()
    return figures(before, after, took, sent, sent * size)


def figures(
    before: tuple[float, float, int],
    after: tuple[float, float, int],
    took: float,
    count: int,
    size: int,
) -> str:
    """One line of results."""
    user, system = after[0] - before[0], after[1] - before[1]
    return (
        f"{count / took:9.0f}/s {size / took / 1e6:7.0f} MB/s  us each:"
        f" user {user / count * 1e6:6.2f} sys {system / count * 1e6:6.2f}"
        f"  CPU s/GB {(user + system) / max(size, 1) * 1e9:6.3f}"
    )


def small(port: int, control: socket.socket, connections: int, rounds: int) -> str:
    """100-byte frames, one in flight on each of many connections."""
    frame = struct.pack(">i", 100) + bytes(100)
    selector = selectors.EpollSelector()
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    for sock in socks:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ)
    before = usage(control)
    start = time.perf_counter()
    for sock in socks:
        sock.send(frame)
    left = connections * rounds
    while left > 0:
        for key, _ in selector.select():
            sock = key.fileobj  # type: ignore[assignment]
            sock.recv(100)
            left -= 1
            sock.send(frame)
    took = time.perf_counter() - start
    after = usage(control)
    for sock in socks:
        sock.close()
    return figures(before, after, took, connections * rounds, connections * rounds * 100)


def fetches(port: int, control: socket.socket, size: int, count: int) -> str:
    """Regions of `size` bytes, one request in flight."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    scratch = bytearray(1 << 20)
    before = usage(control)
    start = time.perf_counter()
    for turn in range(count):
        position = (turn * size) % ((16 << 20) - size)
        sock.sendall(struct.pack(">ibii", 9, 1, size, position))
        left = size + 68
        while left:
            left -= sock.recv_into(scratch, min(left, 1 << 20))
    took = time.perf_counter() - start
    after = usage(control)
    sock.close()
    return figures(before, after, took, count, count * size)


def idle(port: int, control: socket.socket, count: int) -> str:
    """RSS of idle connections."""
    before = usage(control)[2]
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    time.sleep(0.5)
    after = usage(control)[2]
    for sock in socks:
        sock.close()
    return f"{(after - before) / count:.2f} KB each"


def say(name: str, result: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{name} {result}\n")
    sys.stdout.flush()


def main() -> None:
    """Run everything on one loop."""
    loop_name = sys.argv[1] if len(sys.argv) > 1 else "uvloop"
    send_path = sys.argv[2] if len(sys.argv) > 2 else "auto"
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        child(loop_name, writable, send_path)
        os._exit(0)
    try:
        (port,) = struct.unpack(">i", os.read(readable, 4))
        control = socket.create_connection(("127.0.0.1", port))
        for turn in range(3):
            say("16 KiB pipelined  ", pipelined(port, control, 16500, 30_000, 32))
            say("1 MB pipelined    ", pipelined(port, control, 1_000_100, 1_000, 8))
            say("100 B pipelined   ", pipelined(port, control, 100, 200_000, 200))
            say("small, 50 conns   ", small(port, control, 50, 1_000))
            say("fetch 1 MiB       ", fetches(port, control, 1 << 20, 1_000))
            say("fetch 64 KiB      ", fetches(port, control, 1 << 16, 8_000))
            if turn == 0:
                say("idle              ", idle(port, control, 1_000))
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
