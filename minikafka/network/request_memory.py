"""The memory of requests that have not arrived in whole, shared by all connections of a server.

Everybody reads into one scratch buffer; a frame that arrives whole in it costs no memory at all.
A frame that does not gets a `RequestBuffer` of its own, and its size as announced buys nothing:

- Frames up to 32 KiB get a bytearray. Larger ones get an anonymous mapping of the exact size: the
  kernel gives pages when they are touched, so that bytes never move once they are in place, and an
  announced 100 MiB costs what has arrived. (`bytearray(n)` touches all its pages at once.)
- Reading goes on within what was *granted*: at first 64 KiB, then four times what has arrived.
- Used mappings are kept as spares while small: a producer of 1 MB batches finds its pages mapped.

**The budget.** All request buffers together stay under `capacity` (`queued.max.request.bytes`).
`capacity` less one request of maximal size is common to all. Who needs more than is left waits in
line, with its reading paused, and is served in order as memory comes back. So that requests that
are half there cannot lock each other out, the first in line may overdraw by one whole request: it
has the *express lane* until its request has been served. Hence a request within
`socket.request.max.bytes` completes as long as its peer sends; peers that fall silent are dropped
by the server's sweep, within seconds while others wait for memory.

Bytes already read when it turns out that they must wait (pipelined behind a request in progress, or
the beginning of a request for which nothing is left) are charged without asking: they are there. So
the budget may be overdrawn by one scratch. From then on everybody reads in pieces of 4 KiB, so that
each further connection adds at most that.
"""

import mmap
from typing import Final, Protocol

SCRATCH_BYTES: Final = 256 << 10
_NARROW_BYTES: Final = 4 << 10
_SMALL_BYTES: Final = 32 << 10
_FIRST_GRANT_BYTES: Final = 64 << 10
_GROWTH: Final = 4
_SPARE_BYTES_EACH: Final = 2 << 20
_SPARE_BYTES_ALL: Final = 8 << 20


class MemoryOwner(Protocol):
    """Who can wait for memory: a connection."""

    def memory_granted(self, size: int) -> None:
        """The `size` bytes that `RequestMemory.grow` had refused are there now."""
        ...


class RequestBuffer:
    """A frame on its way in: `filled` of `size` bytes are there, up to `granted` may be read.

    `charged` bytes of the budget are its own; `view` is as long as the frame.
    """

    __slots__ = ("charged", "filled", "granted", "mapping", "size", "view")

    def __init__(self, memory: "bytearray | mmap.mmap", size: int, filled: int) -> None:
        self.mapping = memory if isinstance(memory, mmap.mmap) else None
        self.view = memoryview(memory)[:size]
        self.size = size
        self.filled = filled
        self.granted = filled
        self.charged = filled

    def window(self) -> memoryview:
        """Where the next bytes go."""
        return self.view[self.filled : self.granted]

    def next_grant(self) -> int:
        """How many bytes more this buffer should be allowed to take."""
        return min(self.size, max(_FIRST_GRANT_BYTES, _GROWTH * self.filled)) - self.granted

    def grant(self, size: int) -> None:
        """Allow `size` bytes more, which have been charged."""
        self.charged += size
        self.granted += size


