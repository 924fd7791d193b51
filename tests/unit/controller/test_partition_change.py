"""ISR, leader and eligible leaders of one partition: the rules of KIP-966 case by case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from minikafka.controller.partition_change import PartitionRules, PartitionTarget, change_partition
from minikafka.metadata.replay import changed_partition
from minikafka.metadata.topic_image import PartitionImage

TOPIC = UUID(int=5)
ELR = PartitionRules(elr=True, min_isr=2, unclean=False)
PLAIN = PartitionRules(elr=False, min_isr=2, unclean=False)


def partition(isr: Sequence[int], leader: int, **fields: Any) -> PartitionImage:
    values = {"replicas": [1, 2, 3], "leader_epoch": 4, "partition_epoch": 9} | fields
    return PartitionImage(isr=isr, leader=leader, **values)


def change(
    before: PartitionImage,
    isr: Sequence[int],
    up: Sequence[int],
    rules: PartitionRules = ELR,
    unclean_shutdown: int | None = None,
) -> PartitionImage | None:
    target = PartitionTarget(before)
    target.isr = isr
    record = change_partition(
        TOPIC,
        0,
        target,
        may_lead=lambda replica: replica in up,
        rules=rules,
        unclean_shutdown=unclean_shutdown,
    )
    return None if record is None else changed_partition(before, record)


def test_nothing_to_say() -> None:
    assert change(partition([1, 2, 3], 1), [1, 2, 3], [1, 2, 3]) is None


def test_a_follower_goes_and_the_leader_keeps_its_epoch() -> None:
    after = change(partition([1, 2, 3], 1), [1, 2], [1, 2])
    assert after is not None
    assert (after.isr, after.leader, after.leader_epoch) == ([1, 2], 1, 4)
    assert (after.partition_epoch, after.elr) == (10, [])


def test_the_leader_goes_and_the_next_in_sync_replica_leads_a_new_epoch() -> None:
    after = change(partition([1, 2, 3], 1), [2, 3], [2, 3])
    assert after is not None
    assert (after.isr, after.leader, after.leader_epoch) == ([2, 3], 2, 5)


def test_preferred_order_decides_not_the_order_in_the_isr() -> None:
    after = change(partition([3, 2, 1], 1), [3, 2], [2, 3])
    assert after is not None
    assert after.leader == 2


def test_below_the_minimum_those_that_leave_stay_eligible() -> None:
    after = change(partition([1, 2], 1), [1], [1])
    assert after is not None
    assert (after.isr, after.leader, after.elr) == ([1], 1, [2])


def test_an_unclean_stop_costs_eligibility() -> None:
    after = change(partition([1], 1, elr=[2]), [1], [1], unclean_shutdown=2)
    assert after is not None
    assert (after.isr, after.elr) == ([1], [])


def test_the_isr_may_become_empty_and_remembers_the_last_leader() -> None:
    after = change(
        partition([1], 1, replicas=[1]), [], [], PartitionRules(elr=True, min_isr=1, unclean=False)
    )
    assert after is not None
    assert (after.isr, after.leader, after.leader_epoch) == ([], -1, 5)
    assert (after.elr, after.last_known_elr) == ([1], [1])


def test_an_eligible_replica_leads_when_nobody_is_in_sync() -> None:
    before = partition([], -1, elr=[2, 3], last_known_elr=[1])
    after = change(before, [], [3])
    assert after is not None
    assert (after.isr, after.leader, after.leader_epoch) == ([3], 3, 5)
    assert (after.elr, after.last_known_elr, after.leader_recovery_state) == ([2], [], 0)


def test_the_last_leader_is_taken_back_as_an_unclean_election() -> None:
    before = partition([], -1, last_known_elr=[3])
    assert change(before, [], [1, 2]) is None
    after = change(before, [], [1, 2, 3])
    assert after is not None
    assert (after.isr, after.leader, after.leader_recovery_state) == ([3], 3, 1)
    assert after.last_known_elr == []


def test_enough_in_sync_again_and_nobody_need_be_eligible() -> None:
    after = change(partition([1], 1, elr=[2, 3]), [1, 2], [1, 2])
    assert after is not None
    assert (after.isr, after.elr) == ([1, 2], [])


def test_unclean_election_takes_anybody_that_is_up() -> None:
    rules = PartitionRules(elr=True, min_isr=2, unclean=True)
    after = change(partition([1], 1), [], [3], rules)
    assert after is not None
    # 1 stopped cleanly, but is not here; the topic would rather lose records than wait.
    assert (after.isr, after.leader, after.leader_recovery_state) == ([3], 3, 1)
    assert after.elr == []


def test_without_the_feature_the_last_replica_stays_in_sync() -> None:
    after = change(partition([1], 1), [], [], PLAIN)
    assert after is not None
    assert (after.isr, after.leader, after.leader_epoch) == ([1], -1, 5)
    assert (after.elr, after.last_known_elr) == ([], [])
    back = change(after, after.isr, [1], PLAIN)
    assert back is not None
    assert (back.isr, back.leader, back.leader_epoch) == ([1], 1, 6)
    assert back.leader_recovery_state == 0


def test_epochs_only_ever_rise() -> None:
    now = partition([1, 2, 3], 1)
    epochs = [(now.leader_epoch, now.partition_epoch)]
    for isr, up in ([1], [1]), ([], []), ([], [2]), ([2], [2, 1]), ([2, 1], [1]), ([1], [1, 3]):
        after = change(now, isr, up)
        if after is not None:
            now = after
            epochs.append((now.leader_epoch, now.partition_epoch))
    assert epochs == sorted(epochs)
    assert len({partition_epoch for _, partition_epoch in epochs}) == len(epochs)
