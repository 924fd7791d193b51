"""Regions of files reach the peer byte for byte, by every path, on every loop, at any speed."""

import asyncio
import os
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from unit.network.regions import DATA, MIB, SIZE, OddFile, answering, every_way
from unit.network.rig import (
    LOOPS,
    OTHER,
    PRODUCE,
    client,
    descriptors,
    framed,
    needs_proc,
    run,
    serving,
    turns,
    until,
)

from minikafka.network.exchange import Exchange, Part
from minikafka.runtime.disk import FileRegion
from minikafka.runtime.local_disk import LocalDisk, LocalFile


def content(parts: Sequence[Part]) -> bytes:
    """What a peer should read."""
    return b"".join(
        DATA[part.position : part.position + part.size]
        if isinstance(part, FileRegion)
        else bytes(part)
        for part in parts
    )


async def check(
    loop_name: str, send_path: str, shapes: Sequence[Callable[[], Sequence[Part]]]
) -> None:
    """Ask for all shapes in one burst, thrice; the answers are the bytes, in order."""
    expected = []
    for shape in shapes:
        parts = shape()
        expected.append(content(parts))
        for part in parts:
            if isinstance(part, FileRegion):
                part.release()
    async with (
        answering(lambda frame: shapes[frame[-1]](), send_path) as (_, port),
        client(port) as peer,
    ):
        for _ in range(3):
            await peer.send(b"".join(framed(OTHER + bytes([n])) for n in range(len(shapes))))
            for number, body in enumerate(expected):
                assert await peer.answer() == body, f"shape {number}"


