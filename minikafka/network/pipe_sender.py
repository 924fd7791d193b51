"""A small answer through a pipe: the head, the pages of a file, the tail, and then the socket.

The third path of `send_region`: bytes of a file reach the socket as pages of the page cache, as
with sendfile, but the whole answer is one segment, and nothing waits. One pipe serves all
connections of a server, because it is empty whenever nobody is inside of `send`: what the socket
does not take comes back as bytes, for the transport. ADR 0014 has the figures.

The socket's descriptor is the transport's own. It is used within one callback of the loop, of a
transport that is not closing, so nobody can have closed it.
"""

import fcntl
import logging
import os
from asyncio import BaseTransport
from contextlib import suppress
from typing import Final

from minikafka.network.limits import SendPath
from minikafka.network.region_sender import REFUSALS, RegionLostError
from minikafka.runtime.buffers import Buffer
from minikafka.runtime.disk import FileRegion

logger = logging.getLogger(__name__)

PIPED_MOST_BYTES: Final = 128 << 10
"""Larger answers go to a sender."""

_PIPED_FROM_BYTES: Final = 32 << 10
"""Copying less than this twice is cheaper than three more system calls."""

NEVER: Final = 1 << 62
"""More bytes than any region has."""

_PIPE_BYTES: Final = 256 << 10
"""A pipe holds pages, and 128 KiB from the middle of one touch 33 of them; two more for the rest.
Linux gives a buffer for each page of this size."""


class PipeRefusedError(Exception):
    """No pipe is to be had, or the file cannot be spliced. Nothing has been sent."""


class PipeSender:
    """The pipe of a server: made when it is first needed, and anew after an error."""

    __slots__ = ("_readable", "_writable")

    def __init__(self) -> None:
        self._readable = self._writable = -1

    def send(self, socket_fd: int, head: bytes, region: FileRegion, tail: Buffer) -> bytes:
        """Send what the non-blocking socket takes now; returns the rest, for the transport.

        Raises PipeRefusedError before anything is sent; RegionLostError, and OSError of the socket.
        """
        if not region.intact:
            raise RegionLostError("a file was cut below a region to be sent")
        if self._writable < 0:
            self._open()
        size = region.size
        try:
            self._fill(head, region, tail)
            size += len(head) + len(tail)
            try:
                sent = os.splice(self._readable, socket_fd, size)
            except BlockingIOError:
                sent = 0
            return os.read(self._readable, size - sent) if sent < size else b""
        except BaseException:
            self.close()  # whatever is in it belongs to nobody
            raise

    def _fill(self, head: bytes, region: FileRegion, tail: Buffer) -> None:
        writable = self._writable
        left, position = region.size, region.position
        fd = region.file.fileno()
        assert fd is not None, "chosen for files with a descriptor"
        try:
            os.write(writable, head)
            while left:
                moved = os.splice(fd, writable, left, position)
                if not moved:
                    raise RegionLostError("a file ends within a region to be sent")
                left -= moved
                position += moved
            if tail:
                os.write(writable, tail)
        except OSError as error:
            if isinstance(error, BlockingIOError) or error.errno in REFUSALS:
                raise PipeRefusedError(str(error)) from error
            raise

    def _open(self) -> None:
        try:
            self._readable, self._writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
            size = fcntl.fcntl(self._writable, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        except OSError as error:  # no descriptor is left, or this user has too many pages in pipes
            self.close()
            raise PipeRefusedError(str(error)) from error
        if size < _PIPE_BYTES:
            self.close()
            raise PipeRefusedError(f"a pipe of {size} bytes")

    def close(self) -> None:
        """Give the descriptors back; the next `send` opens others."""
        readable, writable = self._readable, self._writable
        self._readable = self._writable = -1
        if writable >= 0:
            with suppress(OSError):
                os.close(readable)
            with suppress(OSError):
                os.close(writable)


def piped_from(path: SendPath, transport: BaseTransport) -> int:
    """Regions of how many bytes go through a pipe on this connection; NEVER without splice(2), for
    a transport that encrypts or has no socket, and where the setting says otherwise."""
    if (
        path not in ("auto", "pipe")
        or not hasattr(os, "splice")
        or transport.get_extra_info("socket") is None
        or transport.get_extra_info("sslcontext") is not None
    ):
        return NEVER
    return 0 if path == "pipe" else _PIPED_FROM_BYTES
