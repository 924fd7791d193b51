"""The raft machine of a sole voter: elected by itself, committing what is flushed."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minikafka.raft.effects import Committed, ControlBatch, DataBatch, Effects, Elected
from minikafka.raft.events import AppendRequested, Flushed, Started
from minikafka.raft.node import RaftNode
from minikafka.raft.progress import UNKNOWN_OFFSET, Progress, majority_offset
from minikafka.raft.quorum_state import QuorumState
from minikafka.raft.states import (
    TRANSITIONS,
    Candidate,
    Follower,
    Leader,
    Prospective,
    Resigned,
    Unattached,
)
from minikafka.raft.voters import NO_DIRECTORY, Voter, VoterHistory, VoterSet

DIRECTORY = UUID(int=500)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Wall time says nothing on a busy machine."""


class Log:
    """What the machine asks of a log, and what a host does to it."""

    def __init__(self, log_end_offset: int = 0, last_epoch: int = 0) -> None:
        self.log_end_offset = log_end_offset
        self.last_epoch = last_epoch
        self.log_start_offset = 0
        self.latest_snapshot: tuple[int, int] | None = None

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        return (self.last_epoch, self.log_end_offset) if epoch >= self.last_epoch else (-1, 0)

    def carry_out(self, effects: Effects) -> None:
        for batch in effects.persist.batches if effects.persist else ():
            assert batch.base_offset == self.log_end_offset
            self.log_end_offset += batch.record_count
            self.last_epoch = batch.epoch


def make(
    log: Log,
    *,
    state: QuorumState | None = None,
    voters: VoterSet | None = None,
    kraft_version: int = 0,
) -> RaftNode:
    return RaftNode(
        node_id=1,
        directory_id=DIRECTORY,
        history=VoterHistory(voters or VoterSet([Voter(1)]), kraft_version),
        quorum_state=state or QuorumState(),
        log=log,
        draw=lambda: 0.5,
    )


def step(node: RaftNode, log: Log, event: Started | AppendRequested | Flushed) -> Effects:
    effects = node.step(event, 0)
    log.carry_out(effects)
    return effects


def test_a_sole_voter_elects_itself_and_writes_its_leader_change_first() -> None:
    log = Log()
    node = make(log)
    effects = step(node, log, Started())
    assert effects.persist is not None
    assert effects.persist.quorum_state == QuorumState(epoch=1, leader_id=1)
    (batch,) = effects.persist.batches
    assert isinstance(batch, ControlBatch)
    assert (batch.base_offset, batch.epoch) == (0, 1)
    ((kind, change),) = batch.records
    assert kind == 2
    assert [v.voter_id for v in change.voters] == [1]  # type: ignore[attr-defined]
    assert [v.voter_id for v in change.granting_voters] == [1]  # type: ignore[attr-defined]
    (elected,) = effects.apply
    assert isinstance(elected, Elected)
    assert (elected.epoch, elected.epoch_start_offset) == (1, 0)
    assert effects.send == ()
    assert node.is_leader
    assert (node.leader_id, node.high_watermark) == (1, UNKNOWN_OFFSET)


def test_nothing_is_committed_before_it_is_flushed() -> None:
    log = Log()
    node = make(log)
    step(node, log, Started())
    effects = step(node, log, AppendRequested(b"batch", 3))
    assert effects.persist is not None
    assert effects.persist.quorum_state is None
    (batch,) = effects.persist.batches
    assert isinstance(batch, DataBatch)
    assert (batch.base_offset, batch.record_count, batch.epoch) == (1, 3, 1)
    assert effects.apply == ()
    (first,) = step(node, log, Flushed(1, 1)).apply
    assert isinstance(first, Committed)
    assert first.high_watermark == node.high_watermark == 1
    (second,) = step(node, log, Flushed(1, 4)).apply
    assert isinstance(second, Committed)
    assert second.high_watermark == 4


def test_a_flush_that_says_nothing_new_commits_nothing() -> None:
    log = Log()
    node = make(log)
    step(node, log, Started())
    assert step(node, log, Flushed(1, 1)).apply
    assert not step(node, log, Flushed(1, 1)).apply
    assert not step(node, log, Flushed(0, 1)).apply
    assert node.high_watermark == 1


def test_former_entries_are_committed_with_the_first_of_the_new_epoch() -> None:
    log = Log(log_end_offset=10, last_epoch=4)
    node = make(log, state=QuorumState(epoch=4, leader_id=1))
    assert isinstance(node.state, Resigned)
    effects = step(node, log, Started())
    assert effects.persist is not None
    assert effects.persist.quorum_state == QuorumState(epoch=5, leader_id=1)
    assert not step(node, log, Flushed(5, 10)).apply
    (committed,) = step(node, log, Flushed(5, 11)).apply
    assert isinstance(committed, Committed)
    assert committed.high_watermark == 11


def test_a_lost_quorum_state_does_not_bring_back_an_epoch() -> None:
    log = Log(log_end_offset=10, last_epoch=7)
    node = make(log)
    assert isinstance(node.state, Unattached)
    step(node, log, Started())
    assert node.epoch == 8


def test_dynamic_voters_go_into_an_empty_log() -> None:
    voters = VoterSet([Voter(1, DIRECTORY, [("CONTROLLER", "localhost", 9093)], (0, 1))])
    log = Log()
    node = make(log, voters=voters, kraft_version=1)
    effects = step(node, log, Started())
    assert effects.persist is not None
    (batch,) = effects.persist.batches
    assert isinstance(batch, ControlBatch)
    assert [kind for kind, _ in batch.records] == [2, 5, 6]
    again = make(log, voters=voters, kraft_version=1, state=QuorumState(1, 1))
    later = step(again, log, Started())
    assert later.persist is not None
    assert [b.record_count for b in later.persist.batches] == [1]


