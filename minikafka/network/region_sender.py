"""How regions of files reach a peer: the `send_region` seam. (Its third path: `pipe_sender`.)

`WriteSender` reads a piece of a file and writes it: the only way where a file has no descriptor
(simulation) or the transport encrypts. `SendfileSender` lets the kernel send from the page cache,
without the bytes ever being ours. CPU seconds of the server per GB, one fetch in flight, a file of
320 MB in the page cache, uvloop, loopback, Linux 6.18; medians of 12 alternations, with quartiles
(tests/unit/network/measure_network.py measures this):

| bytes per answer | 64 KiB | 256 KiB | 1 MiB |
|---|---|---|---|
| write | 0.86 (0.82-1.06) | 0.41 (0.40-0.43) | 0.34 (0.30-0.36) |
| sendfile | 1.04 (0.98-1.10) | 0.31 (0.30-0.32) | 0.20 (0.14-0.42) |

Hence "auto" is sendfile from 256 KiB on.

A sender holds the answers that a connection could not hand over at once: the bytes and the regions
in order, each region pinned until its last byte is on its way. `pump` goes on until everything is
handed over or the peer does not take more; the connection calls it again. A region that is not
`intact`, or is shorter than promised, raises `RegionLostError`: the size of the answer has been
announced, so the connection cannot be saved.
"""

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from minikafka.network.exchange import Part, release_regions
from minikafka.network.limits import SendPath
from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import FileRegion

READ_BYTES: Final = 512 << 10
"""Read from a file at a time. Nothing more is read before the transport has taken nearly all of it,
so this, and asyncio's copy of it, is what a consumer costs that does not drain."""

_SENDFILE_FROM_BYTES: Final = 256 << 10

TURN_BYTES: Final = 2 << 20
"""Sent for one connection before the others get their turn."""

_JOIN_BELOW_BYTES: Final = 32 << 10
"""Pieces below are joined: one copy of them is cheaper than one more write."""

REFUSALS: Final = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESPIPE)

_MSG_MORE: Final[int] = getattr(socket, "MSG_MORE", 0)


class RegionLostError(Exception):
    """The bytes of a region are gone: truncated, or the file is shorter than the region."""


class SendfileRefusedError(Exception):
    """The system cannot sendfile this: an uncommon file system. Nothing is lost yet."""


class Sender(Protocol):
    """Answers on their way; `parts` is what is left of them."""

    parts: deque[Part]

    def pump(self) -> bool:
        """Go on; True when everything is handed over. Raises RegionLostError and OSError."""
        ...

    def close(self) -> None:
        """Release what is left. Called once, whether everything was sent or not."""
        ...


class WriteSender:
    """Read and write. The transport is left alone while it holds more than its high water.

    `position` is how far the region at the head has been sent.
    """

    __slots__ = ("_again", "_is_paused", "_position", "_transport", "parts")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        parts: Iterable[Part],
        is_paused: Callable[[], bool],
        again: Callable[[], None],
        position: int = 0,
    ) -> None:
        self.parts: deque[Part] = deque(parts)
        self._transport = transport
        self._position = position
        self._is_paused = is_paused
        self._again = again

    def pump(self) -> bool:
        """Write until the transport says stop, or one turn is over."""
        parts = self.parts
        write = self._transport.write
        small: list[Buffer] = []
        small_bytes = 0
        turn_bytes = 0
        while parts and not self._is_paused():
            if turn_bytes >= TURN_BYTES:
                self._again()
                break
            data = self._next_piece()
            size = len(data)
            turn_bytes += size
            if size < _JOIN_BELOW_BYTES:
                small.append(data)
                small_bytes += size
                if small_bytes < _JOIN_BELOW_BYTES:
                    continue
                size = 0
            if small:
                write(b"".join(small))
                small.clear()
                small_bytes = 0
            if size:
                write(data)
            del data  # before the next is read: the peer that does not drain pays for one piece
        if small:
            write(b"".join(small))
        return not parts

    def _next_piece(self) -> Buffer:
        part = self.parts[0]
        if not isinstance(part, FileRegion):
            return self.parts.popleft()  # type: ignore[return-value]  # the check was on this part
        data = read_region(part, self._position, min(READ_BYTES, part.size - self._position))
        self._position += len(data)
        if self._position == part.size:
            self.parts.popleft()
            self._position = 0
            part.release()
        return data

    def close(self) -> None:
        """Release the regions that were not sent."""
        release_regions(self.parts)
        self.parts.clear()


