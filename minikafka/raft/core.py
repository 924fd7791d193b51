"""What all parts of the machine share: who this node is, its state, its log, and the step's output.

The parts (`elections`, `following`, `leading`) read and change it; `RaftNode` collects the outcome.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from minikafka.raft.effects import (
    Apply,
    Batch,
    Committed,
    Deposed,
    Effects,
    Persist,
    Reply,
    Request,
    Send,
    SnapshotChunk,
)
from minikafka.raft.messages import LeaderAndEpoch
from minikafka.raft.progress import UNKNOWN_OFFSET
from minikafka.raft.quorum_state import NOBODY, QuorumState
from minikafka.raft.states import (
    NO_VOTE,
    TRANSITIONS,
    Candidate,
    Follower,
    Leader,
    Prospective,
    Resigned,
    State,
    Unattached,
    Vote,
)
from minikafka.raft.timeouts import FetchSizes
from minikafka.raft.voters import KRAFT_VERSIONS, Voter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from minikafka.protocol.types import Message
    from minikafka.raft.timeouts import Timeouts
    from minikafka.raft.voters import ReplicaKey, VoterEndpoint, VoterHistory, VoterSet


class ReplicatedLog(Protocol):
    """What the machine asks of its log, as it is at the beginning of a step."""

    @property
    def log_start_offset(self) -> int:
        """The first offset that is in the log itself; what was before is in a snapshot."""
        ...

    @property
    def log_end_offset(self) -> int:
        """The offset that the next record will get."""
        ...

    @property
    def last_epoch(self) -> int:
        """The leader epoch of the last batch, or of the snapshot that the log begins with; 0."""
        ...

    @property
    def latest_snapshot(self) -> tuple[int, int] | None:
        """(end offset, epoch) of the newest snapshot of this node."""
        ...

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(largest epoch ≤ `epoch` that the log knows, where it ends); (-1, log start) if none."""
        ...


