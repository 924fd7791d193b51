"""A transport and the reasons for which nothing may be served on it, or read from it, now."""

import asyncio
import contextlib
import logging
import socket
from typing import Final

logger = logging.getLogger(__name__)

# Reasons why no frame may be served now.
CLOSED: Final = 1
WRITE_PAUSED: Final = 2  # the peer does not take its answers
SENDING: Final = 4  # a sender is at work on an answer with regions
MUTED: Final = 8  # by whoever serves, see `pause`
SHORT_OF_MEMORY: Final = 16
DRAINING: Final = 32

_STOPS_READING: Final = MUTED | SHORT_OF_MEMORY | DRAINING
"""The others stop reading only once a whole frame is there that cannot be served."""


class Link(asyncio.BufferedProtocol):
    """The part of a connection that knows neither requests nor answers.

    `peer` is (host, port) of the client. `holds` is a set of the reasons above. `stalled` says that
    a whole frame is there and waits for its turn. `active` and `quiet_since` are for the server's
    sweep: `active` is set by every sign of life.
    """

    __slots__ = (
        "_reading_paused",
        "_transport",
        "active",
        "holds",
        "listener",
        "peer",
        "quiet_since",
        "stalled",
    )

    _transport: asyncio.Transport

    def __init__(self, listener: str) -> None:
        self.listener = listener
        self.peer: tuple[str, int] = ("?", 0)
        self.holds = 0
        self.stalled = False
        self.active = True
        self.quiet_since = 0.0
        self._reading_paused = False

    @property
    def closed(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self.holds & CLOSED != 0

    @property
    def local(self) -> tuple[str, int]:
        """(host, port) by which the peer has reached us."""
        name = self._transport.get_extra_info("sockname")
        return (name[0], name[1]) if name else ("?", 0)

    def close(self, reason: str, level: int = logging.INFO) -> None:
        """Close, with one line in the log. Answers already given are sent, nothing else is."""
        if self.holds & CLOSED:
            return
        logger.log(level, "%s:%d on %s closed: %s", *self.peer, self.listener, reason)
        self.flush()
        sending = self.holds & SENDING
        self._end()
        if sending:
            self._transport.abort()  # half an answer is of no use to anybody
        else:
            self._transport.close()

    def abort(self, reason: str, level: int = logging.INFO) -> None:
        """Close now: what the transport has not sent is lost."""
        logger.log(level, "%s:%d on %s aborted: %s", *self.peer, self.listener, reason)
        if not self.holds & CLOSED:
            self._end()
        self._transport.abort()

    def pause(self) -> None:
        """Mute: serve and read nothing more until `resume`."""
        self.hold(MUTED)

    def resume(self) -> None:
        """Take back `pause`."""
        self.unhold(MUTED)

    def hold(self, reason: int) -> None:
        """Serve nothing while `reason` lasts."""
        self.holds |= reason
        self.update_reading()

    def unhold(self, reason: int) -> None:
        """`reason` is over."""
        if self.holds & reason:
            self.holds &= ~reason
            self.wake()
            self.update_reading()

    def update_reading(self) -> None:
        """Pause or resume reading as `stalled` and `holds` say."""
        if self.holds & CLOSED:
            return
        pause = self.stalled or self.holds & _STOPS_READING != 0
        if pause != self._reading_paused:
            self._reading_paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def _end(self) -> None:
        self.holds |= CLOSED
        self.active = True
        self.drop_received()

    def wake(self) -> None:
        """Something that frames may have waited for has happened."""
        raise NotImplementedError

    def flush(self) -> None:
        """Hand what is collected to the transport."""
        raise NotImplementedError

    def drop_received(self) -> None:
        """Forget what was received and not served."""
        raise NotImplementedError


def set_socket_options(
    transport: asyncio.BaseTransport, send_buffer_bytes: int, receive_buffer_bytes: int
) -> None:
    """TCP_NODELAY, which loops set only on sockets they made themselves, and buffer sizes (0 and
    -1: as the operating system likes)."""
    inner = transport.get_extra_info("socket")
    if inner is None:
        return  # the simulation's
    # Some systems refuse options of a connection that is gone already; its end will be told.
    with contextlib.suppress(OSError):
        inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if send_buffer_bytes > 0:
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        if receive_buffer_bytes > 0:
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
