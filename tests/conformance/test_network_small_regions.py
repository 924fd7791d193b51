"""Small answers with regions: by every path the same bytes, and the pipe where it is due."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from unit.network.regions import DATA, MIB, OddFile, answering, every_way
from unit.network.rig import (
    LOOPS,
    OTHER,
    client,
    descriptors,
    framed,
    needs_proc,
    run,
    turns,
    until,
)

from minikafka.network.exchange import Part
from minikafka.runtime.disk import FileRegion
from minikafka.runtime.local_disk import LocalDisk, LocalFile

SMALL = 49_767  # three batches of 16 KiB


def small_parts(file: LocalFile, number: int) -> Sequence[Part]:
    """Answers as those to fetches, of changing sizes and places."""
    region = file.region(number * 12_345, SMALL + number)
    head = b"head %d" % number
    return (head, region, b"tail") if number % 3 else (head, region)


def small_content(number: int) -> bytes:
    start = number * 12_345
    tail = b"tail" if number % 3 else b""
    return b"head %d" % number + DATA[start : start + SMALL + number] + tail


@every_way
def test_small_answers_to_a_slow_reader(loop_name: str, send_path: str, file: LocalFile) -> None:
    """Many in flight: some leave at once, some in part, some wait behind them."""

    async def main() -> None:
        async with (
            answering(lambda frame: small_parts(file, frame[-1]), send_path) as (_, port),
            client(port, buffers=32768) as peer,
        ):
            asking = asyncio.create_task(
                peer.send(b"".join(framed(OTHER + bytes([n])) for n in range(200)))
            )
            for number in range(200):
                if number % 7 == 0:
                    await turns(2)
                assert await peer.answer() == small_content(number), number
            await asking
        assert not file.is_pinned

    run(loop_name, main())


@needs_proc
@every_way
def test_a_reset_between_small_answers_hurts_nobody_else(
    loop_name: str, send_path: str, file: LocalFile
) -> None:
    async def main() -> None:
        async with (
            answering(lambda frame: small_parts(file, frame[-1]), send_path) as (server, port),
            client(port) as other,
        ):
            assert await other.ask(OTHER + b"\1") == small_content(1)
            before = descriptors()
            for turn in range(10):
                async with client(port, buffers=32768) as peer:
                    await peer.send(framed(OTHER + b"\2") * 20)
                    await peer.receive(30_000 * turn + 4)
                    assert await other.ask(OTHER + bytes([turn])) == small_content(turn)
                    peer.reset()
                assert await other.ask(OTHER + bytes([turn])) == small_content(turn)
                await until(lambda: len(server.connections) == 1)
                assert not file.is_pinned
            await until(lambda: descriptors() == before)

    run(loop_name, main())


@every_way
@pytest.mark.parametrize("how", ["truncated", "too short"])
def test_a_small_region_that_is_lost_closes_the_connection(
    loop_name: str, send_path: str, how: str, disk: LocalDisk, tmp_path: Path
) -> None:
    async def main() -> None:
        file = disk.open(str(tmp_path / "cut.log"))
        file.append([DATA[:MIB]])

        def parts(frame: bytes) -> Sequence[Part]:
            if frame[-1]:
                return [b"head", file.region(1000, SMALL), b"tail"]
            region = file.region(file.size - SMALL, SMALL + (how == "too short"))
            if how == "truncated":
                file.truncate(file.size - 1)
            return [b"head", region, b"tail"]

        async with (
            answering(parts, send_path) as (server, port),
            client(port) as peer,
            client(port) as other,
        ):
            whole = b"head" + DATA[1000 : 1000 + SMALL] + b"tail"
            assert await other.ask(OTHER + b"\1") == whole
            await peer.send(framed(OTHER + b"\0"))
            assert len(await peer.read_to_the_end()) < SMALL + 12
            assert await other.ask(OTHER + b"\1") == whole, "nothing of the lost answer is left"
            await until(lambda: len(server.connections) == 1)
            assert not file.is_pinned
            file.close()

    run(loop_name, main())


needs_splice = pytest.mark.skipif(not hasattr(os, "splice"), reason="needs splice(2)")


@needs_splice
@pytest.mark.parametrize("loop_name", list(LOOPS))
def test_a_pipe_is_for_answers_that_fit(
    loop_name: str, file: LocalFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    spliced: list[int] = []
    splice = os.splice

    def counting(src: int, dst: int, count: int, *rest: int) -> int:
        spliced.append(count)
        return splice(src, dst, count, *rest)

    monkeypatch.setattr(os, "splice", counting)

    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            return [b"head", file.region(0, (5_000, SMALL, 200_000)[frame[-1]])]

        async with answering(parts, "auto") as (_, port), client(port) as peer:
            assert await peer.ask(b"\0") == b"head" + DATA[:5_000]
            assert not spliced
            assert await peer.ask(b"\1") == b"head" + DATA[:SMALL]
            assert spliced == [SMALL, 4 + 4 + SMALL]
            assert await peer.ask(b"\2") == b"head" + DATA[:200_000]
            assert len(spliced) == 2

    run(loop_name, main())


@needs_splice
@pytest.mark.parametrize("loop_name", list(LOOPS))
@pytest.mark.parametrize("lack", ["splice", "descriptors", "room", "file"])
def test_where_there_is_no_pipe_files_are_read(
    loop_name: str,
    lack: str,
    file: LocalFile,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    readable, writable = os.pipe()  # splice refuses to read from a place within a pipe
    odd = OddFile(file, readable)
    if lack == "splice":
        monkeypatch.delattr(os, "splice")
    elif lack == "descriptors":

        def none_left(flags: int) -> tuple[int, int]:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(os, "pipe2", none_left)
    elif lack == "room":
        monkeypatch.setattr("fcntl.fcntl", lambda *_: 65_536)

    async def main() -> None:
        def parts(frame: bytes) -> Sequence[Part]:
            region = FileRegion(odd, 10, SMALL, 0) if lack == "file" else file.region(10, SMALL)
            return [b"head", region, b"tail"]

        async with answering(parts, "pipe") as (_, port), client(port) as peer:
            for _ in range(3):
                assert await peer.ask(OTHER) == b"head" + DATA[10 : 10 + SMALL] + b"tail"

    run(loop_name, main())
    assert odd.released == (3 if lack == "file" else 0)
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == (lack != "splice"), "once for the connection"
    assert all("no pipe" in warning for warning in warnings)
    os.close(readable)
    os.close(writable)
