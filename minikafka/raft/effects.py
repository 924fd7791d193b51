"""What a step of `RaftNode` asks of its host, to be carried out in the order of the fields.

1. `persist`: first the quorum state, durable before anything after it; then the batches, written at
   the end of the log. The host then flushes the log and reports `Flushed`.
2. `send`: messages to other voters. They leave after an fsync that started after the writes of this
   step; stepping goes on meanwhile.
3. `apply`: what has become true and others wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from minikafka.protocol.types import Buffer, Message
    from minikafka.raft.quorum_state import QuorumState


class DataBatch:
    """An encoded batch of metadata records; the log gives it `base_offset` and `epoch`."""

    __slots__ = ("base_offset", "batch", "epoch", "record_count")

    def __init__(self, batch: Buffer, base_offset: int, record_count: int, epoch: int) -> None:
        self.batch = batch
        self.base_offset = base_offset
        self.record_count = record_count
        self.epoch = epoch


class ControlBatch:
    """Control records of the quorum in one batch, which the host encodes with its wall clock.

    `records` pairs a control record type with its message.
    """

    __slots__ = ("base_offset", "epoch", "records")

    def __init__(
        self, records: tuple[tuple[int, Message], ...], base_offset: int, epoch: int
    ) -> None:
        self.records = records
        self.base_offset = base_offset
        self.epoch = epoch

    @property
    def record_count(self) -> int:
        return len(self.records)


Batch: TypeAlias = DataBatch | ControlBatch


class Persist:
    """Writes: the quorum state when it has changed, and batches for the log."""

    __slots__ = ("batches", "quorum_state")

    def __init__(self, quorum_state: QuorumState | None, batches: tuple[Batch, ...]) -> None:
        self.quorum_state = quorum_state
        self.batches = batches


class Send:
    """A request to another node of the quorum."""

    __slots__ = ("message", "node_id")

    def __init__(self, node_id: int, message: Message) -> None:
        self.node_id = node_id
        self.message = message


class Elected:
    """This node leads `epoch`; its first entry is at `epoch_start_offset`.

    Everything below is in its log and will be committed with it: the controller may decide on it at
    once, and answers when its decisions are committed.
    """

    __slots__ = ("epoch", "epoch_start_offset")

    def __init__(self, epoch: int, epoch_start_offset: int) -> None:
        self.epoch = epoch
        self.epoch_start_offset = epoch_start_offset


class Committed:
    """Everything below `high_watermark` is decided for ever."""

    __slots__ = ("high_watermark",)

    def __init__(self, high_watermark: int) -> None:
        self.high_watermark = high_watermark


Apply: TypeAlias = Elected | Committed


class Effects:
    """Outcome of one step; `timer_at_ms` is when the node wants to be stepped at the latest."""

    __slots__ = ("apply", "persist", "send", "timer_at_ms")

    def __init__(
        self,
        persist: Persist | None = None,
        send: tuple[Send, ...] = (),
        apply: tuple[Apply, ...] = (),
        timer_at_ms: int | None = None,
    ) -> None:
        self.persist = persist
        self.send = send
        self.apply = apply
        self.timer_at_ms = timer_at_ms
