"""The states of a voter and what leads from one to the next.

    from         on                                               to
    Unattached   started as the only voter                        Candidate (epoch + 1)
    Resigned     started as the only voter                        Candidate (epoch + 1)
    Candidate    a majority has granted, its own vote included    Leader

A node starts Unattached in the epoch of its quorum-state; Resigned, if that file names the node
itself as leader: it has led this epoch and does not lead it again, because what it wrote last may
not be in its log any more. Every state belongs to one epoch. Entering a state that changes epoch,
vote or leader is written to quorum-state before anything follows from it.

`TRANSITIONS` is the same table as data; `RaftNode` refuses any other move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from minikafka.raft.quorum_state import NOBODY, QuorumState

if TYPE_CHECKING:
    from uuid import UUID

    from minikafka.raft.progress import Progress
    from minikafka.raft.voters import VoterSet


class Unattached:
    """Knows its epoch and perhaps whom it has voted for, but no leader."""

    __slots__ = ("epoch", "voted_directory_id", "voted_id")

    def __init__(self, epoch: int, voted_id: int, voted_directory_id: UUID) -> None:
        self.epoch = epoch
        self.voted_id = voted_id
        self.voted_directory_id = voted_directory_id

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, NOBODY, self.voted_id, self.voted_directory_id)


class Resigned:
    """Has led this epoch and leads it no more."""

    __slots__ = ("epoch", "node_id")

    def __init__(self, epoch: int, node_id: int) -> None:
        self.epoch = epoch
        self.node_id = node_id

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, self.node_id)


class Candidate:
    """Has voted for itself in a new epoch and gathers votes."""

    __slots__ = ("directory_id", "epoch", "granted", "node_id")

    def __init__(self, epoch: int, node_id: int, directory_id: UUID) -> None:
        self.epoch = epoch
        self.node_id = node_id
        self.directory_id = directory_id
        self.granted = {node_id: None}  # ordered, as the LeaderChange record lists them

    def has_majority(self, voters: VoterSet) -> bool:
        return sum(node_id in self.granted for node_id in voters.ids) >= voters.majority

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, NOBODY, self.node_id, self.directory_id)


class Leader:
    """Writes the log of its epoch; `progress` knows what is committed of it."""

    __slots__ = ("epoch", "granted", "node_id", "progress")

    def __init__(
        self, epoch: int, node_id: int, granted: tuple[int, ...], progress: Progress
    ) -> None:
        self.epoch = epoch
        self.node_id = node_id
        self.granted = granted
        self.progress = progress

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, self.node_id)


State: TypeAlias = Unattached | Resigned | Candidate | Leader

TRANSITIONS: Final[dict[type[State], tuple[type[State], ...]]] = {
    Unattached: (Candidate,),
    Resigned: (Candidate,),
    Candidate: (Leader,),
    Leader: (),
}
