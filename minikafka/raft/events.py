"""What can happen to a `RaftNode`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from minikafka.protocol.types import Buffer, Message
    from minikafka.raft.voters import VoterSet


class Started:
    """The node's log and quorum-state have been read; from now on it takes part."""

    __slots__ = ()


class TimerFired:
    """The time that the last effects named has come."""

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
    """An fsync that started after the writes of `epoch` up to `end_offset` (exclusive) is done.

    One that ran while the log was cut tells nothing: the host starts another.
    """

    __slots__ = ("end_offset", "epoch")

    def __init__(self, epoch: int, end_offset: int) -> None:
        self.epoch = epoch
        self.end_offset = end_offset


class Requested:
    """A node asks: Vote, BeginQuorumEpoch, EndQuorumEpoch, Fetch, FetchSnapshot, UpdateRaftVoter;
    or an administrator wants other voters: AddRaftVoter, RemoveRaftVoter.

    `token` is the host's and comes back with the `Reply`.
    """

    __slots__ = ("request", "token")

    def __init__(self, token: object, request: Message) -> None:
        self.token = token
        self.request = request


class Answered:
    """`response` to the `request` that this node had sent to `node_id`."""

    __slots__ = ("node_id", "request", "response")

    def __init__(self, node_id: int, request: Message, response: Message) -> None:
        self.node_id = node_id
        self.request = request
        self.response = response


class Unanswered:
    """The request got no answer in time, or its connection broke.

    `refused`: a connection was refused; nobody listens there any more.
    """

    __slots__ = ("node_id", "refused", "request")

    def __init__(self, node_id: int, request: Message, *, refused: bool = False) -> None:
        self.node_id = node_id
        self.request = request
        self.refused = refused


class SnapshotInstalled:
    """The snapshot that `Persist.snapshot` completed has replaced the log below `end_offset`."""

    __slots__ = ("end_offset", "epoch", "kraft_version", "voters")

    def __init__(
        self, end_offset: int, epoch: int, kraft_version: int, voters: VoterSet | None
    ) -> None:
        self.end_offset = end_offset
        self.epoch = epoch
        self.kraft_version = kraft_version
        self.voters = voters


class SnapshotRefused:
    """What `Persist.snapshot` completed is no snapshot; the log is as it was."""

    __slots__ = ()


class VoterProbed:
    """What a `ProbeVoter` has found: (lowest, highest) kraft.version; None if nobody answered."""

    __slots__ = ("kraft_versions", "voter_id")

    def __init__(self, voter_id: int, kraft_versions: tuple[int, int] | None) -> None:
        self.voter_id = voter_id
        self.kraft_versions = kraft_versions


class KRaftVersionRaised:
    """The controller wants voters to be records from now on, and `voters_as_records` has them."""

    __slots__ = ("level",)

    def __init__(self, level: int) -> None:
        self.level = level


class ResignRequested:
    """The node is about to stop: a leader hands over, anybody else has nothing to do."""

    __slots__ = ()


Event: TypeAlias = (
    Started
    | TimerFired
    | AppendRequested
    | Flushed
    | Requested
    | Answered
    | Unanswered
    | SnapshotInstalled
    | SnapshotRefused
    | VoterProbed
    | KRaftVersionRaised
    | ResignRequested
)
