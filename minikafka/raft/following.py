"""The follower's part: fetch from the leader, append what comes, cut what diverges, install
snapshots. A node without a leader asks voters in turn until one names it.

One request is under way at a time. The next fetch leaves when everything of the last answer is on
disk, because it acknowledges it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from minikafka.protocol.errors import ErrorCode, ProtocolError
from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.records.raft.voters_record import VotersRecord
from minikafka.raft.control import decode_control, voters_of
from minikafka.raft.effects import ReplicatedBatches, SnapshotChunk
from minikafka.raft.messages import fetch_request, snapshot_request
from minikafka.raft.states import NEVER, Candidate, Follower, Prospective, Unattached
from minikafka.raft.timeouts import FETCH_WAIT_MS
from minikafka.records.batch import BatchHeader, has_valid_crc, walk
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import decode_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse, PartitionData
    from minikafka.protocol.messages.fetch_snapshot import (
        FetchSnapshotRequest,
        FetchSnapshotResponse,
    )
    from minikafka.protocol.types import Message
    from minikafka.raft.core import Core
    from minikafka.raft.voters import VoterSet


class Following:
    """The part of the machine that follows; idle while the node leads.

    `bootstrap_ids` stand for the addresses of `controller.quorum.bootstrap.servers`, which a node
    that knows no voter asks. `high_watermark_known` of the request lets the leader answer at once
    when it has moved.
    """

    def __init__(self, core: Core, bootstrap_ids: Sequence[int]) -> None:
        self._core = core
        self._bootstrap_ids = tuple(bootstrap_ids)
        self._under_way: Message | None = None
        self._asked_leader_id = -1
        self._next_fetch_ms = 0
        self._snapshot: tuple[int, int] | None = None
        self._snapshot_position = 0
        self._installing = False

    # --- asking

    def timer_at_ms(self) -> int:
        """When a fetch is due, unless one is under way or the disk is waited for."""
        core = self._core
        waits = self._under_way is not None or self._installing
        if waits or core.flushed_offset < core.next_offset or not self._is_asking():
            return NEVER
        return self._next_fetch_ms

    def _is_asking(self) -> bool:
        # While it stands for election the voters' answers will tell who leads, if anybody does.
        return isinstance(self._core.state, (Follower, Unattached, Prospective, Candidate))

    def fetch_if_due(self) -> None:
        """Send the next request if its time has come."""
        core = self._core
        if isinstance(core.state, Follower) and self._asked_leader_id != core.state.leader_id:
            self._under_way = None  # asked before this leader was known: not waited for any more
        if self.timer_at_ms() > core.now_ms:
            return
        target = self._target()
        if target is None:
            self._next_fetch_ms = core.now_ms + core.timeouts.retry_backoff_ms
            return
        if self._snapshot is not None:
            message: Message = snapshot_request(
                core.cluster_id,
                core.key,
                epoch=core.epoch,
                snapshot=self._snapshot,
                position=self._snapshot_position,
                max_bytes=core.fetch_sizes.snapshot_bytes,
            )
        else:
            message = fetch_request(
                core.cluster_id,
                core.key,
                epoch=core.epoch,
                offset=core.next_offset,
                last_epoch=core.log.last_epoch,
                high_watermark=core.high_watermark,
                max_wait_ms=FETCH_WAIT_MS,
                max_bytes=core.fetch_sizes.records_bytes,
            )
        self._under_way = message
        self._asked_leader_id = core.state.leader_id
        core.ask(target, message)

    def _target(self) -> int | None:
        core = self._core
        leader_id = core.state.leader_id
        if isinstance(core.state, Follower) and not self._must_search():
            return leader_id
        if self._snapshot is not None:
            self._snapshot = None  # the leader that had it is gone
        others = [node_id for node_id, _ in core.other_voters()] or list(self._bootstrap_ids)
        return others[int(core.draw() * len(others))] if others else None

    def _must_search(self) -> bool:
        """Whether nobody listens where the leader did: others know the next one first. A voter
        need not search: it stands for election itself, and the next leader makes itself known.
        """
        state = self._core.state
        return isinstance(state, Follower) and state.leader_refused and not self._core.may_stand

    # --- answers

    def _is_awaited(self, request: Message) -> bool:
        if request is not self._under_way:
            return False
        self._under_way = None
        self._next_fetch_ms = self._core.now_ms
        return True

    def unanswered(self, request: Message) -> None:
        """No answer to a fetch: try again soon; who leads may have changed."""
        if self._is_awaited(request):
            self._next_fetch_ms = self._core.now_ms + self._core.timeouts.retry_backoff_ms

    def answered(self, node_id: int, request: FetchRequest, response: FetchResponse) -> bool:
        """Take in what a fetch brought; True if the asked node knows of no leader."""
        core = self._core
        if not self._is_awaited(request):
            return False
        if response.error_code or not response.responses:
            self._next_fetch_ms = core.now_ms + core.timeouts.retry_backoff_ms
            return False
        data = response.responses[0].partitions[0]
        asked_epoch = request.topics[0].partitions[0].current_leader_epoch
        self._learn(data, response)
        if data.error_code:
            is_lost = data.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER and self._knows_nobody(
                data
            )
            state = core.state
            has_learnt = isinstance(state, Follower) and state.leader_id != node_id
            if not has_learnt or self._must_search():
                self._next_fetch_ms = core.now_ms + core.timeouts.retry_backoff_ms
            return is_lost
        state = core.state
        is_leader = isinstance(state, Follower) and state.leader_id == node_id
        if is_leader and asked_epoch == core.epoch:
            assert isinstance(state, Follower)
            state.has_fetched = True
            state.leader_refused = False
            state.deadline_ms = core.now_ms + core.timeouts.fetch(core.draw())
            state.is_at_end = self._take(data)
        return False

    def _learn(self, data: PartitionData, response: FetchResponse) -> None:
        leader = data.current_leader
        if leader is None or leader.leader_epoch < 0:
            return
        endpoint = next(
            ((e.host, e.port) for e in response.node_endpoints if e.node_id == leader.leader_id),
            None,
        )
        if leader.leader_id >= 0 or leader.leader_epoch > self._core.epoch:
            self._core.learn(leader.leader_id, leader.leader_epoch, endpoint)

    def _knows_nobody(self, data: PartitionData) -> bool:
        leader = data.current_leader
        return leader is None or leader.leader_id < 0

    def _take(self, data: PartitionData) -> bool:
        """An answer of the leader without an error; whether it has nothing more than this node."""
        core = self._core
        if data.snapshot_id is not None and data.snapshot_id.end_offset >= 0:
            self._snapshot = data.snapshot_id.end_offset, data.snapshot_id.epoch
            self._snapshot_position = 0
            return False
        if data.diverging_epoch is not None and data.diverging_epoch.end_offset >= 0:
            self._cut(data.diverging_epoch.epoch, data.diverging_epoch.end_offset)
            return False
        if data.records:
            assert isinstance(data.records, (bytes, bytearray, memoryview)), "it was received"
            self._append(memoryview(data.records))
        known = min(data.high_watermark, core.next_offset)
        if known > core.high_watermark and known <= core.flushed_offset:
            core.committed(known)
        elif known > core.high_watermark:
            # Commit what is on disk here; the rest with the next answer, which comes after it is.
            if core.flushed_offset > core.high_watermark:
                core.committed(core.flushed_offset)
            self._next_fetch_ms = core.now_ms
        return not data.records

    def _cut(self, epoch: int, end_offset: int) -> None:
        """The logs part: drop what the leader does not have. Where its epoch is not known here, as
        far back as the largest epoch that is.
        """
        core = self._core
        known, known_end = core.log.end_offset_for_epoch(epoch)
        cut = min(end_offset, known_end) if known == epoch else known_end
        cut = max(min(cut, core.next_offset), core.committed_end, core.log.log_start_offset)
        if cut < core.next_offset:
            core.truncate(cut)

    def _append(self, records: memoryview) -> None:
        """Whole batches that continue this log, as the leader has them; the rest waits."""
        core = self._core
        end = count = 0
        offset, epoch = core.next_offset, core.log.last_epoch
        sets: list[_VoterChange] = []
        try:
            for position, header in walk(records):
                batch = records[position : position + header.size_bytes]
                if header.base_offset != offset or not self._is_next(header, epoch, batch):
                    break
                if header.is_control:
                    sets += voter_changes(batch)
                offset, epoch = header.next_offset, header.partition_leader_epoch
                count += header.last_offset_delta + 1
                end = position + header.size_bytes
        except (CorruptRecordError, ProtocolError, ValueError):
            pass  # the sound batches before it are taken, and the bad one asked for again
        if not count:
            self._next_fetch_ms = core.now_ms + core.timeouts.retry_backoff_ms
            return
        core.write(ReplicatedBatches(records[:end], core.next_offset, count, epoch))
        for set_offset, voters, version in sets:
            core.history.add(set_offset, voters, version)

    def _is_next(self, header: BatchHeader, epoch: int, batch: memoryview) -> bool:
        in_order = epoch <= header.partition_leader_epoch <= self._core.epoch
        return in_order and has_valid_crc(batch)

    # --- snapshots

    def snapshot_answered(
        self, node_id: int, request: FetchSnapshotRequest, response: FetchSnapshotResponse
    ) -> None:
        """A piece of the leader's snapshot."""
        core = self._core
        if not self._is_awaited(request):
            return
        if response.error_code or not response.topics or self._snapshot is None:
            self._restart_snapshot()
            return
        data = response.topics[0].partitions[0]
        leader = data.current_leader
        if leader is not None and leader.leader_epoch >= 0:
            core.learn(leader.leader_id, leader.leader_epoch)
        end_offset, epoch = self._snapshot
        state = core.state
        fits = (data.snapshot_id.end_offset, data.snapshot_id.epoch) == self._snapshot
        is_ours = isinstance(state, Follower) and state.leader_id == node_id
        if data.error_code or not fits or not is_ours or data.position != self._snapshot_position:
            self._restart_snapshot()
            return
        assert isinstance(state, Follower)
        state.has_fetched = True
        state.deadline_ms = core.now_ms + core.timeouts.fetch(core.draw())
        chunk = data.unaligned_records
        assert isinstance(chunk, (bytes, bytearray, memoryview)), "it was received"
        is_last = self._snapshot_position + len(chunk) >= data.size
        if not chunk and not is_last:
            self._restart_snapshot()
            return
        core.keep(SnapshotChunk(end_offset, epoch, self._snapshot_position, chunk, is_last=is_last))
        self._snapshot_position += len(chunk)
        if is_last:
            self._snapshot = None
            self._installing = True

    def _restart_snapshot(self) -> None:
        self._snapshot = None
        self._next_fetch_ms = self._core.now_ms + self._core.timeouts.retry_backoff_ms

    def installed(self, end_offset: int) -> None:
        """The host has put a snapshot in the place of the log."""
        core = self._core
        self._installing = False
        core.next_offset = core.flushed_offset = end_offset
        core.committed(end_offset)

    def refused(self) -> None:
        """What has come is no snapshot: ask for one again."""
        self._installing = False
        self._restart_snapshot()


_VoterChange: TypeAlias = "tuple[int, VoterSet | None, int | None]"


def voter_changes(batch: memoryview) -> list[_VoterChange]:
    """(offset, voter set, kraft.version) of the records of a control batch that change either."""
    found: list[_VoterChange] = []
    for record in decode_records(batch):
        control = decode_control(record.key or b"", record.value or b"")
        message = None if control is None else control[1]
        if isinstance(message, KRaftVersionRecord):
            found.append((record.offset, None, message.kraft_version))
        elif isinstance(message, VotersRecord):
            found.append((record.offset, voters_of(message), None))
    return found
