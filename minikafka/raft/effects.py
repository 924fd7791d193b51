"""What a step of `RaftNode` asks of its host, to be carried out in the order of the fields.

1. `persist`: first the quorum state, durable before anything after it; then the log is cut; then
   the batches, written at its end. The host flushes the log and reports `Flushed`.
2. `send`: requests to other nodes and answers to theirs. They need not wait for the log's fsync:
   whatever says that something is on disk comes in a step after its `Flushed`.
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


class ReplicatedBatches:
    """Whole batches as the leader has them, to be appended unchanged; `data` is only lent."""

    __slots__ = ("base_offset", "data", "epoch", "record_count")

    def __init__(self, data: Buffer, base_offset: int, record_count: int, epoch: int) -> None:
        self.data = data
        self.base_offset = base_offset
        self.record_count = record_count
        self.epoch = epoch


Batch: TypeAlias = DataBatch | ControlBatch | ReplicatedBatches


class SnapshotChunk:
    """Bytes of the leader's snapshot from `position` on, to be kept in a `.part` file.

    When `is_last`, the file is whole: the host puts it in place, begins its log anew at
    `end_offset` and reports `SnapshotInstalled`.
    """

    __slots__ = ("data", "end_offset", "epoch", "is_last", "position")

    def __init__(
        self, end_offset: int, epoch: int, position: int, data: Buffer, *, is_last: bool
    ) -> None:
        self.end_offset = end_offset
        self.epoch = epoch
        self.position = position
        self.data = data
        self.is_last = is_last


class Persist:
    """Writes: the quorum state when it has changed; cut the log to `truncate_to` (exclusive end)
    unless None; batches for its end; a piece of a snapshot.
    """

    __slots__ = ("batches", "quorum_state", "snapshot", "truncate_to")

    def __init__(
        self,
        quorum_state: QuorumState | None,
        batches: tuple[Batch, ...],
        truncate_to: int | None = None,
        snapshot: SnapshotChunk | None = None,
    ) -> None:
        self.quorum_state = quorum_state
        self.batches = batches
        self.truncate_to = truncate_to
        self.snapshot = snapshot


class Request:
    """A request to another node. The host answers with `Answered` or `Unanswered`, always."""

    __slots__ = ("message", "node_id")

    def __init__(self, node_id: int, message: Message) -> None:
        self.node_id = node_id
        self.message = message


class ProbeVoter:
    """Ask what listens at this address which kraft.version it supports (ApiVersions). The host
    reports `VoterProbed`, always.
    """

    __slots__ = ("host", "port", "voter_id")

    def __init__(self, voter_id: int, host: str, port: int) -> None:
        self.voter_id = voter_id
        self.host = host
        self.port = port


class Reply:
    """The answer to the `Requested` of `token`."""

    __slots__ = ("message", "token")

    def __init__(self, token: object, message: Message) -> None:
        self.token = token
        self.message = message


class RecordsReply:
    """A Fetch answer whose records the host adds: from `offset`, whole batches, about `max_bytes`.

    `message` has one topic with one partition.
    """

    __slots__ = ("max_bytes", "message", "offset", "token")

    def __init__(self, token: object, message: Message, offset: int, max_bytes: int) -> None:
        self.token = token
        self.message = message
        self.offset = offset
        self.max_bytes = max_bytes


class SnapshotReply:
    """A FetchSnapshot answer whose bytes the host adds, from where `request` wants them, at most
    `max_bytes`.
    """

    __slots__ = ("max_bytes", "message", "request", "token")

    def __init__(self, token: object, message: Message, request: Message, max_bytes: int) -> None:
        self.token = token
        self.message = message
        self.request = request
        self.max_bytes = max_bytes


Send: TypeAlias = Request | ProbeVoter | Reply | RecordsReply | SnapshotReply


class Elected:
    """This node leads `epoch`; its first entry is at `epoch_start_offset`.

    Everything below is in its log and will be committed with it: the controller may decide on it at
    once, and answers when its decisions are committed.
    """

    __slots__ = ("epoch", "epoch_start_offset")

    def __init__(self, epoch: int, epoch_start_offset: int) -> None:
        self.epoch = epoch
        self.epoch_start_offset = epoch_start_offset


class Deposed:
    """This node led `epoch` and does so no more; what it decided and is not committed is void."""

    __slots__ = ("epoch",)

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch


class Committed:
    """Everything below `high_watermark` is decided for ever."""

    __slots__ = ("high_watermark",)

    def __init__(self, high_watermark: int) -> None:
        self.high_watermark = high_watermark


Apply: TypeAlias = Elected | Deposed | Committed


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
