"""Planted bugs of clusters: each breaks one rule of raft, replication, controller or coordinators.

A mutant is applied with pytest's monkeypatch; simulated clusters have to find it within a number
of seeds: `PYTHONPATH=tests python -m simulation.find_mutants`.

A leader that ignores the leader epoch which a follower names is not among them: since followers
say the epoch of their last batch too (KIP-595), and a new leader comes out of the ISR for which the
old one waits, nothing can come of it but answers that are older than they need be.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from minikafka.api import offsets
from minikafka.broker.quorum_log import QuorumLog
from minikafka.controller import brokers, isr_reports
from minikafka.coordinators.runtime import shard
from minikafka.log.partition_log import PartitionLog
from minikafka.log.producer_state import ProducerStates
from minikafka.raft.elections import Elections
from minikafka.raft.following import Following as RaftFollowing
from minikafka.raft.leading import Leading as RaftLeading
from minikafka.raft.progress import Progress, majority_offset
from minikafka.raft.states import Prospective, Unattached
from minikafka.raft.voters import VoterSet
from minikafka.replication import cutting, fetcher, isr, leading
from minikafka.replication.partition import Partition
from minikafka.sim.cluster.climate import FAULTS


class Mutant(NamedTuple):
    """A bug and how many seeds may pass before it is found."""

    plant: Callable[[pytest.MonkeyPatch], None]
    seeds: int = 300
    shape: str = "3"
    faults: Sequence[str] = FAULTS


# -- the quorum -----------------------------------------------------------------------------------


def vote_twice(patch: pytest.MonkeyPatch) -> None:
    """A voter promises the same epoch to whoever asks."""

    def grant(self: Elections, asked: Any) -> bool:
        state = self._core.state
        is_free = isinstance(state, (Unattached, Prospective)) and state.leader_id < 0
        return is_free and self._is_up_to_date(asked)

    patch.setattr(Elections, "_grant", grant)


def vote_for_anybody(patch: pytest.MonkeyPatch) -> None:
    """A voter does not compare the candidate's log with its own."""
    patch.setattr(Elections, "_is_up_to_date", lambda self, asked: True)


