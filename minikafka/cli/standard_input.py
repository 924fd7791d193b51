"""stdin in pieces, without keeping the loop from its connections."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Final

_READ_BYTES: Final = 256 * 1024


async def split_input(fd: int, delimiter: bytes) -> AsyncIterator[list[bytes]]:
    """The parts between delimiters, as many at a time as there are; a last one may lack its own.

    A delimiter at the end begins no empty part.
    """
    rest = b""
    async for chunk in _chunks(fd):
        *parts, rest = (rest + chunk).split(delimiter)
        if parts:
            yield parts
    if rest:
        yield [rest]


async def _chunks(fd: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    watched = True
    while True:
        turn = loop.create_future()
        if watched:
            try:
                loop.add_reader(fd, _wake, turn)
            except PermissionError:
                watched = False  # a regular file is always ready and cannot be waited for
        if not watched:
            loop.call_soon(_wake, turn)
        try:
            await turn
        finally:
            if watched:
                loop.remove_reader(fd)
        chunk = os.read(fd, _READ_BYTES)
        if not chunk:
            return
        yield chunk


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
