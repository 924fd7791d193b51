"""Cuts what a connection receives into frames, without copying large ones.

The loop writes into a scratch buffer; a frame that has not arrived in whole gets a buffer of its
own, into which the rest is received directly. Each frame handed on belongs to who receives it.
"""

from __future__ import annotations

import asyncio
from struct import Struct
from typing import Final

from minikafka.protocol.errors import MalformedMessage
from minikafka.protocol.types import Buffer

_unpack_size = Struct(">i").unpack_from
_PREFIX_BYTES: Final = 4
_SCRATCH_BYTES: Final = 64 * 1024


class FrameReceiver(asyncio.BufferedProtocol):
    """The receiving half of a channel; `frame_received` is the other half's."""

    __slots__ = ("_filled", "_own", "_part", "_scratch")

    frame_max_bytes: Final = 1 << 30
    """A larger answer is taken for something that is not Kafka."""

    def __init__(self) -> None:
        self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        self._part = 0  # bytes of an unfinished size prefix at the start of the scratch
        self._own: memoryview | None = None
        self._filled = 0

    def get_buffer(self, sizehint: int) -> memoryview:
        """Called by the loop: where to read to."""
        if self._own is not None:
            return self._own[self._filled :]
        return self._scratch[self._part :]

    def buffer_updated(self, nbytes: int) -> None:
        """Called by the loop: `nbytes` are where `get_buffer` said."""
        own = self._own
        if own is not None:
            self._filled += nbytes
            if self._filled == len(own):
                self._own = None
                self.frame_received(own)
            return
        scratch = self._scratch
        end = self._part + nbytes
        position = 0
        while end - position >= _PREFIX_BYTES:
            (size,) = _unpack_size(scratch, position)
            if not 0 < size <= self.frame_max_bytes:
                self.receiving_failed(MalformedMessage(f"an answer of {size} bytes"))
                return
            start = position + _PREFIX_BYTES
            position = start + size
            if position > end:
                self._part = 0
                self._own = memoryview(bytearray(size))
                self._filled = end - start
                self._own[: self._filled] = scratch[start:end]
                return
            self.frame_received(bytes(scratch[start:position]))
        self._part = end - position
        scratch[: self._part] = bytes(scratch[position:end])

    def frame_received(self, frame: Buffer) -> None:
        """One whole frame, without its size; the receiver may keep it."""
        raise NotImplementedError

    def receiving_failed(self, reason: MalformedMessage) -> None:
        """What arrives are no frames."""
        raise NotImplementedError
