"""Plants bugs into replication and expects the stories of `scenarios/replication` to find each.

That the stories end well without a bug is what `test_replication_stories` shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.replicated import tell
from scenarios.replication import isr_stories
from scenarios.replication import replication_stories as stories

from minikafka.log.directory import LogDirectory
from minikafka.log.producer_state import ProducerStates
from minikafka.protocol.errors import ErrorCode
from minikafka.replication import cutting, fetcher, isr, leading
from minikafka.replication.fetch_session import FetchSession
from minikafka.replication.fetcher import ReplicaFetcher
from minikafka.replication.followers import Follower
from minikafka.replication.leader_session import Followed, LeaderSession
from minikafka.replication.leading import Leading
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.sim.errors import SimulationError


def count_everybody(self: Partition) -> None:
    self.counted = tuple(self.followers.values())


def keep_the_removed(self: Partition, now_ms: int) -> None:
    for replica_id in self.replicas:
        if replica_id != self.node_id:
            self.followers.setdefault(replica_id, Follower(replica_id, now_ms))
    self.counted = tuple(self.followers.values())


def count_only_the_committed_isr(self: Partition) -> None:
    self.counted = tuple(f for f in self.followers.values() if f.replica_id in self.isr)


def count_the_proposal_at_once(self: Partition) -> None:
    members = self.isr if self.pending_isr is None else self.pending_isr
    self.counted = tuple(f for f in self.followers.values() if f.replica_id in members)


def acknowledge_what_is_appended(self: Partition, end_offset: int, acks: int) -> bool:
    return True


def count_half(self: Partition) -> bool:
    ends = sorted([self.log.log_end_offset, *(f.end_offset for f in self.counted)])
    moved = ends[len(ends) // 2] > self.high_watermark
    self.high_watermark = max(self.high_watermark, ends[len(ends) // 2])
    return self.is_leader and moved


def commit_below_the_minimum(self: Partition) -> bool:
    ends = [self.log.log_end_offset, *(f.end_offset for f in self.counted)]
    moved = min(ends) > self.high_watermark
    self.high_watermark = max(self.high_watermark, min(ends))
    return self.is_leader and moved


def believe_the_leaders_high_watermark(self: Partition, leaders: int) -> bool:
    self.high_watermark = leaders
    return True


def check_no_epoch(self: Partition, current_leader_epoch: int) -> None:
    return None


def never_diverge(self: Partition, fetch_offset: int, last_fetched_epoch: int) -> None:
    return None


async def never_cut(*_: Any) -> None:
    return None


async def note_no_gaps(around: Any, followed: Any) -> None:
    followed.partition.log.may_have_gaps = True


def admit_anybody(self: Leading, *_: Any) -> None:
    return None


def everybody_is_eligible(self: Leading, broker_id: int, broker_epoch: int) -> bool:
    return True


def always_keep_up(self: Follower, *_: Any) -> bool:
    return True


def lag_by_the_clock(self: Follower, end_offset: int, now_ms: int, lag_max_ms: int) -> bool:
    return now_ms - self.caught_up_ms <= lag_max_ms


def caught_up_only_at_the_end(self: Follower, offset: int, end_offset: int, now_ms: int) -> None:
    if offset >= end_offset:
        self.caught_up_ms = now_ms
    self.end_offset = offset


def take_in_whoever_fetches(partition: Partition) -> frozenset[int]:
    return frozenset(partition.followers) - partition.isr


def every_error_is_final(code: ErrorCode) -> isr.Outcome:
    return isr.Outcome.TAKEN if code == ErrorCode.NONE else isr.Outcome.OVERTAKEN


def fetch_on_unflushed(self: ReplicaFetcher, followed: Followed) -> None:
    self._session.put(followed)


def forget_the_producers(self: ProducerStates, *_: Any) -> None:
    return None


def tell_only_consumers(self: Purgatory, partition: Partition) -> None:
    self.committed(partition)


def tell_nobody_of_brokers(self: Leading, *_: Any) -> None:
    return None


def name_nothing_that_changed(self: LeaderSession, followed: Followed) -> None:
    if followed.key not in self.followed:
        self.followed[followed.key] = self._changed[followed.key] = followed


def mark_nothing(self: FetchSession, entry: Any) -> None:
    return None


Story = Callable[[Any], Any]
MUTANTS: list[tuple[Any, str, Any, Story]] = [
    (Partition, "_know_followers", keep_the_removed, isr_stories.a_removed_replica_counts_no_more),
    (
        Partition,
        "count_followers",
        count_everybody,
        isr_stories.below_the_minimum_nothing_is_written,
    ),
    (
        Partition,
        "count_followers",
        count_only_the_committed_isr,
        isr_stories.what_is_proposed_counts_until_it_is_decided,
    ),
    (
        Partition,
        "count_followers",
        count_the_proposal_at_once,
        isr_stories.who_is_proposed_to_leave_counts_until_it_is_decided,
    ),
    (
        Partition,
        "is_acknowledged",
        acknowledge_what_is_appended,
        stories.a_produce_waits_for_the_slowest_in_the_isr,
    ),
    (
        Partition,
        "advance_high_watermark",
        count_half,
        stories.a_produce_waits_for_the_slowest_in_the_isr,
    ),
    (
        Partition,
        "advance_high_watermark",
        commit_below_the_minimum,
        isr_stories.below_the_minimum_nothing_is_written,
    ),
    (
        Partition,
        "follow_high_watermark",
        believe_the_leaders_high_watermark,
        stories.high_watermarks_never_pass_the_own_end,
    ),
    (Partition, "check_epoch", check_no_epoch, stories.consumers_may_read_from_followers),
    (Partition, "diverges", never_diverge, stories.the_old_leader_cuts_what_only_it_had),
    (LogDirectory, "truncate_log", never_cut, stories.the_old_leader_cuts_what_only_it_had),
    (cutting, "begin_at", never_cut, stories.a_follower_behind_the_log_start_begins_anew),
    (
        fetcher,
        "note_gaps",
        note_no_gaps,
        stories.what_compaction_left_out_is_no_damage,
    ),
    (Leading, "admit", admit_anybody, isr_stories.an_old_incarnation_is_not_counted),
    (Leading, "is_eligible", everybody_is_eligible, isr_stories.the_fenced_do_not_join),
    (Leading, "publish", tell_nobody_of_brokers, isr_stories.the_fenced_do_not_join),
    (Follower, "keeps_up", always_keep_up, isr_stories.who_lags_leaves_and_comes_back),
    (Follower, "keeps_up", lag_by_the_clock, isr_stories.who_has_everything_never_lags),
    (
        Follower,
        "fetched",
        caught_up_only_at_the_end,
        isr_stories.a_busy_follower_that_is_always_a_little_behind_stays,
    ),
    (isr, "caught_up", take_in_whoever_fetches, isr_stories.the_fenced_do_not_join),
    (
        leading,
        "outcome_of",
        every_error_is_final,
        isr_stories.proposals_are_repeated_until_they_are_answered,
    ),
    (ReplicaFetcher, "_fetch_on", fetch_on_unflushed, stories.flushed_means_on_every_disk),
    (
        ProducerStates,
        "update",
        forget_the_producers,
        stories.duplicates_are_known_to_the_next_leader,
    ),
    (
        Purgatory,
        "appended",
        tell_only_consumers,
        stories.followers_learn_of_data_at_once,
    ),
    (LeaderSession, "put", name_nothing_that_changed, stories.followers_learn_of_data_at_once),
    (FetchSession, "mark", mark_nothing, stories.followers_learn_of_data_at_once),
]


@pytest.mark.parametrize(
    ("target", "name", "bug", "story"), MUTANTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_bug_is_found(
    monkeypatch: pytest.MonkeyPatch, target: Any, name: str, bug: Any, story: Story
) -> None:
    monkeypatch.setattr(target, name, bug)
    with pytest.raises((AssertionError, SimulationError)):
        tell(story, 0)
