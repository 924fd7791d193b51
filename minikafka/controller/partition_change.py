"""One change of a partition: which replicas are in sync, who may lead, who does.

All changes go through `change_partition`: a broker leaves (fenced, stopping, or back after an
unclean stop), a broker comes, an ISR is altered. It gives the PartitionChangeRecord that leads from
the partition as it is to what it should be, or None when nothing differs.

Eligible leader replicas (KIP-966): while the ISR is smaller than `min.insync.replicas`, nothing
that was acknowledged with acks=all can be missing on a replica that left it, as long as that
replica stopped cleanly. Those replicas are the ELR; with an empty ISR one of them may lead. An
unclean stop costs a replica its place, since it may have lost what was only in its page cache. When
ISR and ELR are both empty, `last_known_elr` holds the last leader, which is taken back when it
returns (as an unclean election: the partition is then marked as recovering).

With the feature off an ISR never becomes empty: the last member stays in it, leader or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.metadata.replay import LEADER_UNCHANGED, RECOVERY_STATE_UNCHANGED
from minikafka.metadata.topic_image import NO_LEADER
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from minikafka.metadata.image import PartitionImage

RECOVERING = 1


class PartitionRules:
    """What holds for one topic at this moment.

    `elr` whether eligible leader replicas are finalised, `min_isr` the topic's effective
    min.insync.replicas (never above its replication factor), `unclean` whether a replica that is
    not in sync may lead as a last resort.
    """

    __slots__ = ("elr", "min_isr", "unclean")

    def __init__(self, *, elr: bool, min_isr: int, unclean: bool) -> None:
        self.elr = elr
        self.min_isr = min_isr
        self.unclean = unclean


class _Election:
    """The target state while it is being worked out."""

    __slots__ = ("elr", "isr", "leader", "partition", "unclean")

    def __init__(self, partition: PartitionImage, isr: list[int]) -> None:
        self.partition = partition
        self.isr = isr
        self.elr = list(partition.elr)
        self.leader = partition.leader
        self.unclean = False


def change_partition(
    topic_id: UUID,
    index: int,
    partition: PartitionImage,
    *,
    isr: Sequence[int],
    may_lead: Callable[[int], bool],
    rules: PartitionRules,
    unclean_shutdown: int | None = None,
) -> PartitionChangeRecord | None:
    """The record that gives the partition this in-sync set and the leader that follows from it.

    `may_lead` says whether a broker is up (or about to be), `unclean_shutdown` names one that came
    back without having stopped cleanly.
    """
    target = _Election(partition, list(isr))
    if rules.elr:
        _target_elr(target, rules, unclean_shutdown)
    _elect(target, may_lead, rules)
    return _difference(topic_id, index, target, rules)


def _target_elr(target: _Election, rules: PartitionRules, unclean_shutdown: int | None) -> None:
    if len(target.isr) >= rules.min_isr:
        target.elr = []
        return
    left = [*target.partition.elr, *target.partition.isr]
    target.elr = sorted({r for r in left if r not in target.isr and r != unclean_shutdown})


def _elect(target: _Election, may_lead: Callable[[int], bool], rules: PartitionRules) -> None:
    """Keep the leader if it may stay, else the first replica that may, by what it is trusted for.

    In sync, then eligible (only when nobody is in sync), then the last known leader, then anybody.
    """
    partition = target.partition
    trusted = target.isr or (target.elr if rules.elr else [])
    if partition.leader in trusted and may_lead(partition.leader):
        return
    for replica in partition.replicas:
        if replica in trusted and may_lead(replica):
            target.leader = replica
            if replica in target.elr:
                target.isr = [replica]
                target.elr.remove(replica)
            return
    target.leader = NO_LEADER
    last_known = partition.last_known_elr
    if rules.elr and not trusted and len(last_known) == 1 and may_lead(last_known[0]):
        target.leader = last_known[0]
    elif rules.unclean:
        target.leader = next((r for r in partition.replicas if may_lead(r)), NO_LEADER)
    if target.leader != NO_LEADER:
        target.unclean = True
        target.isr = [target.leader]
        target.elr = []


def _difference(
    topic_id: UUID, index: int, target: _Election, rules: PartitionRules
) -> PartitionChangeRecord | None:
    partition = target.partition
    record = PartitionChangeRecord(partition_id=index, topic_id=topic_id)
    if target.leader != partition.leader:
        record.leader = target.leader
    if target.isr != partition.isr and (target.isr or rules.elr):
        record.isr = target.isr
    if target.unclean and partition.leader_recovery_state != RECOVERING:
        record.leader_recovery_state = RECOVERING
    if not rules.elr:
        target.elr = []
    if target.elr != partition.elr:
        record.eligible_leader_replicas = target.elr
    last_known_elr = _last_known_elr(target, rules)
    if last_known_elr != partition.last_known_elr:
        record.last_known_elr = last_known_elr
    return None if _says_nothing(record) else record


def _last_known_elr(target: _Election, rules: PartitionRules) -> list[int]:
    """The last leader from the moment that there is none until there is one again."""
    partition = target.partition
    if not rules.elr or target.leader == partition.leader:
        return partition.last_known_elr
    if target.leader != NO_LEADER:
        return []
    return partition.last_known_elr or [partition.leader]


def _says_nothing(record: PartitionChangeRecord) -> bool:
    return (
        record.isr is None
        and record.leader == LEADER_UNCHANGED
        and record.eligible_leader_replicas is None
        and record.last_known_elr is None
        and record.leader_recovery_state == RECOVERY_STATE_UNCHANGED
    )