class RequestMemory:
    """The budget of one server; see the module.

    `scratch` is where a connection without a buffer of its own reads: all of `whole`, or its first
    4 KiB when memory is short. One scratch serves all connections because an event loop calls
    `get_buffer`, reads, and calls `buffer_updated` without anything between.
    """

    __slots__ = (
        "_common_bytes",
        "_narrow",
        "_spare_bytes",
        "_spares",
        "_waiting",
        "capacity",
        "express",
        "held_bytes",
        "scratch",
        "whole",
    )

    def __init__(self, budget_bytes: int, request_max_bytes: int) -> None:
        self.whole = memoryview(bytearray(SCRATCH_BYTES))
        self._narrow = self.whole[:_NARROW_BYTES]
        self.scratch = self.whole
        self.capacity = max(budget_bytes, request_max_bytes)
        self._common_bytes = self.capacity - request_max_bytes
        self.held_bytes = 0
        self._spares: list[mmap.mmap] = []
        self._spare_bytes = 0
        self._waiting: dict[MemoryOwner, int] = {}
        self.express: MemoryOwner | None = None

    @property
    def is_short(self) -> bool:
        """Whether somebody waits for memory."""
        return bool(self._waiting)

    @property
    def used_bytes(self) -> int:
        """Memory in use, spares included."""
        return self.held_bytes + self._spare_bytes

    def begin(self, size: int, head: memoryview) -> RequestBuffer:
        """A buffer for a frame of `size` bytes of which `head` (shorter) has arrived."""
        filled = len(head)
        if size <= _SMALL_BYTES:
            if self._try_common(size):
                buffer = RequestBuffer(bytearray(size), size, filled)
                buffer.granted = buffer.charged = size
                buffer.view[:filled] = head
                return buffer
        elif (spare := self._take_spare(size)) is not None:
            buffer = RequestBuffer(spare, size, filled)
            buffer.granted = size
            buffer.charged = len(spare)
            buffer.view[:filled] = head
            return buffer
        self.charge(filled)
        buffer = RequestBuffer(_anonymous_mapping(size), size, filled)
        buffer.view[:filled] = head
        return buffer

    def grow(self, owner: MemoryOwner, buffer: RequestBuffer) -> bool:
        """Grant the buffer more, or put the owner in line (False; `memory_granted` will tell)."""
        extra = buffer.next_grant()
        if self.express is not owner and not self._try_common(extra):
            if self.express is not None or self._waiting:
                self._waiting[owner] = extra
                return False
            self.express = owner
            self.charge(extra)
        elif self.express is owner:
            self.charge(extra)
        buffer.grant(extra)
        return True

    def charge(self, size: int) -> None:
        """Account for bytes that are there already."""
        self.held_bytes += size
        if self.used_bytes > self._common_bytes:
            self.drop_spares()
            if self.held_bytes > self._common_bytes:
                self.scratch = self._narrow

    def finish(self, owner: MemoryOwner, buffer: RequestBuffer) -> None:
        """The frame has been served, or its connection is gone: take the memory back."""
        mapping = buffer.mapping
        if (
            mapping is not None
            and len(mapping) <= _SPARE_BYTES_EACH
            and self._spare_bytes + len(mapping) <= _SPARE_BYTES_ALL
            and not self._waiting
        ):
            self._spares.append(mapping)
            self._spare_bytes += len(mapping)
        self._waiting.pop(owner, None)
        if self.express is owner:
            self.express = None
        self.release(buffer.charged)

    def release(self, size: int) -> None:
        """Give back `size` charged bytes; whoever waits is served."""
        self.held_bytes -= size
        if self._waiting:
            self._serve_waiting()
        if self.held_bytes <= self._common_bytes and not self._waiting:
            self.scratch = self.whole

    def drop_spares(self) -> None:
        """Give the spare mappings back to the operating system."""
        self._spares.clear()
        self._spare_bytes = 0

    def _try_common(self, size: int) -> bool:
        """Take from the common part, if it has that much and nobody is before us in line."""
        if self._waiting or self.held_bytes + size > self._common_bytes:
            return False
        if self.used_bytes + size > self._common_bytes:
            self.drop_spares()
        self.held_bytes += size
        return True

    def _serve_waiting(self) -> None:
        """In order of arrival: nobody overtakes a large request, so it does not starve."""
        while self._waiting:
            owner, size = next(iter(self._waiting.items()))
            if self.held_bytes + size > self._common_bytes:
                if self.express is not None:
                    return
                self.express = owner
            del self._waiting[owner]
            self.charge(size)
            owner.memory_granted(size)

    def _take_spare(self, size: int) -> mmap.mmap | None:
        spares = self._spares
        if not spares or self._waiting:
            return None
        mapping = spares.pop()
        self._spare_bytes -= len(mapping)
        if len(mapping) >= size and self._try_common(len(mapping)):
            return mapping
        return None  # too small for what is coming in now: let it go, a larger one will follow


def _anonymous_mapping(size: int) -> mmap.mmap:
    """Private zero pages, rounded up so that a spare fits the next batch of about that size."""
    size = (size + _FIRST_GRANT_BYTES - 1) // _FIRST_GRANT_BYTES * _FIRST_GRANT_BYTES
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    mapping = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        mapping.madvise(mmap.MADV_NOHUGEPAGE)  # else the first byte may cost 2 MiB
    return mapping
