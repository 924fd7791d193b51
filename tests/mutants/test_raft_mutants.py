"""Plants bugs in the raft machine and expects the storms of `test_raft_cluster` to find each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.raft_cluster import RaftCluster, settle, storm
from harness.raft_voter_storm import storm_with_changes

from minikafka.protocol.errors import ErrorCode
from minikafka.raft import following
from minikafka.raft.core import Core
from minikafka.raft.elections import Elections
from minikafka.raft.following import Following
from minikafka.raft.leading import Leading
from minikafka.raft.progress import UNKNOWN_OFFSET
from minikafka.raft.states import Leader, Prospective, Unattached
from minikafka.raft.voter_changes import VoterChanges
from minikafka.raft.voters import VoterHistory, VoterSet

SEEDS = 10


def vote_without_looking_at_the_log(self: Elections, asked: Any) -> bool:
    return True


def vote_twice(self: Elections, asked: Any) -> bool:
    state = self._core.state
    is_free = isinstance(state, (Unattached, Prospective)) and state.leader_id < 0
    return is_free and self._is_up_to_date(asked)


fetch_timer = Following.timer_at_ms


def acknowledge_before_the_fsync(self: Following) -> int:
    core = self._core
    flushed, core.flushed_offset = core.flushed_offset, core.next_offset
    try:
        return fetch_timer(self)
    finally:
        core.flushed_offset = flushed


def never_cut(self: Following, epoch: int, end_offset: int) -> None:
    return None


def never_diverge(self: Leading, asked: Any) -> tuple[int, int] | None:
    return None


def half_is_a_majority(self: VoterSet) -> int:
    return max(1, len(self) // 2)


def change_whatever_is_under_way(*asked: Any) -> tuple[ErrorCode, str]:
    return ErrorCode.NONE, ""


refusal = VoterChanges._refusal


def change_before_an_entry_of_its_own(
    self: VoterChanges, state: Leader, what: str
) -> tuple[ErrorCode, str]:
    """A new leader changes what a former one may have left behind."""
    if self._pending is None and state.progress.high_watermark == UNKNOWN_OFFSET:
        return ErrorCode.NONE, ""
    return refusal(self, state, what)


def change_before_the_last_is_committed(
    self: VoterChanges, state: Leader, what: str
) -> tuple[ErrorCode, str]:
    """Who does not wait for the answer may ask for the next."""
    if self._pending is None and state.progress.high_watermark != UNKNOWN_OFFSET:
        return ErrorCode.NONE, ""
    return refusal(self, state, what)


def keep_voters_that_were_cut(self: VoterHistory, end_offset: int) -> None:
    return None


def see_no_change(batch: memoryview) -> list[Any]:
    """Who follows goes on with the voters that it knows."""
    return []


advanced = VoterChanges.advanced


def lead_on_without_a_vote(self: VoterChanges, high_watermark: int) -> bool:
    advanced(self, high_watermark)
    return False


def never_needed_again(self: Core) -> bool:
    return self.is_voter


MUTANTS: list[tuple[type, str, Any]] = [
    (Elections, "_is_up_to_date", vote_without_looking_at_the_log),
    (Elections, "_grant", vote_twice),
    (Following, "timer_at_ms", acknowledge_before_the_fsync),
    (Following, "_cut", never_cut),
    (Leading, "_diverging", never_diverge),
    (VoterSet, "majority", property(half_is_a_majority)),
]


def survives(run: Callable[[int], RaftCluster]) -> bool:
    for seed in range(SEEDS):
        try:
            settle(run(seed))
        except AssertionError:
            return False
    return True


MUTANTS_OF_VOTER_CHANGES: list[tuple[object, str, Any]] = [
    (VoterChanges, "_refusal", change_whatever_is_under_way),
    (VoterChanges, "_refusal", change_before_an_entry_of_its_own),
    (VoterChanges, "_refusal", change_before_the_last_is_committed),
    (VoterChanges, "advanced", lead_on_without_a_vote),
    (VoterHistory, "truncate", keep_voters_that_were_cut),
    (following, "voter_changes", see_no_change),
    (Core, "may_stand", property(never_needed_again)),
]


def name_of(value: object) -> str:
    """Of a class, a method or a mutant; nothing that is another in every process."""
    return value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize(("owner", "name", "mutant"), MUTANTS, ids=name_of)
def test_a_planted_bug_is_found(
    owner: type, name: str, mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, mutant)
    assert not survives(storm)


@pytest.mark.parametrize(("owner", "name", "mutant"), MUTANTS_OF_VOTER_CHANGES, ids=name_of)
def test_a_bug_in_changing_voters_is_found(
    owner: object, name: str, mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, mutant)
    assert not survives(storm_with_changes)


def test_without_a_bug_nothing_is_found() -> None:
    assert survives(storm)
