"""The states of a node and what leads from one to the next.

    from          on                                                       to
    Unattached    patience is over (a voter)                               Prospective
                  started as the only voter                                Candidate (epoch + 1)
                  a leader of the epoch is known                           Follower
    Prospective   a majority would vote for it (pre-vote, KIP-996)         Candidate (epoch + 1)
                  a majority would not, or the round is over               Follower or Unattached
    Candidate     a majority has granted, its own vote included            Leader
                  a majority has not, or the round is over                 Prospective, in a while
    Follower      no good fetch for the fetch timeout (a voter)            Prospective
                  its leader resigns                                       Unattached
    Leader        no majority has fetched for 1.5 fetch timeouts; stopping Resigned
    Resigned      patience is over                                         Unattached (epoch + 1)
                  started as the only voter                                Candidate (epoch + 1)
    any           a higher epoch is seen                                   Unattached or Follower

A node starts Unattached in the epoch of its quorum-state; Follower, if that file names another
leader; Resigned, if it names the node itself: it has led this epoch and does not lead it again,
because what it wrote last may not be in its log any more. Every state belongs to one epoch.
Entering a state that changes epoch, vote or leader is written to quorum-state before anything
follows from it.

A node that does not vote (an observer) is only ever Unattached or Follower.

`TRANSITIONS` is the table as data; `Core` refuses any other move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from minikafka.raft.quorum_state import NOBODY, QuorumState
from minikafka.raft.voters import NO_DIRECTORY

if TYPE_CHECKING:
    from uuid import UUID

    from minikafka.raft.progress import Progress
    from minikafka.raft.voters import Voter, VoterSet

NEVER: Final = 1 << 62
"""A deadline that does not come."""


class Vote:
    """Whom a node has voted for in an epoch, if anybody."""

    __slots__ = ("directory_id", "node_id")

    def __init__(self, node_id: int = NOBODY, directory_id: UUID = NO_DIRECTORY) -> None:
        self.node_id = node_id
        self.directory_id = directory_id

    @property
    def is_free(self) -> bool:
        return self.node_id == NOBODY

    def is_for(self, node_id: int, directory_id: UUID) -> bool:
        known = NO_DIRECTORY not in (self.directory_id, directory_id)
        return self.node_id == node_id and (not known or self.directory_id == directory_id)


NO_VOTE: Final = Vote()


class Unattached:
    """Knows its epoch and perhaps whom it has voted for, but no leader.

    `leaderless` are the nodes that do not know of one either.
    """

    __slots__ = ("deadline_ms", "epoch", "leaderless", "vote")

    def __init__(self, epoch: int, vote: Vote = NO_VOTE, deadline_ms: int = NEVER) -> None:
        self.epoch = epoch
        self.vote = vote
        self.deadline_ms = deadline_ms
        self.leaderless: dict[int, None] = {}

    @property
    def leader_id(self) -> int:
        return NOBODY

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, NOBODY, self.vote.node_id, self.vote.directory_id)


class Resigned:
    """Has led this epoch and leads it no more."""

    __slots__ = ("deadline_ms", "epoch", "node_id")

    def __init__(self, epoch: int, node_id: int, deadline_ms: int = NEVER) -> None:
        self.epoch = epoch
        self.node_id = node_id
        self.deadline_ms = deadline_ms

    @property
    def leader_id(self) -> int:
        return NOBODY

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, self.node_id)


class _Round:
    """One round of asking all voters: who has said yes and who no."""

    __slots__ = ("deadline_ms", "granted", "rejected")

    def __init__(self, node_id: int, deadline_ms: int) -> None:
        self.granted = {node_id: None}  # ordered, as the LeaderChange record lists them
        self.rejected: dict[int, None] = {}
        self.deadline_ms = deadline_ms

    def note(self, node_id: int, *, granted: bool) -> None:
        (self.granted if granted else self.rejected)[node_id] = None

    def has_majority(self, voters: VoterSet) -> bool:
        return sum(node_id in self.granted for node_id in voters.ids) >= voters.majority

    def is_lost(self, voters: VoterSet) -> bool:
        """So many have refused that no majority is left."""
        refused = sum(node_id in self.rejected for node_id in voters.ids)
        return len(voters) - refused < voters.majority


class Prospective(_Round):
    """Asks who would vote for it, before it disturbs anybody with a new epoch (KIP-996)."""

    __slots__ = ("epoch", "leader_id", "vote")

    def __init__(
        self, epoch: int, node_id: int, leader_id: int, vote: Vote, deadline_ms: int
    ) -> None:
        super().__init__(node_id, deadline_ms)
        self.epoch = epoch
        self.leader_id = leader_id
        self.vote = vote

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, self.leader_id, self.vote.node_id, self.vote.directory_id)


class Candidate(_Round):
    """Has voted for itself in a new epoch and gathers votes.

    `is_waiting`: the round is lost, and the deadline is that of the next.
    """

    __slots__ = ("directory_id", "epoch", "is_waiting", "node_id")

    def __init__(self, epoch: int, node_id: int, directory_id: UUID, deadline_ms: int) -> None:
        super().__init__(node_id, deadline_ms)
        self.epoch = epoch
        self.node_id = node_id
        self.directory_id = directory_id
        self.is_waiting = False

    @property
    def leader_id(self) -> int:
        return NOBODY

    @property
    def vote(self) -> Vote:
        return Vote(self.node_id, self.directory_id)

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, NOBODY, self.node_id, self.directory_id)


class Follower:
    """Fetches from the leader of its epoch.

    `has_fetched`: the leader has answered in this epoch, so it lives. `leader_refused`: its
    listener has refused us since, so it is dead and protects nobody from an election. `is_at_end`:
    the leader had nothing more when it answered last, and knows that this node has all.
    """

    __slots__ = (
        "deadline_ms",
        "epoch",
        "has_fetched",
        "is_at_end",
        "leader_id",
        "leader_refused",
        "vote",
    )

    def __init__(self, epoch: int, leader_id: int, vote: Vote, deadline_ms: int) -> None:
        self.epoch = epoch
        self.leader_id = leader_id
        self.vote = vote
        self.deadline_ms = deadline_ms
        self.has_fetched = False
        self.is_at_end = False
        self.leader_refused = False

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, self.leader_id, self.vote.node_id, self.vote.directory_id)


class Leader:
    """Writes the log of its epoch; `progress` knows what is committed of it.

    `told`: what voters without records have told of themselves in this epoch.
    """

    __slots__ = ("epoch", "granted", "node_id", "progress", "told")

    def __init__(
        self, epoch: int, node_id: int, granted: tuple[int, ...], progress: Progress
    ) -> None:
        self.epoch = epoch
        self.node_id = node_id
        self.granted = granted
        self.progress = progress
        self.told: dict[int, Voter] = {}

    @property
    def leader_id(self) -> int:
        return self.node_id

    def quorum_state(self) -> QuorumState:
        return QuorumState(self.epoch, self.node_id)


State: TypeAlias = Unattached | Resigned | Prospective | Candidate | Leader | Follower

TRANSITIONS: Final[dict[type[State], tuple[type[State], ...]]] = {
    Unattached: (Unattached, Prospective, Candidate, Follower),
    Prospective: (Candidate, Follower, Unattached, Prospective),
    Candidate: (Leader, Prospective, Follower, Unattached),
    Follower: (Prospective, Unattached, Follower),
    Leader: (Resigned, Unattached, Follower),
    Resigned: (Candidate, Unattached, Follower),
}
