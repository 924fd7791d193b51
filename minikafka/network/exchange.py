"""One request and its answer: a place in the order in which a connection answers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from minikafka.network.link import CLOSED
from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import FileRegion

if TYPE_CHECKING:
    from minikafka.network.connection import Connection

Part = Buffer | FileRegion

# The states of an exchange, in the order it passes them.
WAITING: Final = 0  # being served, or waiting for something
PASSABLE: Final = 1  # a Produce that has appended and waits only for replication
READY: Final = 2  # answered, waits for the answers of earlier requests
DONE: Final = 3  # answered and handed to the transport, or the connection is gone


def release_regions(parts: Sequence[Part]) -> None:
    """Give back the pins of an answer that will not be sent."""
    for part in parts:
        if isinstance(part, FileRegion):
            part.release()


class Exchange:
    """A request in progress on `connection`. Complete it exactly once: by `answer`, by `no_answer`,
    or by closing the connection.

    After the connection has closed, `closed` is true, the callback given to `when_closed` has been
    or will be called, and `answer` and `no_answer` do nothing (regions are released).
    """

    __slots__ = ("_on_closed", "_parts", "connection", "state")

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.state = WAITING
        self._on_closed: Callable[[], None] | None = None
        # `_parts` stays unset until READY: most exchanges never need it, and this is the hot path.
        self._parts: Sequence[Part]

    @property
    def closed(self) -> bool:
        """Whether the connection is closed or closing: nobody will read the answer."""
        return self.connection.closed

    def answer(self, parts: Sequence[Part]) -> None:
        """Complete with the bytes of `parts`, one after the other, without the size prefix.

        Takes over one release of every region. The parts must not alias the request's frame and
        must not change afterwards: an answer may have to wait for earlier ones.
        """
        connection = self.connection
        self._on_closed = None  # it may hold the exchange itself: no cycles on the hot path
        if connection.holds & CLOSED:
            self.state = DONE
            release_regions(parts)
            return
        assert self.state < READY, "an exchange is answered once"
        if connection.pending:
            self.state = READY
            self._parts = parts
            if connection.pending[0] is self:
                connection.send_ready()
        else:
            # Answered while it is being served, with nothing before it: straight to the transport.
            self.state = DONE
            connection.send(parts)

    def no_answer(self) -> None:
        """Complete without a word (Produce with acks=0)."""
        self.answer(())

    def let_produce_pass(self) -> None:
        """Allow later Produce requests of this connection to be served before this one is answered.

        Called when a Produce has appended and only waits for replication. Every other request goes
        on waiting until all earlier ones are answered.
        """
        if self.state == WAITING:
            self.state = PASSABLE
            self.connection.wake()

    def when_closed(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once if the connection is lost before the answer.

        One callback per exchange, forgotten when it is answered. If the connection is closed
        already, the callback is called at once.
        """
        if self.connection.closed:
            callback()
        else:
            self._on_closed = callback

    def close(self, reason: str) -> None:
        """Close the connection instead of answering; see `Connection.close`."""
        self.connection.close(reason)

    def take_parts(self) -> Sequence[Part]:
        """The answer of a READY exchange, which thereby is DONE."""
        self.state = DONE
        return self._parts

    def lose(self) -> None:
        """The connection is gone: release what waited, tell who waits."""
        state, self.state = self.state, DONE
        if state == READY:
            release_regions(self._parts)
        elif state != DONE and self._on_closed is not None:
            self._on_closed()
