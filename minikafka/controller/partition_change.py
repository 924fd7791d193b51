"""One change of a partition: which replicas it has, which are in sync, who may lead, who does.

All changes go through `change_partition`: a broker leaves (fenced, stopping, or back after an
unclean stop), a broker comes, an ISR is altered, a partition is reassigned, a leader is elected. It
gives the PartitionChangeRecord that leads from the partition as it is to what it should be, or None
when nothing differs.

Eligible leader replicas (KIP-966): while the ISR is smaller than `min.insync.replicas`, nothing
that was acknowledged with acks=all can be missing on a replica that left it, as long as that
replica stopped cleanly. Those replicas are the ELR; with an empty ISR one of them may lead. An
unclean stop costs a replica its place, since it may have lost what was only in its page cache. When
ISR and ELR are both empty, `last_known_elr` holds the last leader, which is taken back when it
returns (as an unclean election: the partition is then marked as recovering).

With the feature off an ISR never becomes empty: the last member stays in it, leader or not.

A change that names a leader begins a new leader epoch. That is so when the leader moves, and when a
replica is dropped: whoever is dropped learns by it that its fetches count no more. An ISR that
grows or shrinks leaves the epoch alone.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from minikafka.controller.reassignment import complete
from minikafka.metadata.topic_image import NO_LEADER
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from minikafka.metadata.image import PartitionImage

RECOVERED = 0
RECOVERING = 1


class Election(Enum):
    """What an election may come to when the present leader cannot simply stay.

    ONLINE: the first replica that is trusted. PREFERRED: the same, but the first of all replicas
    takes over from a leader that could stay. UNCLEAN: as a last resort any replica that is up.
    """

    ONLINE = 0
    PREFERRED = 1
    UNCLEAN = 2


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

    @property
    def election(self) -> Election:
        return Election.UNCLEAN if self.unclean else Election.ONLINE


class PartitionTarget:
    """What a partition is to become; begins as it is, so that a change sets what it changes.

    `directories` are those of `replicas`, in their order. Leader and eligible replicas follow.
    """

    __slots__ = (
        "adding",
        "directories",
        "elr",
        "isr",
        "leader",
        "partition",
        "recovery_state",
        "removing",
        "replicas",
    )

    def __init__(self, partition: PartitionImage) -> None:
        self.partition = partition
        self.replicas = partition.replicas
        self.directories = partition.directories
        self.adding = partition.adding_replicas
        self.removing = partition.removing_replicas
        self.isr: Sequence[int] = partition.isr
        self.recovery_state = partition.leader_recovery_state
        self.elr = partition.elr
        self.leader = partition.leader


def change_partition(
    topic_id: UUID,
    index: int,
    target: PartitionTarget,
    *,
    may_lead: Callable[[int], bool],
    rules: PartitionRules,
    election: Election | None = None,
    unclean_shutdown: int | None = None,
) -> PartitionChangeRecord | None:
    """The record that makes the partition so, with the leader that follows from it.

    `may_lead` says whether a broker is up (or about to be), `election` is that of the rules if not
    given, `unclean_shutdown` names a broker that came back without having stopped cleanly. A
    reassignment that the ISR allows to be completed is completed.
    """
    _complete_reassignment(target)
    if rules.elr:
        _target_elr(target, rules, unclean_shutdown)
    _elect(target, may_lead, rules, election or rules.election)
    if not rules.elr:
        target.elr = []
    record = _difference(topic_id, index, target, rules)
    unchanged = PartitionChangeRecord(partition_id=index, topic_id=topic_id)
    return None if record == unchanged else record


def _complete_reassignment(target: PartitionTarget) -> None:
    done = complete(target.replicas, target.adding, target.removing, target.isr)
    if done is None:
        return
    replicas, target.isr = done
    if target.directories:
        of_replica = dict(zip(target.replicas, target.directories, strict=True))
        target.directories = [of_replica[replica] for replica in replicas]
    target.replicas = replicas
    target.adding = []
    target.removing = []


def _target_elr(
    target: PartitionTarget, rules: PartitionRules, unclean_shutdown: int | None
) -> None:
    if len(target.isr) >= rules.min_isr:
        target.elr = []
        return
    left = {*target.partition.elr, *target.partition.isr}
    target.elr = sorted(
        replica
        for replica in left.intersection(target.replicas).difference(target.isr)
        if replica != unclean_shutdown
    )


def _elect(
    target: PartitionTarget,
    may_lead: Callable[[int], bool],
    rules: PartitionRules,
    election: Election,
) -> None:
    """In sync, then eligible (only when nobody is in sync), then the last known leader, then any.

    Among those trusted alike the leader stays if it may, else the first in the preferred order.
    """
    partition = target.partition
    trusted = target.isr or (target.elr if rules.elr else [])
    order = [partition.leader, *target.replicas]
    if election is Election.PREFERRED:
        order.insert(0, target.replicas[0])
    for replica in order:
        if replica in trusted and may_lead(replica):
            target.leader = replica
            if replica in target.elr:
                target.isr = [replica]
                target.elr = [other for other in target.elr if other != replica]
            return
    target.leader = NO_LEADER
    last_known = [replica for replica in partition.last_known_elr if replica in target.replicas]
    if rules.elr and not trusted and len(last_known) == 1 and may_lead(last_known[0]):
        target.leader = last_known[0]
    elif election is Election.UNCLEAN:
        target.leader = next((r for r in target.replicas if may_lead(r)), NO_LEADER)
    if target.leader != NO_LEADER:
        target.isr = [target.leader]
        target.elr = []
        target.recovery_state = RECOVERING


def _difference(
    topic_id: UUID, index: int, target: PartitionTarget, rules: PartitionRules
) -> PartitionChangeRecord:
    partition = target.partition
    record = PartitionChangeRecord(partition_id=index, topic_id=topic_id)
    drops_replica = not set(partition.replicas) <= set(target.replicas)
    if target.leader != partition.leader or drops_replica:
        record.leader = target.leader
    if list(target.isr) != partition.isr and (target.isr or rules.elr):
        record.isr = list(target.isr)
    if target.recovery_state != partition.leader_recovery_state:
        record.leader_recovery_state = target.recovery_state
    if target.elr != partition.elr:
        record.eligible_leader_replicas = target.elr
    last_known_elr = _last_known_elr(target, rules)
    if last_known_elr != partition.last_known_elr:
        record.last_known_elr = last_known_elr
    for name, wanted, present in (
        ("replicas", target.replicas, partition.replicas),
        ("directories", target.directories, partition.directories),
        ("adding_replicas", target.adding, partition.adding_replicas),
        ("removing_replicas", target.removing, partition.removing_replicas),
    ):
        if wanted != present:
            setattr(record, name, wanted)
    return record


def _last_known_elr(target: PartitionTarget, rules: PartitionRules) -> list[int]:
    """The last leader from the moment that there is none until there is one again."""
    partition = target.partition
    if not rules.elr or target.leader == partition.leader:
        return partition.last_known_elr
    if target.leader != NO_LEADER:
        return []
    return partition.last_known_elr or [r for r in target.replicas if r == partition.leader]
