"""What can happen to a `RaftNode`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from minikafka.protocol.types import Buffer


class Started:
    """The node's log and quorum-state have been read; from now on it takes part."""

    __slots__ = ()


class AppendRequested:
    """The active controller wants this batch in the log; only a leader is asked.

    It is encoded, but for the offsets: it takes `record_count` of them.
    """

    __slots__ = ("batch", "record_count")

    def __init__(self, batch: Buffer, record_count: int) -> None:
        self.batch = batch
        self.record_count = record_count


class Flushed:
    """An fsync that started after the writes of `epoch` up to `end_offset` (exclusive) is done."""

    __slots__ = ("end_offset", "epoch")

    def __init__(self, epoch: int, end_offset: int) -> None:
        self.epoch = epoch
        self.end_offset = end_offset


Event: TypeAlias = Started | AppendRequested | Flushed
