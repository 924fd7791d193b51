"""The leader's part: write, answer fetches, count who has what, and notice when nobody fetches.

A fetch says that its sender has everything below its offset on disk, so it is the acknowledgement.
One that has nothing to learn is parked until there are records or the high watermark moves: both
travel to the followers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.fetch import FetchResponse
from minikafka.raft.control import kraft_version_record, kraft_voters_record, leader_change_record
from minikafka.raft.core import voters_with_own_endpoints
from minikafka.raft.effects import ControlBatch, DataBatch, Elected, RecordsReply, SnapshotReply
from minikafka.raft.messages import (
    begin_request,
    fetch_response,
    fetching_replica,
    is_for_metadata,
    snapshot_response,
)
from minikafka.raft.progress import Progress
from minikafka.raft.states import Leader
from minikafka.raft.timeouts import FETCH_WAIT_MS

if TYPE_CHECKING:
    from minikafka.protocol.messages.fetch import FetchPartition, FetchRequest
    from minikafka.protocol.messages.fetch_snapshot import FetchSnapshotRequest
    from minikafka.raft.core import Core
    from minikafka.raft.events import AppendRequested, Flushed


class _Parked:
    """A fetch that waits: what it will be answered with depends on what comes first."""

    __slots__ = ("deadline_ms", "high_watermark", "max_bytes", "offset", "token")

    def __init__(
        self, token: object, offset: int, high_watermark: int, max_bytes: int, deadline_ms: int
    ) -> None:
        self.token = token
        self.offset = offset
        self.high_watermark = high_watermark
        self.max_bytes = max_bytes
        self.deadline_ms = deadline_ms


class Leading:
    """The part of the machine that leads; idle while the node does not."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._parked: list[_Parked] = []
        self._begin_at_ms = 0

    # --- becoming leader

    def lead(self, epoch: int, granted: tuple[int, ...]) -> None:
        """Won: the first entry of the epoch is the news of it."""
        core = self._core
        start = core.next_offset
        core.enter(Leader(epoch, core.node_id, granted, Progress(start, core.now_ms)))
        records = [leader_change_record(core.node_id, core.voters.ids, granted)]
        version = core.history.kraft_version
        if version > 0 and core.history.offset < 0 and start == 0:
            # So far the voters are only in the snapshot that formatting left; now the log has them.
            records += [kraft_version_record(version), kraft_voters_record(core.voters)]
            core.history.add(start, core.voters, version)
        elif (voters := voters_with_own_endpoints(core)) != core.voters:
            records.append(kraft_voters_record(voters))
            core.history.add(start + len(records) - 1, voters, None)
        core.write(ControlBatch(tuple(records), start, epoch))
        core.announce(Elected(epoch, start))
        self._tell_voters(core.now_ms)

    def _tell_voters(self, silent_since_ms: int) -> None:
        """BeginQuorumEpoch to all voters that have not fetched since."""
        core = self._core
        state = core.state
        assert isinstance(state, Leader)
        own = next((voter for voter in core.voters if voter.node_id == core.node_id), None)
        for key in core.other_voters():
            heard_ms = max(
                (
                    replica.fetched_ms
                    for (node_id, _), replica in state.progress
                    if node_id == key[0]
                ),
                default=-1,
            )
            if heard_ms < silent_since_ms:
                endpoints = own.endpoints if own is not None else ()
                message = begin_request(core.cluster_id, core.leader_and_epoch(), key, endpoints)
                core.ask(key[0], message)
        self._begin_at_ms = core.now_ms + core.timeouts.begin_epoch_ms

    # --- writing

    def append(self, event: AppendRequested) -> None:
        """The controller's records."""
        core = self._core
        state = core.state
        assert isinstance(state, Leader), "only the leader of an epoch writes its log"
        assert event.record_count > 0
        core.write(DataBatch(event.batch, core.next_offset, event.record_count, state.epoch))
        self._answer_parked()

    def flushed(self, event: Flushed) -> None:
        """What this node has written is on its own disk."""
        core = self._core
        state = core.state
        if isinstance(state, Leader) and event.epoch == state.epoch and core.is_voter:
            own = state.progress.of(core.key)
            own.end_offset = max(own.end_offset, event.end_offset)
            self._advance(state)

    def _advance(self, state: Leader) -> None:
        if state.progress.advance(self._core.voters):
            self._core.committed(state.progress.high_watermark)
            self._answer_parked()

    # --- answering fetches

    def fetch(self, token: object, request: FetchRequest) -> None:
        """A replica asks for more; so do those who only look for the leader."""
        core = self._core
        if request.cluster_id is not None and core.cluster_id not in (None, request.cluster_id):
            core.answer(token, FetchResponse(error_code=ErrorCode.INCONSISTENT_CLUSTER_ID))
            return
        assert is_for_metadata(request), "the host lets nothing else through"
        asked = request.topics[0].partitions[0]
        error = self._fetch_error(asked)
        if error:
            core.answer(token, self._answer(error))
            return
        state = core.state
        assert isinstance(state, Leader)
        snapshot = core.log.latest_snapshot
        if snapshot is not None and self._needs_snapshot(asked, snapshot):
            core.answer(token, self._answer(snapshot=snapshot))
            return
        diverging = self._diverging(asked)
        if diverging is not None:
            core.answer(token, self._answer(diverging=diverging))
            return
        key = fetching_replica(request)
        if key[0] >= 0:  # A consumer is no replica: nothing depends on how far it is.
            state.progress.of(key).fetched(asked.fetch_offset, core.next_offset, core.now_ms)
            self._advance(state)
        self._answer_or_park(token, request, asked)

    def fetch_snapshot(self, token: object, request: FetchSnapshotRequest) -> None:
        """A replica wants a piece of a snapshot; so it lives, though it fetches no records."""
        core = self._core
        asked = request.topics[0].partitions[0]
        error = self._epoch_error(asked.current_leader_epoch)
        message = snapshot_response(core.leader_and_epoch(), error)
        if error:
            core.answer(token, message)
            return
        state = core.state
        assert isinstance(state, Leader)
        state.progress.of((request.replica_id, asked.replica_directory_id)).heard(core.now_ms)
        max_bytes = min(max(request.max_bytes, 0), core.fetch_sizes.snapshot_bytes)
        core.emit(SnapshotReply(token, message, request, max_bytes))

    def _epoch_error(self, epoch: int) -> ErrorCode:
        core = self._core
        if 0 <= epoch < core.epoch:
            return ErrorCode.FENCED_LEADER_EPOCH
        if epoch > core.epoch:
            return ErrorCode.UNKNOWN_LEADER_EPOCH
        if not isinstance(core.state, Leader):
            return ErrorCode.NOT_LEADER_OR_FOLLOWER
        return ErrorCode.NONE

    def _fetch_error(self, asked: FetchPartition) -> ErrorCode:
        """What is malformed is so on a follower, too."""
        is_in_order = 0 <= asked.last_fetched_epoch <= asked.current_leader_epoch
        if asked.fetch_offset < 0 or not is_in_order:
            return ErrorCode.INVALID_REQUEST
        return self._epoch_error(asked.current_leader_epoch)

    def _needs_snapshot(self, asked: FetchPartition, snapshot: tuple[int, int]) -> bool:
        """Who starts from nothing gets the snapshot; so does who needs what is no more."""
        if snapshot[0] == 0:
            return False
        if asked.fetch_offset == 0 and asked.last_fetched_epoch == 0:
            return True
        if asked.fetch_offset < self._core.log.log_start_offset:
            return True
        known, _ = self._core.log.end_offset_for_epoch(asked.last_fetched_epoch)
        return known < 0

    def _diverging(self, asked: FetchPartition) -> tuple[int, int] | None:
        """(epoch, end offset) of the last thing in common, None if the replica's log is ours."""
        if asked.fetch_offset == 0 and asked.last_fetched_epoch == 0:
            return None
        core = self._core
        epoch, end_offset = core.log.end_offset_for_epoch(asked.last_fetched_epoch)
        if epoch == core.epoch or epoch == core.log.last_epoch:
            end_offset = max(end_offset, core.log.log_end_offset)
        if epoch == asked.last_fetched_epoch and asked.fetch_offset <= end_offset:
            return None
        return epoch, end_offset

    def _answer(
        self,
        error: ErrorCode = ErrorCode.NONE,
        *,
        diverging: tuple[int, int] | None = None,
        snapshot: tuple[int, int] | None = None,
    ) -> FetchResponse:
        core = self._core
        state = core.state
        high_watermark = -1
        if isinstance(state, Leader) and not error:
            high_watermark = state.progress.high_watermark
        return fetch_response(
            core.leader_and_epoch(),
            error,
            high_watermark=high_watermark,
            log_start_offset=core.log.log_start_offset,
            diverging=diverging,
            snapshot=snapshot,
        )

    def _answer_or_park(self, token: object, request: FetchRequest, asked: FetchPartition) -> None:
        core = self._core
        wait_ms = min(max(request.max_wait_ms, 0), FETCH_WAIT_MS)
        parked = _Parked(
            token,
            asked.fetch_offset,
            asked.high_watermark,
            min(max(request.max_bytes, 0), core.fetch_sizes.records_bytes),
            core.now_ms + wait_ms,
        )
        if not self._try_answer(parked):
            if wait_ms == 0:
                core.answer(token, self._answer())
            else:
                self._parked.append(parked)

    def _try_answer(self, parked: _Parked) -> bool:
        core = self._core
        state = core.state
        if not isinstance(state, Leader):
            core.answer(parked.token, self._answer(ErrorCode.NOT_LEADER_OR_FOLLOWER))
        elif parked.offset < core.next_offset:
            message = self._answer()
            core.emit(RecordsReply(parked.token, message, parked.offset, parked.max_bytes))
        elif (
            state.progress.high_watermark > parked.high_watermark
            or parked.deadline_ms <= core.now_ms
        ):
            core.answer(parked.token, self._answer())
        else:
            return False
        return True

    def _answer_parked(self) -> None:
        parked, self._parked = self._parked, []
        self._parked += [waiting for waiting in parked if not self._try_answer(waiting)]

    def deposed(self) -> None:
        """The node leads no more: whoever waits is told where to go."""
        self._answer_parked()

    # --- time

    def timer_at_ms(self, state: Leader) -> int:
        """When the leader has something to do."""
        core = self._core
        deadlines = [waiting.deadline_ms for waiting in self._parked]
        if len(core.voters) > 1 or not core.is_voter:
            patience_ms = core.timeouts.check_quorum_ms
            deadlines.append(self._begin_at_ms)
            deadlines.append(
                state.progress.majority_lost_at_ms(patience_ms, core.voters, core.node_id)
            )
        return min(deadlines, default=1 << 62)

    def tick(self, state: Leader) -> bool:
        """Do what is due; False if nobody listens to this leader any more, and it must resign."""
        core = self._core
        since_ms = core.now_ms - core.timeouts.check_quorum_ms
        if not state.progress.heard_since(since_ms, core.voters, core.node_id):
            return False
        if core.now_ms >= self._begin_at_ms:
            self._tell_voters(core.now_ms - core.timeouts.begin_epoch_ms)
        self._answer_parked()
        return True