class SendfileSender:
    """sendfile(2) beside the transport, on a duplicate of its descriptor.

    Neither uvloop's transport nor asyncio's lets anybody watch its own descriptor. So the sender
    waits for the transport's buffer to be empty (with the high water at 0, `resume_writing` says
    so), and from then until the end it alone writes to the socket. What precedes a region leaves
    with MSG_MORE, so that it shares packets with the region.
    """

    __slots__ = ("_again", "_loop", "_socket", "_transport", "_watching", "parts", "position")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        parts: Iterable[Part],
        loop: asyncio.AbstractEventLoop,
        again: Callable[[], None],
    ) -> None:
        self.parts: deque[Part] = deque(parts)
        self._transport = transport
        self._loop = loop
        self._again = again
        self.position = 0
        self._watching = False
        inner = transport.get_extra_info("socket")
        self._socket = socket.socket(
            inner.family, inner.type, inner.proto, fileno=os.dup(inner.fileno())
        )
        self._socket.setblocking(False)
        transport.set_write_buffer_limits(high=0)

    def pump(self) -> bool:
        """Send until the socket is full, or one turn is over."""
        if self._transport.get_write_buffer_size():
            return False
        turn_bytes = 0
        try:
            while self.parts and turn_bytes < TURN_BYTES:
                turn_bytes += self._send_some()
        except BlockingIOError:
            pass
        if self.parts and not self._watching:
            self._watching = True
            self._loop.add_writer(self._socket.fileno(), self._again)
        return not self.parts

    def _send_some(self) -> int:
        part = self.parts[0]
        if isinstance(part, FileRegion):
            sent = self._send_region(part)
            size = part.size
        else:
            size = len(part)
            more = _MSG_MORE if len(self.parts) > 1 else 0
            sent = self._socket.send(memoryview(part)[self.position :], more)
        self.position += sent
        if self.position == size:
            self.parts.popleft()
            self.position = 0
            if isinstance(part, FileRegion):
                part.release()
        return sent

    def _send_region(self, region: FileRegion) -> int:
        size = region.size - self.position
        if size == 0:
            return 0
        if not region.intact:
            raise RegionLostError("a file was cut below a region to be sent")
        fd = region.file.fileno()
        assert fd is not None, "sendfile is chosen for files with a descriptor"
        start = region.position + self.position
        try:
            sent = os.sendfile(self._socket.fileno(), fd, start, min(size, TURN_BYTES))
        except OSError as error:
            if error.errno in REFUSALS:
                raise SendfileRefusedError(str(error)) from error
            raise
        if sent == 0:
            raise RegionLostError("a file ends within a region to be sent")
        return sent

    def take_rest(self) -> tuple[deque[Part], int]:
        """What is left, and how far its head has been sent, for another sender."""
        rest, self.parts = self.parts, deque()
        return rest, self.position

    def close(self) -> None:
        """Leave the socket to the transport and release the regions that were not sent."""
        if self._watching:
            self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        if not self._transport.is_closing():
            self._transport.set_write_buffer_limits()
        release_regions(self.parts)
        self.parts.clear()


def should_sendfile(
    path: SendPath, size: int, transport: asyncio.WriteTransport, parts: Iterable[Part]
) -> bool:
    """Whether the setting wants it for an answer of `size` bytes, and the kernel can do it: a plain
    socket, and a descriptor behind every region."""
    return (
        (path == "sendfile" or (path == "auto" and size >= _SENDFILE_FROM_BYTES))
        and hasattr(os, "sendfile")
        and transport.get_extra_info("socket") is not None
        and transport.get_extra_info("sslcontext") is None
        and all(p.file.fileno() is not None for p in parts if isinstance(p, FileRegion))
    )


def read_region(region: FileRegion, position: int, size: int) -> bytes:
    """Bytes of a region that are about to be sent; raises RegionLostError and OSError."""
    if not region.intact:
        raise RegionLostError("a file was cut below a region to be sent")
    data = region.read(position, size)
    if len(data) != size:
        raise RegionLostError("a file ends within a region to be sent")
    return data