@every_way
def test_mixed_answers_byte_for_byte(loop_name: str, send_path: str, file: LocalFile) -> None:
    region = file.region
    shapes: list[Callable[[], Sequence[Part]]] = [
        lambda: [b"only bytes"],
        lambda: [b"header", region(0, 100)],
        lambda: [region(5, MIB)],
        lambda: [b"h", region(3 * MIB + 1, 2 * MIB + 77), b"trailer"],
        lambda: [b"a", b"b", region(1, 1), b"", b"c", region(2, 70_000), b"d" * 50_000],
        lambda: [b"no bytes:", region(100, 0), b"."],
        lambda: [region(0, 0)],
        lambda: [b"many"] + [region(n * 1000, n) for n in range(300)],
        lambda: [p for n in range(50) for p in (b"head%d" % n, region(n * MIB // 4, 40_000))],
        lambda: [b"large bytes", bytearray(3 * MIB), region(9, 9), memoryview(b"view")],
        lambda: [b"all", region(0, SIZE)],
        lambda: [b"the end"],
    ]
    run(loop_name, check(loop_name, send_path, shapes))


@every_way
def test_a_slow_reader_gets_every_byte(loop_name: str, send_path: str, file: LocalFile) -> None:
    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            return [b"head", file.region(7, 5 * MIB), b"middle", file.region(MIB, 1_234_567)]

        expected = content(slow := parts(b""))
        for part in slow:
            if isinstance(part, FileRegion):
                part.release()
        async with (
            answering(parts, send_path) as (_, port),
            client(port, buffers=32768) as peer,
        ):
            await peer.send(framed(OTHER) * 2)
            for _ in range(2):
                assert await peer.receive(4) == len(expected).to_bytes(4, "big")
                got = bytearray()
                while len(got) < len(expected):
                    if len(got) % 3 == 0:
                        await turns(1)
                    got += await peer.receive(min(99_991, len(expected) - len(got)))
                assert got == expected

    run(loop_name, main())


@every_way
def test_many_connections_at_once(loop_name: str, send_path: str, file: LocalFile) -> None:
    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            number = frame[-1]
            return [b"%d:" % number, file.region(number * 1000, 700_000 + number)]

        async with answering(parts, send_path) as (_, port):

            async def one(number: int) -> None:
                async with client(port) as peer:
                    for _ in range(5):
                        body = await peer.ask(OTHER + bytes([number]))
                        start = number * 1000
                        assert body == b"%d:" % number + DATA[start : start + 700_000 + number]

            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(one(number))

    run(loop_name, main())


@every_way
def test_answers_that_waited_for_their_turn(
    loop_name: str, send_path: str, file: LocalFile
) -> None:
    async def main() -> None:
        waiting: list[Exchange] = []

        def serve(exchange: Exchange, frame: memoryview) -> None:
            exchange.let_produce_pass()
            waiting.append(exchange)

        async with serving(serve, send_path=send_path) as (_, port), client(port) as peer:
            await peer.send(framed(PRODUCE) * 4)
            await until(lambda: len(waiting) == 4)
            waiting[3].answer([b"3", file.region(3, 3 * MIB)])
            waiting[1].answer([b"1", file.region(1, 1 * MIB)])
            waiting[2].answer([b"two"])
            assert file.is_pinned
            waiting[0].answer([b"0", file.region(0, 4 * MIB)])
            assert await peer.answer() == b"0" + DATA[: 4 * MIB]
            assert await peer.answer() == b"1" + DATA[1 : 1 + MIB]
            assert await peer.answer() == b"two"
            assert await peer.answer() == b"3" + DATA[3 : 3 + 3 * MIB]

    run(loop_name, main())


@every_way
def test_a_file_unlinked_and_closed_is_sent_on(
    loop_name: str, send_path: str, disk: LocalDisk, tmp_path: Path
) -> None:
    async def main() -> None:
        path = tmp_path / "doomed.log"
        doomed = disk.open(str(path))
        doomed.append([DATA])

        async with (
            answering(lambda _: [b"head", doomed.region(0, SIZE)], send_path) as (_, port),
            client(port, buffers=65536) as peer,
        ):
            await peer.send(framed(OTHER))
            await until(lambda: doomed.is_pinned)
            disk.unlink(str(path))
            doomed.close()
            assert await peer.answer() == b"head" + DATA
            await until(lambda: not doomed.is_pinned)

    run(loop_name, main())


@needs_proc
@every_way
def test_a_reset_in_the_middle_releases_everything(
    loop_name: str, send_path: str, file: LocalFile
) -> None:
    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            return [b"head", file.region(0, SIZE), b"middle", file.region(0, SIZE)]

        async with answering(parts, send_path) as (server, port):
            before = descriptors()
            for turn in range(10):
                async with client(port, buffers=65536) as peer:
                    await peer.send(framed(OTHER) * 3)
                    await peer.receive(100_000 * turn + 4)
                    assert file.is_pinned
                    if turn % 2:
                        peer.reset()
                await until(lambda: not server.connections)
                assert not file.is_pinned
            await until(lambda: descriptors() == before)

    run(loop_name, main())


@every_way
def test_closing_in_the_middle_releases_everything(
    loop_name: str, send_path: str, file: LocalFile
) -> None:
    async def main() -> None:
        async with (
            answering(lambda _: [file.region(0, SIZE)], send_path) as (server, port),
            client(port, buffers=65536) as peer,
        ):
            await peer.send(framed(OTHER))
            await until(lambda: file.is_pinned)
            (connection,) = server.connections
            connection.close("the test says so")
            await until(lambda: not server.connections)
            assert not file.is_pinned
            assert len(await peer.read_to_the_end()) < SIZE

    run(loop_name, main())


@every_way
@pytest.mark.parametrize("when", ["before", "during"])
def test_a_truncation_under_a_pin_closes_the_connection(
    loop_name: str,
    send_path: str,
    when: str,
    disk: LocalDisk,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        file = disk.open(str(tmp_path / "cut.log"))
        file.append([DATA])

        def parts(frame: bytes) -> Sequence[Part]:
            region = file.region(0, SIZE)
            if when == "before":
                file.truncate(SIZE - 1)
            return [b"head", region, b"tail"]

        async with (
            answering(parts, send_path) as (server, port),
            client(port, buffers=65536) as peer,
        ):
            await peer.send(framed(OTHER))
            if when == "during":
                await until(lambda: file.is_pinned)
                file.truncate(SIZE // 2)
            got = await peer.read_to_the_end()
            assert len(got) < SIZE
            whole = (SIZE + 8).to_bytes(4, "big") + b"head" + DATA
            assert whole.startswith(got)
            await until(lambda: not server.connections)
            assert not file.is_pinned
            file.close()

    with caplog.at_level("INFO", "minikafka.network"):
        run(loop_name, main())
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("minikafka.network")]
    assert len(lines) == 1
    assert "cut below a region" in lines[0]


@every_way
def test_a_region_beyond_the_file_closes_the_connection(
    loop_name: str, send_path: str, file: LocalFile
) -> None:
    async def main() -> None:
        async with (
            answering(lambda _: [file.region(SIZE - 10, 20)], send_path) as (server, port),
            client(port) as peer,
        ):
            await peer.send(framed(OTHER))
            assert len(await peer.read_to_the_end()) <= 14
            await until(lambda: not server.connections)

    run(loop_name, main())


@every_way
def test_a_consumer_that_does_not_drain_costs_little(
    loop_name: str, send_path: str, file: LocalFile
) -> None:
    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            return [b"head", *(file.region(0, SIZE) for _ in range(10))]

        async with (
            answering(parts, send_path) as (server, port),
            client(port, buffers=65536) as peer,
        ):
            tracemalloc.start()
            await peer.send(framed(OTHER) * 10)
            await until(lambda: file.is_pinned)
            await turns(50)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak <= 2 * MIB
            (connection,) = server.connections
            assert not connection.busy, "the sweep will find it idle"

    run(loop_name, main())


@pytest.mark.parametrize("loop_name", list(LOOPS))
@pytest.mark.parametrize("send_path", ["auto", "sendfile"])
def test_where_sendfile_does_not_apply_files_are_read(
    loop_name: str, send_path: str, file: LocalFile, caplog: pytest.LogCaptureFixture
) -> None:
    readable, writable = os.pipe()  # sendfile refuses to send from a pipe
    odd = [OddFile(file, None), OddFile(file, readable)]

    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            region = file.region(1, 300_000)
            return [b"head", region, FileRegion(odd[frame[-1]], 10, 2 * MIB, 0), b"tail"]

        expected = b"head" + DATA[1:300_001] + DATA[10 : 10 + 2 * MIB] + b"tail"
        async with answering(parts, send_path) as (_, port):
            for number in range(2):
                async with client(port) as peer:
                    for _ in range(2):
                        assert await peer.ask(OTHER + bytes([number])) == expected

    run(loop_name, main())
    assert [file.released for file in odd] == [2, 2]
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1, "once for the connection that found out"
    assert "no sendfile" in warnings[0]
    os.close(readable)
    os.close(writable)


@pytest.mark.parametrize("loop_name", list(LOOPS))
def test_auto_chooses_by_size(
    loop_name: str, file: LocalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    sendfile = os.sendfile

    def counting(out_fd: int, in_fd: int, offset: int, count: int) -> int:
        sent.append(count)
        return sendfile(out_fd, in_fd, offset, count)

    monkeypatch.setattr(os, "sendfile", counting)

    async def main() -> None:
        async with (
            answering(lambda frame: [file.region(0, (65_536, 300_000)[frame[-1]])], "auto") as (
                _,
                port,
            ),
            client(port) as peer,
        ):
            assert await peer.ask(b"\0") == DATA[:65_536]
            assert not sent
            assert await peer.ask(b"\1") == DATA[:300_000]
            assert sent

    run(loop_name, main())
