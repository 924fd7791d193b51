"""The consensus machine of one node: `step(event, now_ms) -> Effects`.

It reads its log through `ReplicatedLog` and writes it only by effects; it knows no clock, socket or
disk. The host carries out the effects of a step before the next step, except that flushing goes on
in the background and comes back as `Flushed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, assert_never

from minikafka.raft.control import kraft_version_record, kraft_voters_record, leader_change_record
from minikafka.raft.effects import (
    Apply,
    Batch,
    Committed,
    ControlBatch,
    DataBatch,
    Effects,
    Elected,
    Persist,
)
from minikafka.raft.events import AppendRequested, Flushed, Started
from minikafka.raft.progress import UNKNOWN_OFFSET, Progress
from minikafka.raft.quorum_state import NOBODY, QuorumState
from minikafka.raft.states import TRANSITIONS, Candidate, Leader, Resigned, State, Unattached

if TYPE_CHECKING:
    from uuid import UUID

    from minikafka.raft.events import Event
    from minikafka.raft.voters import VoterSet


class ReplicatedLog(Protocol):
    """What the machine asks of its log."""

    @property
    def log_end_offset(self) -> int:
        """The offset that the next record will get."""
        ...

    @property
    def last_epoch(self) -> int:
        """The leader epoch of the last batch; 0 in an empty log."""
        ...


class RaftNode:
    """One voter. Owns its state, epoch included; see `states.py` for how it moves.

    `kraft_version` 0 means static voters, 1 that voters are records of the log.
    """

    __slots__ = (
        "_batches",
        "_log",
        "_next_offset",
        "_persisted",
        "directory_id",
        "kraft_version",
        "node_id",
        "state",
        "voters",
    )

    def __init__(
        self,
        *,
        node_id: int,
        directory_id: UUID,
        voters: VoterSet,
        kraft_version: int,
        quorum_state: QuorumState,
        log: ReplicatedLog,
    ) -> None:
        self.node_id = node_id
        self.directory_id = directory_id
        self.voters = voters
        self.kraft_version = kraft_version
        self._log = log
        self._persisted = quorum_state
        self._batches: list[Batch] = []
        self._next_offset = log.log_end_offset
        # A lost or old file must not bring back an epoch that the log has already seen.
        epoch = max(quorum_state.epoch, log.last_epoch)
        if epoch > quorum_state.epoch:
            quorum_state = QuorumState(epoch)
        self.state: State
        if quorum_state.leader_id == node_id:
            self.state = Resigned(epoch, node_id)
        else:
            self.state = Unattached(epoch, quorum_state.voted_id, quorum_state.voted_directory_id)

    @property
    def epoch(self) -> int:
        return self.state.epoch

    @property
    def leader_id(self) -> int:
        """Who leads this epoch as far as known, -1 if nobody is."""
        return self.node_id if isinstance(self.state, Leader) else NOBODY

    @property
    def is_leader(self) -> bool:
        return isinstance(self.state, Leader)

    @property
    def high_watermark(self) -> int:
        """End of what is committed as far as this node knows; -1 before it knows anything."""
        state = self.state
        return state.progress.high_watermark if isinstance(state, Leader) else UNKNOWN_OFFSET

    def step(self, event: Event, now_ms: int) -> Effects:
        """Take in what happened at `now_ms` (the loop's time); say what is to be done about it."""
        match event:
            case Started():
                apply = self._start()
            case AppendRequested():
                apply = self._append(event)
            case Flushed():
                apply = self._flushed(event)
            case _:
                assert_never(event)
        return Effects(self._take_persist(), apply=apply)

    def _start(self) -> tuple[Apply, ...]:
        if not self.voters.is_sole(self.node_id, self.directory_id):
            return ()
        # Its own vote is the majority: nobody need be asked, and no timeout awaited.
        candidate = Candidate(self.epoch + 1, self.node_id, self.directory_id)
        self._enter(candidate)
        assert candidate.has_majority(self.voters)
        return self._become_leader(candidate)

    def _become_leader(self, candidate: Candidate) -> tuple[Apply, ...]:
        granted = tuple(candidate.granted)
        start = self._next_offset
        self._enter(Leader(candidate.epoch, self.node_id, granted, Progress(start)))
        records = [leader_change_record(self.node_id, self.voters.ids, granted)]
        if self.kraft_version > 0 and start == 0:
            # So far the voters are only in the snapshot that formatting left; now the log has them.
            records += [kraft_version_record(self.kraft_version), kraft_voters_record(self.voters)]
        self._write(ControlBatch(tuple(records), start, candidate.epoch))
        return (Elected(candidate.epoch, start),)

    def _append(self, event: AppendRequested) -> tuple[Apply, ...]:
        state = self.state
        assert isinstance(state, Leader), "only the leader of an epoch writes its log"
        assert event.record_count > 0
        self._write(DataBatch(event.batch, self._next_offset, event.record_count, state.epoch))
        return ()

    def _flushed(self, event: Flushed) -> tuple[Apply, ...]:
        state = self.state
        assert event.end_offset <= self._next_offset, "flushed what was never written"
        if not isinstance(state, Leader) or event.epoch != state.epoch:
            return ()
        if not state.progress.reached(self.node_id, event.end_offset, self.voters):
            return ()
        return (Committed(state.progress.high_watermark),)

    def _enter(self, state: State) -> None:
        assert type(state) in TRANSITIONS[type(self.state)], (
            f"no way from {type(self.state).__name__} to {type(state).__name__}"
        )
        assert state.epoch >= self.state.epoch, "epochs never go back"
        self.state = state

    def _write(self, batch: Batch) -> None:
        assert batch.base_offset == self._next_offset
        self._batches.append(batch)
        self._next_offset += batch.record_count

    def _take_persist(self) -> Persist | None:
        """What this step has to write; of several changes of quorum state only the last counts."""
        quorum_state = self.state.quorum_state()
        changed = quorum_state != self._persisted
        if not changed and not self._batches:
            return None
        batches, self._batches = tuple(self._batches), []
        self._persisted = quorum_state
        return Persist(quorum_state if changed else None, batches)
