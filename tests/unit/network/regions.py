"""Servers that answer with regions of one file, by every path."""

import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from unit.network.rig import LOOPS, serving

from minikafka.network.exchange import Exchange, Part
from minikafka.network.server import Server
from minikafka.runtime.local_disk import LocalFile

MIB = 1 << 20
SIZE = 24 * MIB
DATA = random.Random(20261101).randbytes(MIB) * (SIZE // MIB)

every_way = pytest.mark.parametrize(
    ("loop_name", "send_path"),
    [(loop_name, path) for loop_name in LOOPS for path in ("write", "sendfile", "pipe")],
)


@contextlib.asynccontextmanager
async def answering(
    make_parts: Callable[[bytes], Sequence[Part]], send_path: str, **limits: object
) -> AsyncIterator[tuple[Server, int]]:
    """A server that answers each request at once with the parts made for it."""

    def serve(exchange: Exchange, frame: memoryview) -> None:
        exchange.answer(make_parts(bytes(frame)))

    async with serving(serve, send_path=send_path, **limits) as served:
        yield served


class OddFile:
    """A file to which sendfile does not apply: `descriptor` is None, or one that cannot be sent."""

    def __init__(self, file: LocalFile, descriptor: int | None) -> None:
        self.file = file
        self.descriptor = descriptor
        self.released = 0

    def pread(self, size: int, position: int) -> bytes:
        return self.file.pread(size, position)

    def fileno(self) -> int | None:
        return self.descriptor

    def is_intact(self, mark: int, end: int) -> bool:
        return True

    def unpin(self) -> None:
        self.released += 1
