"""The consensus machine of one node: `step(event, now_ms) -> Effects`.

It reads its log through `ReplicatedLog` and writes it only by effects; it knows no clock, socket or
disk, and draws chance from the function it is given. The host carries out the effects of a step
before the next step, except that flushing goes on in the background and comes back as `Flushed`,
and requests come back as `Answered` or `Unanswered`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from minikafka.protocol.messages.add_raft_voter import AddRaftVoterRequest
from minikafka.protocol.messages.begin_quorum_epoch import BeginQuorumEpochRequest
from minikafka.protocol.messages.end_quorum_epoch import EndQuorumEpochRequest
from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse
from minikafka.protocol.messages.fetch_snapshot import (
    FetchSnapshotRequest,
    FetchSnapshotResponse,
)
from minikafka.protocol.messages.remove_raft_voter import RemoveRaftVoterRequest
from minikafka.protocol.messages.update_raft_voter import (
    UpdateRaftVoterRequest,
    UpdateRaftVoterResponse,
)
from minikafka.protocol.messages.vote import VoteRequest, VoteResponse
from minikafka.raft.core import Core, ReplicatedLog
from minikafka.raft.elections import Elections
from minikafka.raft.events import (
    Answered,
    AppendRequested,
    Flushed,
    KRaftVersionRaised,
    Requested,
    ResignRequested,
    SnapshotInstalled,
    SnapshotRefused,
    Started,
    TimerFired,
    Unanswered,
    VoterProbed,
)
from minikafka.raft.following import Following
from minikafka.raft.leading import Leading
from minikafka.raft.membership import Membership
from minikafka.raft.states import NEVER, Leader
from minikafka.raft.timeouts import FetchSizes, Timeouts
from minikafka.raft.voter_changes import VoterChanges

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from minikafka.raft.effects import Effects
    from minikafka.raft.events import Event
    from minikafka.raft.progress import Progress
    from minikafka.raft.quorum_state import QuorumState
    from minikafka.raft.states import State
    from minikafka.raft.voters import VoterEndpoint, VoterHistory, VoterSet

__all__ = ["RaftNode", "ReplicatedLog"]


class RaftNode:
    """One node of the quorum, voter or observer; see `states.py` for how it moves.

    kraft.version 0 means static voters, 1 that voters are records of the log (KIP-853).
    """

    def __init__(
        self,
        *,
        node_id: int,
        directory_id: UUID,
        history: VoterHistory,
        quorum_state: QuorumState,
        log: ReplicatedLog,
        draw: Callable[[], float],
        cluster_id: str | None = None,
        timeouts: Timeouts | None = None,
        bootstrap_ids: Sequence[int] = (),
        own_endpoints: Sequence[VoterEndpoint] = (),
        listener_name: str = "CONTROLLER",
        fetch_sizes: FetchSizes | None = None,
        auto_join: bool = False,
    ) -> None:
        self._core = Core(
            node_id=node_id,
            directory_id=directory_id,
            cluster_id=cluster_id,
            history=history,
            quorum_state=quorum_state,
            log=log,
            timeouts=timeouts or Timeouts(),
            draw=draw,
            own_endpoints=own_endpoints,
            fetch_sizes=fetch_sizes,
        )
        self._changes = VoterChanges(self._core, listener_name)
        self._leading = Leading(self._core)
        self._elections = Elections(self._core, self._leading.lead)
        self._following = Following(self._core, bootstrap_ids)
        self._membership = Membership(self._core, auto_join=auto_join)

    # --- what the host may look at

    @property
    def node_id(self) -> int:
        return self._core.node_id

    @property
    def directory_id(self) -> UUID:
        return self._core.directory_id

    @property
    def state(self) -> State:
        return self._core.state

    @property
    def epoch(self) -> int:
        return self._core.epoch

    @property
    def leader_id(self) -> int:
        """Who leads this epoch as far as known, -1 if nobody is."""
        return self._core.state.leader_id

    @property
    def is_leader(self) -> bool:
        return isinstance(self._core.state, Leader)

    @property
    def voters(self) -> VoterSet:
        return self._core.voters

    @property
    def kraft_version(self) -> int:
        return self._core.history.kraft_version

    def voters_before(self, end_offset: int) -> tuple[int, VoterSet]:
        """(kraft.version, voters) as the log below `end_offset` has them."""
        return self._core.history.before(end_offset)

    @property
    def high_watermark(self) -> int:
        """End of what is committed as far as this node knows; -1 before it knows anything.

        A new leader does not know before an entry of its own epoch is committed.
        """
        state = self._core.state
        return (
            state.progress.high_watermark
            if isinstance(state, Leader)
            else (self._core.high_watermark)
        )

    @property
    def progress(self) -> Progress | None:
        """What a leader knows of the replicas; None while this node does not lead."""
        state = self._core.state
        return state.progress if isinstance(state, Leader) else None

    @property
    def needs_flush(self) -> bool:
        """Whether something is in the log that no `Flushed` of this epoch has covered yet."""
        return self._core.flushed_offset < self._core.next_offset

    def can_raise_kraft_version(self, level: int) -> bool:
        """Whether this node leads and knows enough of all voters to make records of them."""
        return self._changes.as_records(level) is not None

    def endpoint_of(self, node_id: int) -> tuple[str, int] | None:
        """(host, port) of a node of the quorum, from the voter set or from hearsay."""
        return self._core.voters.endpoint_of(node_id) or self._core.endpoints.get(node_id)

    # --- the machine

    def step(self, event: Event, now_ms: int) -> Effects:
        """Take in what happened at `now_ms` (the loop's time); say what is to be done about it."""
        core = self._core
        core.now_ms = now_ms
        was_leader = self.is_leader
        self._take(event)
        self._keep_time()
        if was_leader and not self.is_leader:
            self._leading.deposed()
            self._changes.deposed()
        self._following.fetch_if_due()
        self._membership.ask_if_due()
        return core.take_effects(self._timer_at_ms())

    def _take(self, event: Event) -> None:
        core = self._core
        match event:
            case Started():
                self._elections.start()
            case TimerFired():
                pass
            case AppendRequested():
                self._leading.append(event)
            case Flushed():
                self._flushed(event)
            case Requested():
                self._requested(event)
            case Answered():
                self._answered(event)
            case Unanswered():
                self._unanswered(event)
            case SnapshotInstalled():
                core.history.restart(event.voters, event.kraft_version)
                self._following.installed(event.end_offset)
            case SnapshotRefused():
                self._following.refused()
            case VoterProbed() | KRaftVersionRaised():
                self._changes.take(event)
            case ResignRequested():
                self._resign()
            case _:
                assert_never(event)

    def _resign(self) -> None:
        if isinstance(self._core.state, Leader):
            self._elections.resign(self._core.state)

    def _flushed(self, event: Flushed) -> None:
        core = self._core
        assert event.end_offset <= core.next_offset or event.epoch != core.epoch
        if event.epoch == core.epoch:
            core.flushed_offset = max(core.flushed_offset, event.end_offset)
            self._leading.flushed(event)

    def _requested(self, event: Requested) -> None:
        request, token = event.request, event.token
        if isinstance(request, VoteRequest):
            self._elections.vote(token, request)
        elif isinstance(request, BeginQuorumEpochRequest):
            self._elections.begin(token, request)
        elif isinstance(request, EndQuorumEpochRequest):
            self._elections.end(token, request)
        elif isinstance(request, FetchSnapshotRequest):
            self._leading.fetch_snapshot(token, request)
        elif isinstance(request, AddRaftVoterRequest):
            self._changes.add(token, request)
        elif isinstance(request, RemoveRaftVoterRequest):
            self._changes.remove(token, request)
        elif isinstance(request, UpdateRaftVoterRequest):
            self._changes.update(token, request)
        else:
            assert isinstance(request, FetchRequest), f"{type(request).__name__} is not raft's"
            self._leading.fetch(token, request)

    def _answered(self, event: Answered) -> None:
        request, response = event.request, event.response
        if isinstance(request, VoteRequest):
            assert isinstance(response, VoteResponse)
            self._elections.answered(event.node_id, request, response)
        elif isinstance(request, FetchRequest):
            assert isinstance(response, FetchResponse)
            if self._following.answered(event.node_id, request, response):
                self._elections.nobody_known_at(event.node_id)
        elif isinstance(request, FetchSnapshotRequest):
            assert isinstance(response, FetchSnapshotResponse)
            self._following.snapshot_answered(event.node_id, request, response)
        elif isinstance(request, (BeginQuorumEpochRequest, EndQuorumEpochRequest)):
            self._announced(response)
        elif isinstance(request, UpdateRaftVoterRequest):
            assert isinstance(response, UpdateRaftVoterResponse)
            self._membership.told(request, response)

    def _announced(self, response: object) -> None:
        """Answers to announcements only tell when a later epoch has begun."""
        topics = getattr(response, "topics", None)
        if topics and topics[0].partitions:
            data = topics[0].partitions[0]
            if data.leader_epoch > self._core.epoch:
                self._core.learn(data.leader_id, data.leader_epoch)

    def _unanswered(self, event: Unanswered) -> None:
        if isinstance(event.request, VoteRequest):
            self._elections.unanswered(event.node_id, event.request)
        else:
            self._following.unanswered(event.request)
        if event.refused and event.node_id == self._core.state.leader_id:
            self._elections.refused_by_leader()

    def _keep_time(self) -> None:
        """Do what is due at this time."""
        core = self._core
        state = core.state
        if isinstance(state, Leader):
            goes = self._changes.advanced(state.progress.high_watermark)
            self._changes.tick()
            if not self._leading.tick(state) or goes:
                self._elections.resign(state)
        elif state.deadline_ms <= core.now_ms:
            self._elections.timed_out()

    def _timer_at_ms(self) -> int | None:
        state = self._core.state
        if isinstance(state, Leader):
            at_ms = min(self._leading.timer_at_ms(state), self._changes.deadline_ms())
        else:
            at_ms = min(state.deadline_ms, self._following.timer_at_ms())
        return None if at_ms >= NEVER else at_ms
