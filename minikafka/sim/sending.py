"""The writing half of a simulated connection.

What is written waits in the process, goes to the kernel after the callback that wrote it, as far as
the window has room, and travels over the link as one packet. A buffer that may change is checked
when it is taken, because real loops read it late.
"""

import asyncio
import errno
import os
import zlib
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from minikafka.sim.errors import SimulationError
from minikafka.sim.process import Process

if TYPE_CHECKING:
    from minikafka.sim.network import Link
    from minikafka.sim.transport import SimTransport

WINDOW_BYTES: Final = 256 << 10
"""What is under way or unread; beyond it the writer keeps its bytes."""
HEADER_BYTES: Final = 40
_HIGH_WATER: Final = 64 << 10

Item = memoryview | ConnectionResetError | None
"""What travels: bytes, a reset, or the end (None)."""


def reset_error() -> ConnectionResetError:
    """What a peer learns of a reset."""
    return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


class Sending(asyncio.Transport):
    """One end of a connection as far as it sends; `number` names the connection in the trace.

    `closing` is what the process knows, `lost` says that connection_lost is due, `dead` that nobody
    is left to hear it, `silent` that its machine has lost its power.
    """

    def __init__(
        self,
        process: Process,
        number: int,
        link: "Link",
        sockname: tuple[str, int],
        peername: tuple[str, int],
    ) -> None:
        super().__init__({"sockname": sockname, "peername": peername})
        self.peer: SimTransport | None = None
        self._process = process
        self._loop = process.loop
        self._number = number
        self._link = link
        self._random = link.random
        self._protocol: asyncio.BaseProtocol | None = None
        # In the process; in the kernel's hands, under way or unread; on the wire.
        self._out: deque[tuple[memoryview, int | None]] = deque()
        self._out_bytes = 0
        self._flight_bytes = 0
        self._wire: deque[Item] = deque()
        self._high, self._low = _HIGH_WATER, _HIGH_WATER // 4
        self._paused = False
        self._flush_posted = False
        self._end_wanted = self._end_sent = False
        self._closing = self._lost = self._dead = False
        self._silent = False

    def has_unread(self) -> bool:
        """Whether bytes have arrived that the process has not read."""
        raise NotImplementedError

    def lose(self, error: Exception | None) -> None:
        """No more bytes either way; the protocol will be told."""
        raise NotImplementedError

    # -- on the way -------------------------------------------------------------------------------

    def acknowledged(self, size: int) -> None:
        """The peer has read so much: the window has room for it."""
        self._flight_bytes -= size
        if self._out and not self._dead:
            self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flush_posted:
            self._flush_posted = True
            self._loop.post(self._process, self._flush)

    def _flush(self) -> None:
        self._flush_posted = False
        if self._dead or self._lost:
            return
        packet = self._take_out(WINDOW_BYTES - self._flight_bytes)
        if packet:
            self._out_bytes -= len(packet)
            self._flight_bytes += len(packet)
            self._send(len(packet) + HEADER_BYTES, memoryview(packet))
        if self._paused and self._out_bytes <= self._low:
            self._paused = False
            if self._protocol is not None:
                self._protocol.resume_writing()
        if not self._out:
            self._flushed()

    def _take_out(self, room: int) -> bytes:
        parts: list[memoryview] = []
        while self._out and room > 0:
            data, checksum = self._out.popleft()
            if checksum is not None and zlib.crc32(data) != checksum:
                raise SimulationError("a buffer was changed between write() and its sending")
            parts.append(data[:room])
            if len(data) > room:
                rest = data[room:]
                if checksum is not None:
                    rest = memoryview(bytes(rest))  # checked once; from here on the copy counts
                self._out.appendleft((rest, None))
            room -= len(parts[-1])
        return b"".join(parts)

    def _flushed(self) -> None:
        if self._end_wanted and not self._end_sent:
            self._end_sent = True
            # A kernel that closes over unread bytes says so.
            broken = self._closing and self.has_unread()
            self._send(HEADER_BYTES, reset_error() if broken else None)
        if self._closing:
            self.lose(None)

    def _send(self, size: int, item: Item) -> None:
        # Each packet draws its time; a connection's own order stays, for arrivals take turns.
        self._wire.append(item)
        self._link.send(size, self._arrived)

    def _arrived(self) -> None:
        """The next item on the wire has got through to the peer's kernel."""
        item = self._wire.popleft()
        if self._silent and isinstance(item, memoryview):
            return  # nobody is left to send it again
        peer = self.peer
        assert peer is not None, "connected"
        size = len(item) if isinstance(item, memoryview) else "end" if item is None else "reset"
        self._loop.note("net", self._number, size)
        peer.receive(item)

    # -- what protocols call ----------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send it after this callback."""
        if self._end_wanted and not self._closing:
            raise RuntimeError("Cannot call write() after write_eof()")
        view = memoryview(data).cast("B")
        if self._closing or self._dead or not view:
            return
        checksum = None if isinstance(data, bytes) else zlib.crc32(view)
        self._out.append((view, checksum))
        self._out_bytes += len(view)
        self._flush_soon()
        if self._out_bytes > self._high and not self._paused and self._protocol is not None:
            self._paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Write each."""
        for data in list_of_data:
            self.write(data)

    def write_eof(self) -> None:
        """Say that there is no more, after all that was written."""
        self._end_wanted = True
        self._flush_soon()

    def can_write_eof(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Send what was written, then end; nothing more is read."""
        if not self._closing:
            self._closing = self._end_wanted = True
            self._flush_soon()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """Bytes that the kernel has not taken."""
        return self._out_bytes

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """(low, high)"""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """When to pause and resume the protocol."""
        self._high = (_HIGH_WATER if low is None else 4 * low) if high is None else high
        self._low = self._high // 4 if low is None else low
