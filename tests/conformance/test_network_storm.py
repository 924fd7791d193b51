"""Everything at once, seeded: nothing is leaked, nobody is left, no callback of the loop fails."""

import asyncio
import contextlib
import struct
from pathlib import Path
from random import Random

import pytest
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
    until,
)

from minikafka.network.connection import Exchange
from minikafka.runtime.local_disk import LocalDisk, LocalFile

MIB = 1 << 20


class Chaos:
    """Answers at once, later, with regions, or not at all; closes; fails."""

    def __init__(self, file: LocalFile, seed: int) -> None:
        self.file = file
        self.random = Random(seed)
        self.parked: dict[Exchange, None] = {}
        self.lost_count = 0

    def __call__(self, exchange: Exchange, frame: memoryview) -> None:
        random = self.random
        choice = random.random()
        if choice < 0.30:
            exchange.answer((bytes(int(random.random() ** 4 * 200_000)), b"y"))
        elif choice < 0.55:
            size = int(random.random() ** 3 * 4 * MIB)
            exchange.answer((b"h", self.file.region(0, size), b"t", self.file.region(5, 100)))
        elif choice < 0.58:
            raise ValueError("chaos")
        elif choice < 0.60:
            exchange.close("chaos")
        else:
            if frame[:2] == PRODUCE:
                exchange.let_produce_pass()
            self.parked[exchange] = None
            exchange.when_closed(lambda: self._lost(exchange))
            asyncio.get_running_loop().call_later(random.random() / 50, self._answer, exchange)

    def _lost(self, exchange: Exchange) -> None:
        del self.parked[exchange]
        self.lost_count += 1

    def _answer(self, exchange: Exchange) -> None:
        self.parked.pop(exchange, None)
        exchange.answer((b"late", self.file.region(0, MIB // 4)))


async def storm(port: int, seed: int, rounds: int) -> None:
    """A client of bad manners."""
    random = Random(seed)
    for _ in range(rounds):
        with contextlib.suppress(OSError, TimeoutError, AssertionError):
            async with client(port, buffers=random.choice([0, 8192])) as peer:
                for _ in range(random.randrange(1, 20)):
                    body = random.choice([PRODUCE, OTHER]) + bytes(int(random.random() ** 5 * MIB))
                    data = framed(body)
                    if random.random() < 0.1:
                        data = data[: random.randrange(len(data))]
                    if random.random() < 0.02:
                        data = struct.pack(">i", -5)
                    async with asyncio.timeout(0.3):
                        await peer.send(data)
                    if random.random() < 0.2:
                        async with asyncio.timeout(random.random() / 20):
                            while True:
                                await peer.answer()
                if random.random() < 0.5:
                    peer.reset()


@needs_proc
@pytest.mark.parametrize("loop_name", list(LOOPS))
@pytest.mark.parametrize("send_path", ["write", "sendfile", "pipe"])
def test_a_storm_leaves_nothing_behind(
    loop_name: str, send_path: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "minikafka.network")
    disk = LocalDisk()
    file = disk.open(str(tmp_path / "data.log"))
    file.append([bytes(4 * MIB)])

    async def main() -> None:
        failures: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: failures.append(what))
        chaos = Chaos(file, 7)
        limits = {"request_max_bytes": MIB + 2, "queued_max_bytes": 3 * MIB, "idle_ms": 2_000}
        async with serving(chaos, send_path=send_path, **limits) as (server, port):
            before = descriptors()
            async with asyncio.TaskGroup() as group:
                for seed in range(20):
                    group.create_task(storm(port, seed, 12))
            await until(lambda: not server.connections)
            assert not chaos.parked
            assert chaos.lost_count > 0
            assert not file.is_pinned
            assert server.memory.held_bytes == 0
            assert descriptors() == before
        assert not failures

    run(loop_name, main())
    file.close()
    disk.close()