class Core:
    """The shared part of one machine; see the module. `draw` gives a fraction in [0, 1)."""

    def __init__(
        self,
        *,
        node_id: int,
        directory_id: UUID,
        cluster_id: str | None,
        history: VoterHistory,
        quorum_state: QuorumState,
        log: ReplicatedLog,
        timeouts: Timeouts,
        draw: Callable[[], float],
        own_endpoints: Sequence[VoterEndpoint] = (),
        fetch_sizes: FetchSizes | None = None,
    ) -> None:
        self.node_id = node_id
        self.directory_id = directory_id
        self.cluster_id = cluster_id
        self.history = history
        self.log = log
        self.timeouts = timeouts
        self.draw = draw
        self.own_endpoints = tuple(own_endpoints)
        self.fetch_sizes = fetch_sizes or FetchSizes()
        self.now_ms = 0
        # Where the log ends when this step's writes are carried out, and what of it is on disk.
        self.next_offset = log.log_end_offset
        self.flushed_offset = -1  # what a former process wrote need not be on disk yet
        self.high_watermark = UNKNOWN_OFFSET
        # Where leaders were said to listen, beside what the voter set tells.
        self.endpoints: dict[int, tuple[str, int]] = {}
        self._persisted = quorum_state
        self._truncate_to: int | None = None
        self._snapshot: SnapshotChunk | None = None
        self._batches: list[Batch] = []
        self._send: list[Send] = []
        self._apply: list[Apply] = []
        # The latest epoch whose leader is known to lead it no more, whatever others still say.
        self.ended_epoch = -1
        self.state: State = self._first_state(quorum_state)

    def _first_state(self, found: QuorumState) -> State:
        # A lost or old file must not bring back an epoch that the log has already seen.
        if self.log.last_epoch > found.epoch:
            return Unattached(self.log.last_epoch)
        if found.leader_id == self.node_id:
            return Resigned(found.epoch, self.node_id)
        vote = Vote(found.voted_id, found.voted_directory_id)
        if vote.is_free and found.leader_id != NOBODY:
            vote = Vote(found.leader_id)  # see `state_vote`
        return Unattached(found.epoch, vote)

    # --- who and what

    @property
    def key(self) -> ReplicaKey:
        return self.node_id, self.directory_id

    @property
    def voters(self) -> VoterSet:
        return self.history.voters

    @property
    def is_voter(self) -> bool:
        return self.voters.is_voter(self.node_id, self.directory_id)

    @property
    def may_stand(self) -> bool:
        """Whether it stands for election when there is no leader."""
        return self.history.may_be_needed(self.key, self.high_watermark)

    @property
    def epoch(self) -> int:
        return self.state.epoch

    @property
    def committed_end(self) -> int:
        """Below this everything is committed: so the leaders said, or it is in a snapshot."""
        snapshot = self.log.latest_snapshot
        return max(self.high_watermark, UNKNOWN_OFFSET if snapshot is None else snapshot[0])

    def other_voters(self) -> list[ReplicaKey]:
        """All voters but this node, each with the directory that the voter set gives it."""
        return [
            (voter.node_id, voter.directory_id)
            for voter in self.voters
            if voter.node_id != self.node_id
        ]

    def leader_and_epoch(self) -> LeaderAndEpoch:
        """What this node answers when asked who leads."""
        leader_id = self.state.leader_id
        endpoint = self.voters.endpoint_of(leader_id) or self.endpoints.get(leader_id)
        return LeaderAndEpoch(leader_id, self.epoch, endpoint)

    # --- moving

    def enter(self, state: State) -> None:
        """Go to another state; a leader that leaves its state tells who built on it."""
        before = self.state
        assert type(state) in TRANSITIONS[type(before)], (
            f"no way from {type(before).__name__} to {type(state).__name__}"
        )
        assert state.epoch >= before.epoch, "epochs never go back"
        self.state = state
        if isinstance(before, Leader):
            self._apply.append(Deposed(before.epoch))

    def detach(self, epoch: int, *, patience_ms: int | None = None) -> None:
        """Be without a leader in `epoch`; a voter stands for election after `patience_ms`."""
        if patience_ms is None:
            patience_ms = self.timeouts.election(self.draw())
        vote = self.state_vote() if epoch == self.epoch else NO_VOTE
        self.enter(Unattached(epoch, vote, self.now_ms + patience_ms))

    def follow(self, leader_id: int, epoch: int) -> None:
        """Follow the leader of this or a later epoch."""
        vote = self.state_vote() if epoch == self.epoch else NO_VOTE
        deadline_ms = self.now_ms + self.timeouts.fetch(self.draw())
        self.enter(Follower(epoch, leader_id, vote, deadline_ms))

    def state_vote(self) -> Vote:
        """Whom this node has voted for in its epoch; whom it followed is as good as voted for, as
        no other may come to lead that epoch.
        """
        state = self.state
        if isinstance(state, (Leader, Resigned)):
            return Vote(self.node_id, self.directory_id)
        if state.vote.is_free and state.leader_id != NOBODY:
            return Vote(state.leader_id)
        return state.vote

    def learn(self, leader_id: int, epoch: int, endpoint: tuple[str, int] | None = None) -> None:
        """Somebody says who leads (-1: nobody known) in which epoch; believe it if it is news."""
        if leader_id >= 0 and endpoint is not None:
            self.endpoints[leader_id] = endpoint
        if leader_id == self.node_id:
            leader_id = NOBODY  # told by who remembers more than we do: we lead it no more
        if epoch > self.epoch:
            if leader_id >= 0:
                self.follow(leader_id, epoch)
            else:
                self.detach(epoch)
        elif epoch != self.epoch or epoch == self.ended_epoch:
            return
        elif leader_id >= 0 and self._lacks_leader():
            self.follow(leader_id, epoch)

    def _lacks_leader(self) -> bool:
        state = self.state
        is_looking = isinstance(state, (Unattached, Prospective, Candidate))
        return is_looking and state.leader_id < 0

    # --- the step's output

    def write(self, batch: Batch) -> None:
        assert batch.base_offset == self.next_offset
        self._batches.append(batch)
        self.next_offset += batch.record_count

    def truncate(self, end_offset: int) -> None:
        """Cut the log; what is committed never is."""
        assert not self._batches, "nothing has been written in this step"
        assert end_offset >= self.committed_end, "what is committed is never cut"
        self._truncate_to = end_offset
        self.next_offset = end_offset
        self.flushed_offset = min(self.flushed_offset, end_offset)
        self.history.truncate(end_offset)

    def keep(self, chunk: SnapshotChunk) -> None:
        self._snapshot = chunk

    def ask(self, node_id: int, message: Message) -> None:
        self._send.append(Request(node_id, message))

    def answer(self, token: object, message: Message) -> None:
        self._send.append(Reply(token, message))

    def emit(self, send: Send) -> None:
        self._send.append(send)

    def announce(self, item: Apply) -> None:
        self._apply.append(item)

    def committed(self, high_watermark: int) -> None:
        """The high watermark has moved here."""
        if high_watermark > self.high_watermark:
            self.high_watermark = high_watermark
            self._apply.append(Committed(high_watermark))

    def take_effects(self, timer_at_ms: int | None) -> Effects:
        """What this step has to do; of several changes of quorum state only the last counts."""
        quorum_state = self.state.quorum_state()
        changed = quorum_state != self._persisted
        persist = None
        if changed or self._batches or self._truncate_to is not None or self._snapshot is not None:
            persist = Persist(
                quorum_state if changed else None,
                tuple(self._batches),
                self._truncate_to,
                self._snapshot,
            )
        self._persisted = quorum_state
        effects = Effects(persist, tuple(self._send), tuple(self._apply), timer_at_ms)
        self._batches, self._send, self._apply = [], [], []
        self._truncate_to = self._snapshot = None
        return effects


def voters_with_own_endpoints(core: Core) -> VoterSet:
    """The voters with what this one, if its record is among them, is by now."""
    if not core.own_endpoints or not core.voters.has(core.key):
        return core.voters
    own = Voter(core.node_id, core.directory_id, core.own_endpoints, KRAFT_VERSIONS)
    return core.voters.with_voter(own)