@pytest.mark.parametrize(
    "voters",
    [
        VoterSet([Voter(1), Voter(2)]),
        VoterSet([Voter(2)]),
        VoterSet([Voter(1, UUID(int=501))]),
    ],
)
def test_who_is_not_the_sole_voter_does_not_elect_itself(voters: VoterSet) -> None:
    log = Log()
    node = make(log, voters=voters)
    effects = step(node, log, Started())
    assert effects.persist is None
    assert effects.apply == ()
    assert not node.is_leader
    assert node.leader_id == -1


def test_only_a_leader_is_asked_to_append() -> None:
    node = make(Log(), voters=VoterSet([Voter(1), Voter(2)]))
    with pytest.raises(AssertionError):
        node.step(AppendRequested(b"batch", 1), 0)


def test_states_move_along_the_table_only() -> None:
    assert set(TRANSITIONS) == {Unattached, Resigned, Prospective, Candidate, Leader, Follower}
    node = make(Log())
    with pytest.raises(AssertionError, match="no way from Unattached to Leader"):
        node._core.enter(Leader(1, 1, (1,), Progress(0)))


@UNHURRIED
@given(
    flushes=st.lists(st.integers(0, 5), max_size=20),
    appends=st.lists(st.integers(1, 4), max_size=20),
)
def test_the_high_watermark_rises_with_what_is_flushed_and_never_beyond(
    flushes: list[int], appends: list[int]
) -> None:
    log = Log()
    node = make(log)
    step(node, log, Started())
    flushed, seen = 0, [node.high_watermark]
    for more, records in zip(flushes, appends, strict=False):
        step(node, log, AppendRequested(b"x", records))
        flushed = min(flushed + more, log.log_end_offset)
        step(node, log, Flushed(1, flushed))
        seen.append(node.high_watermark)
        assert node.high_watermark == (flushed if flushed > 0 else UNKNOWN_OFFSET)
    assert seen == sorted(seen)


def test_a_majority_of_voters_commits_and_observers_do_not_count() -> None:
    voters = VoterSet([Voter(1), Voter(2), Voter(3)])
    assert majority_offset({}, voters) == UNKNOWN_OFFSET
    assert majority_offset({1: 10}, voters) == UNKNOWN_OFFSET
    assert majority_offset({1: 10, 2: 7}, voters) == 7
    assert majority_offset({1: 10, 2: 7, 3: 9}, voters) == 9
    assert majority_offset({1: 10, 8: 10, 9: 10}, voters) == UNKNOWN_OFFSET


@UNHURRIED
@given(st.dictionaries(st.integers(0, 4), st.integers(0, 50)), st.integers(1, 5))
def test_what_is_committed_a_majority_has(offsets: dict[int, int], count: int) -> None:
    voters = VoterSet([Voter(n) for n in range(count)])
    committed = majority_offset(offsets, voters)
    have = sum(offsets.get(n, UNKNOWN_OFFSET) >= committed for n in range(count))
    more = sum(offsets.get(n, UNKNOWN_OFFSET) > committed for n in range(count))
    assert have >= voters.majority > more


def test_progress_counts_its_own_epoch_only() -> None:
    voters = VoterSet([Voter(1), Voter(2), Voter(3)])
    progress = Progress(epoch_start_offset=5)

    def reached(node_id: int, end_offset: int) -> bool:
        progress.of((node_id, NO_DIRECTORY)).fetched(end_offset, 6, now_ms=1)
        return progress.advance(voters)

    assert not reached(1, 6)
    assert not reached(2, 5)
    assert progress.high_watermark == UNKNOWN_OFFSET
    assert reached(2, 6)
    assert progress.high_watermark == 6
    assert not reached(3, 6)


def test_voters() -> None:
    voters = VoterSet([Voter(1, DIRECTORY), Voter(2)])
    assert (len(voters), voters.majority, voters.ids) == (2, 2, (1, 2))
    assert voters.is_voter(1, DIRECTORY)
    assert not voters.is_voter(1, UUID(int=9))
    assert voters.is_voter(2, UUID(int=9))
    assert not voters.is_voter(3, NO_DIRECTORY)
    assert 2 in voters
    assert not voters.is_sole(1, DIRECTORY)


STATIC = (
    b'{"clusterId":"","leaderId":0,"leaderEpoch":4,"votedId":-1,"appliedOffset":0,'
    b'"currentVoters":[{"voterId":0},{"voterId":2}],"data_version":0}'
)
DYNAMIC = (
    b'{"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA",'
    b'"data_version":1}'
)


def test_the_quorum_state_file_byte_for_byte() -> None:
    static = QuorumState.decode(STATIC)
    assert static == QuorumState(epoch=4, leader_id=0)
    assert static.encode(0, VoterSet([Voter(0), Voter(2)])) == STATIC
    dynamic = QuorumState.decode(DYNAMIC)
    assert dynamic == QuorumState(epoch=2, leader_id=1)
    assert dynamic.encode(1, VoterSet([Voter(1)])) == DYNAMIC
    voted = QuorumState(3, -1, 2, DIRECTORY)
    assert QuorumState.decode(voted.encode(1, VoterSet([]))) == voted


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", STATIC.replace(b'_version":0', b'_version":2'), STATIC[:40]],
)
def test_a_broken_quorum_state_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        QuorumState.decode(data)