def half_is_a_majority(patch: pytest.MonkeyPatch) -> None:
    """One of three, two of five."""
    patch.setattr(VoterSet, "majority", property(lambda self: max(1, len(self) // 2)))


def acknowledge_metadata_before_the_fsync(patch: pytest.MonkeyPatch) -> None:
    """A voter fetches on, and is counted, with what is in its page cache."""

    async def flush(self: QuorumLog) -> int:
        return self.log.log_end_offset

    patch.setattr(QuorumLog, "flush", flush)


def never_cut_metadata(patch: pytest.MonkeyPatch) -> None:
    """A voter keeps what its leader does not have."""
    patch.setattr(RaftFollowing, "_cut", lambda self, epoch, end_offset: None)


def commit_entries_of_former_epochs(patch: pytest.MonkeyPatch) -> None:
    """A majority has them, so they are committed: without an entry of the leader's own."""

    def advance(self: Progress, voters: VoterSet) -> bool:
        committed = majority_offset(self.end_offsets(voters), voters)
        if committed <= self.high_watermark:
            return False
        self.high_watermark = committed
        return True

    patch.setattr(Progress, "advance", advance)


def lead_without_looking_for_divergence(patch: pytest.MonkeyPatch) -> None:
    """A leader serves whatever offset it is asked for."""
    patch.setattr(RaftLeading, "_diverging", lambda self, asked: None)


# -- replication ----------------------------------------------------------------------------------


def acknowledge_before_the_high_watermark(patch: pytest.MonkeyPatch) -> None:
    """acks=all is answered when the leader has it."""
    patch.setattr(Partition, "is_acknowledged", lambda self, end_offset, acks: True)


def count_a_majority_of_replicas(patch: pytest.MonkeyPatch) -> None:
    """The high watermark does not wait for the slowest of the ISR."""
    advance = Partition.advance_high_watermark

    def hasty(self: Partition) -> bool:
        counted, self.counted = self.counted, self.counted[1:]
        try:
            return advance(self)
        finally:
            self.counted = counted

    patch.setattr(Partition, "advance_high_watermark", hasty)


def forget_the_minimum_isr(patch: pytest.MonkeyPatch) -> None:
    """A leader commits and acknowledges alone."""
    apply = Partition.apply

    def without(self: Partition, *args: Any, **kwargs: Any) -> None:
        apply(self, *args, **kwargs)
        self.effective_min_isr = 1

    patch.setattr(Partition, "apply", without)


def forget_what_is_proposed(patch: pytest.MonkeyPatch) -> None:
    """The high watermark does not wait for who is about to join, and not for who may stay."""
    patch.setattr(Partition, "maximal_isr", property(lambda self: self.isr))
    patch.setattr(leading, "look_for_joining", lambda partition, now_ms, lag_max_ms: False)


def count_who_is_proposed_to_leave_as_gone(patch: pytest.MonkeyPatch) -> None:
    """The leader's own proposal counts before the controller has decided."""

    def proposed(self: Partition) -> frozenset[int]:
        return self.isr if self.pending_isr is None else self.pending_isr

    patch.setattr(Partition, "maximal_isr", property(proposed))


def never_cut(patch: pytest.MonkeyPatch) -> None:
    """A follower keeps what its leader does not have."""

    async def keep(around: Any, followed: Any, offset: int) -> None:
        return None

    patch.setattr(cutting, "cut", keep)


def never_tell_a_divergence(patch: pytest.MonkeyPatch) -> None:
    """A leader serves whatever offset a follower asks for."""
    patch.setattr(Partition, "diverges", lambda self, offset, epoch: None)


def join_without_catching_up(patch: pytest.MonkeyPatch) -> None:
    """Who has fetched once is in sync."""

    def fetched(partition: Partition, now_ms: int, lag_max_ms: int) -> frozenset[int]:
        return frozenset(
            follower.replica_id
            for follower in partition.followers.values()
            if follower.replica_id not in partition.isr
            and partition.is_eligible(follower.replica_id, follower.broker_epoch)
        )

    patch.setattr(isr, "caught_up", fetched)


def high_watermark_beyond_the_log(patch: pytest.MonkeyPatch) -> None:
    """A follower believes the leader's, whatever it has itself."""

    def follow(self: Partition, leaders: int) -> bool:
        moved = leaders > self.high_watermark
        self.high_watermark = max(self.high_watermark, leaders)
        return moved

    patch.setattr(Partition, "follow_high_watermark", follow)


def lose_producers_of_replicated_batches(patch: pytest.MonkeyPatch) -> None:
    """A new leader does not know which batches are already there."""
    replicate, update = PartitionLog.append_replicated, ProducerStates.update

    def forgetful(self: PartitionLog, batches: Any, wall_ms: int) -> int:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(ProducerStates, "update", lambda *_: None)
            return replicate(self, batches, wall_ms)

    assert update is not None
    patch.setattr(PartitionLog, "append_replicated", forgetful)


def follow_without_fsync(patch: pytest.MonkeyPatch) -> None:
    """With flush.messages=1 a follower acknowledges what is in its page cache."""
    patch.setattr(
        fetcher.ReplicaFetcher, "_fetch_on", lambda self, followed: self._session.put(followed)
    )


def read_beyond_the_high_watermark(patch: pytest.MonkeyPatch) -> None:
    """Consumers are served all that the leader has."""
    for name in ("read", "read_now"):
        read = getattr(PartitionLog, name)

        def unbounded(self: PartitionLog, *args: Any, _read: Any = read, **kwargs: Any) -> Any:
            return _read(self, *args, **{**kwargs, "max_offset": self.log_end_offset})

        patch.setattr(PartitionLog, name, unbounded)


# -- controller -----------------------------------------------------------------------------------


def believe_any_report(patch: pytest.MonkeyPatch) -> None:
    """A deposed leader may still say who is in sync."""
    patch.setattr(isr_reports, "_check_epochs", lambda partition, leader, report: None)


def believe_in_brokers_that_came_back(patch: pytest.MonkeyPatch) -> None:
    """An unclean stop costs nobody its place."""
    patch.setattr(brokers, "broker_goes", lambda state, broker_id, *, unclean=False: iter(()))


def keep_unclean_brokers_eligible(patch: pytest.MonkeyPatch) -> None:
    """Who lost its page cache stays an eligible leader."""
    goes = brokers.broker_goes

    def trusting(state: Any, broker_id: int, *, unclean: bool = False) -> Any:
        return goes(state, broker_id, unclean=False)

    patch.setattr(brokers, "broker_goes", trusting)


# -- coordinators ---------------------------------------------------------------------------------


def answer_commits_at_once(patch: pytest.MonkeyPatch) -> None:
    """Stored offsets are acknowledged when the coordinator has them."""

    def carry_out(self: shard.Shard[Any], decision: Any, now: Any) -> None:
        if decision.records and not self._append(decision, now):
            return
        self._watch_time()
        for waiter, response in decision.answers:
            shard._give(waiter, response)

    patch.setattr(shard.Shard, "_carry_out", carry_out)


def tell_the_end_too_early(patch: pytest.MonkeyPatch) -> None:
    """A new leader tells its high watermark although it lies behind what was told before."""
    patch.setattr(offsets, "_lags_behind_its_epoch", lambda partition: False)


MUTANTS: dict[str, Mutant] = {
    "vote twice": Mutant(vote_twice),
    "vote for anybody": Mutant(vote_for_anybody),
    "half is a majority": Mutant(half_is_a_majority),
    "metadata acknowledged before the fsync": Mutant(acknowledge_metadata_before_the_fsync),
    "metadata never cut": Mutant(never_cut_metadata),
    "entries of former epochs committed": Mutant(commit_entries_of_former_epochs),
    "quorum leader looks for no divergence": Mutant(lead_without_looking_for_divergence),
    "acknowledged before the high watermark": Mutant(acknowledge_before_the_high_watermark),
    "high watermark without the slowest": Mutant(count_a_majority_of_replicas),
    "minimum ISR forgotten": Mutant(forget_the_minimum_isr),
    "proposed members not waited for": Mutant(forget_what_is_proposed),
    "proposed to leave, counted as gone": Mutant(count_who_is_proposed_to_leave_as_gone),
    "log never cut": Mutant(never_cut),
    "divergence never told": Mutant(never_tell_a_divergence),
    "in sync without having caught up": Mutant(join_without_catching_up),
    "high watermark beyond the log": Mutant(high_watermark_beyond_the_log),
    "producers of replicated batches lost": Mutant(lose_producers_of_replicated_batches),
    "follower acknowledges before the fsync": Mutant(follow_without_fsync),
    "read beyond the high watermark": Mutant(read_beyond_the_high_watermark),
    "epoch check of ISR reports skipped": Mutant(believe_any_report),
    "unclean stop costs nothing": Mutant(believe_in_brokers_that_came_back),
    "unclean brokers stay eligible": Mutant(keep_unclean_brokers_eligible),
    "offsets answered before commit": Mutant(answer_commits_at_once),
    "end told too early": Mutant(tell_the_end_too_early),
}
