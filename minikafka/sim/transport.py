"""One end of a simulated connection: its life, and what it reads.

What arrives waits in the kernel and is read in pieces that end anywhere.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from minikafka.sim.process import Process
from minikafka.sim.sending import HEADER_BYTES, Item, Sending, reset_error

if TYPE_CHECKING:
    from minikafka.sim.network import Link

_READ_BYTES: Final = 256 << 10
_SHORT_READ_SHARE: Final = 0.1
_REBOOT_S: Final = 30.0
"""After so long a machine that lost power answers old connections, with a reset."""
_SIZE_HINTS: Final = (-1, 65_536)
"""What asyncio and uvloop ask `get_buffer` for."""


class SimTransport(Sending):
    """See the module; made by `Network`, begun in the process."""

    def __init__(
        self,
        process: Process,
        number: int,
        peer_machine: str,
        link: "Link",
        sockname: tuple[str, int],
        peername: tuple[str, int],
    ) -> None:
        super().__init__(process, number, link, sockname, peername)
        self.peer_machine = peer_machine
        self._buffered = False
        self._hint = _SIZE_HINTS[int(self._random() * len(_SIZE_HINTS))]
        self._inbox: deque[Item] = deque()
        self._reading = True
        self._read_posted = False
        process.transports[self] = None

    # -- the connection's life --------------------------------------------------------------------

    def begin(
        self, factory: Callable[[], asyncio.BaseProtocol], future: asyncio.Future[Any] | None
    ) -> None:
        """In the process: the connection is there. `future` is that of `create_connection`."""
        if self._lost:  # during the handshake
            if future is not None and not future.done():
                future.set_exception(reset_error())
            return
        if future is not None and future.done():
            self.abort()
            return
        protocol = factory()
        self.set_protocol(protocol)
        protocol.connection_made(self)
        if future is not None and not future.done():
            future.set_result((self, protocol))
        self._read_soon()

    def lose(self, error: Exception | None) -> None:
        """No more bytes either way; the protocol will be told."""
        if self._lost or self._dead:
            return
        self._lost = self._closing = True
        self._out.clear()
        self._out_bytes = 0
        if self._protocol is not None:
            self._loop.post(self._process, self._protocol.connection_lost, error)
        self._process.transports.pop(self, None)

    def die(self, *, reset: bool) -> None:
        """The process is gone. What its kernel holds still travels, then a reset; without power
        nothing, for a while."""
        self._dead = self._closing = True
        self._silent = not reset
        self._process.transports.pop(self, None)
        if reset:
            self._send(HEADER_BYTES, reset_error())
        else:
            moment = self._loop.now + _REBOOT_S
            self._loop.at(moment, self._send, HEADER_BYTES, reset_error())

    def abort(self) -> None:
        """End now. Whether the peer sees a reset or an ordinary end is drawn, as with kernels."""
        if not self._lost and not self._dead:
            self._send(HEADER_BYTES, reset_error() if self._random() < 0.5 else None)
            self.lose(None)

    # -- reading ----------------------------------------------------------------------------------

    def receive(self, item: Item) -> None:
        """In the kernel; the process reads it when it comes to it."""
        if self._dead or self._lost:
            # Nobody is here to take it, and a kernel says so if there is one.
            if isinstance(item, memoryview) and self._process.machine.powered:
                self._send(HEADER_BYTES, reset_error())
            return
        self._inbox.append(item)
        self._read_soon()

    def _read_soon(self) -> None:
        if self._inbox and self._may_read() and not self._read_posted:
            self._read_posted = True
            self._loop.post(self._process, self._read)

    def _may_read(self) -> bool:
        return self._reading and not self._closing and self._protocol is not None

    def _read(self) -> None:
        self._read_posted = False
        if not self._inbox or not self._may_read():
            return
        try:
            self._deliver(self._inbox.popleft())
        except Exception as error:  # noqa: BLE001  # as in asyncio, the connection dies of it
            message = {"message": "a protocol failed", "exception": error, "transport": self}
            self._loop.call_exception_handler(message)
            if not self._lost:
                self._send(HEADER_BYTES, reset_error())
                self.lose(error)
        self._read_soon()

    def _deliver(self, item: Item) -> None:
        protocol = self._protocol
        if isinstance(item, memoryview):
            size = min(len(item), _READ_BYTES)
            if self._random() < _SHORT_READ_SHARE:
                size = 1 + int(self._random() * size)
            if self._buffered:
                self._deliver_into_buffer(item, size)
            else:
                assert isinstance(protocol, asyncio.Protocol), "one of the two kinds"
                self._taken(item, size)
                protocol.data_received(bytes(item[:size]))
        elif item is None:
            assert isinstance(protocol, asyncio.Protocol | asyncio.BufferedProtocol), "a stream's"
            if not protocol.eof_received():
                self.close()
        else:
            self.lose(item)

    def _deliver_into_buffer(self, item: memoryview, size: int) -> None:
        protocol = self._protocol
        assert isinstance(protocol, asyncio.BufferedProtocol), "one of the two kinds"
        target = protocol.get_buffer(self._hint)
        size = min(size, len(target))  # type: ignore[arg-type]  # a buffer is sized
        if not size:
            raise RuntimeError("get_buffer() returned an empty buffer")
        target[:size] = item[:size]  # type: ignore[index]  # and writable
        self._taken(item, size)
        protocol.buffer_updated(size)

    def _taken(self, item: memoryview, size: int) -> None:
        if size < len(item):
            self._inbox.appendleft(item[size:])
        peer = self.peer
        if peer is not None:
            self._link.tell(lambda: peer.acknowledged(size))

    def has_unread(self) -> bool:
        """Whether bytes have arrived that the process has not read."""
        return any(isinstance(item, memoryview) for item in self._inbox)

    def pause_reading(self) -> None:
        """Leave arriving bytes in the kernel."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read again."""
        self._reading = True
        self._read_soon()

    def is_reading(self) -> bool:
        """Whether bytes are delivered."""
        return self._reading and not self._closing

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Deliver to this one."""
        self._protocol = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who is delivered to."""
        assert self._protocol is not None, "made"
        return self._protocol
