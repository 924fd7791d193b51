"""Who is in sync: which change of the ISR a leader proposes, and what becomes of the proposal.

A follower *leaves* when it has not caught up for `replica.lag.time.max.ms`; one that has all there
is never lags, however long ago it fetched. It *joins* when it has reached the high watermark and
the start of the leader's epoch, and its broker is neither fenced nor shutting down and is the one
that fetches (KIP-841, KIP-903).

A leader has one proposal at a time. It names the partition epoch that it is based on, so that one
which crosses another change is refused (KIP-497).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.alter_partition import (
    AlterPartitionRequestPartitionData,
    AlterPartitionResponsePartitionData,
    BrokerState,
)
from minikafka.replication.followers import UNKNOWN
from minikafka.replication.partition import Partition

RECOVERED = 0
"""A leader that was elected uncleanly has taken its own log for the partition's."""


class Proposal(NamedTuple):
    """An ISR on its way to the controller, and what it is based on."""

    partition: Partition
    isr: frozenset[int]
    leader_epoch: int
    partition_epoch: int

    @property
    def is_current(self) -> bool:
        """Whether the partition still waits for this proposal's answer."""
        partition = self.partition
        return (
            partition.is_leader
            and partition.pending_isr is self.isr
            and partition.leader_epoch == self.leader_epoch
            and partition.partition_epoch == self.partition_epoch
        )


class Outcome(Enum):
    """What an answer means for a proposal."""

    TAKEN = "the ISR is what the answer says"
    RETRY = "nothing is known: ask again"
    WITHDRAWN = "it was not taken up; the next event may bring another"
    OVERTAKEN = "it stays pending until the metadata tell what has come between"


# Errors of one partition after which nothing is known, or nothing has happened.
_WITHDRAWN = (ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.INELIGIBLE_REPLICA)
_OVERTAKEN = (
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.UNKNOWN_TOPIC_ID,
    ErrorCode.FENCED_LEADER_EPOCH,
    ErrorCode.INVALID_UPDATE_VERSION,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.NEW_LEADER_ELECTED,
)


def lagging(partition: Partition, now_ms: int, lag_max_ms: int) -> frozenset[int]:
    """Members of the ISR, other than the leader, that have fallen behind."""
    end_offset = partition.log.log_end_offset
    return frozenset(
        follower.replica_id
        for follower in partition.followers.values()
        if follower.replica_id in partition.isr
        and not follower.keeps_up(end_offset, now_ms, lag_max_ms)
    )


def caught_up(partition: Partition, now_ms: int, lag_max_ms: int) -> frozenset[int]:
    """Followers outside of the ISR that may join it.

    One that lacks something and has not fetched for so long has just been dropped for it. While
    another one stands still, too, it has all that is acknowledged, and would be back at once.
    """
    end_offset = partition.log.log_end_offset
    least = max(partition.high_watermark, partition.epoch_start_offset)
    return frozenset(
        follower.replica_id
        for follower in partition.followers.values()
        if follower.replica_id not in partition.isr
        and follower.end_offset >= least
        and (follower.end_offset == end_offset or now_ms - follower.fetched_ms <= lag_max_ms)
        and partition.is_eligible(follower.replica_id, follower.broker_epoch)
    )


def look_for_joining(partition: Partition, now_ms: int, lag_max_ms: int) -> bool:
    """Find whom the high watermark shall wait for although it is not in the ISR yet.

    Returns whether the high watermark has moved, because somebody is not waited for any more.
    """
    end_offset = partition.log.log_end_offset
    joining = frozenset(
        follower.replica_id
        for follower in partition.followers.values()
        if follower.end_offset != UNKNOWN
        and follower.replica_id not in partition.isr
        and follower.keeps_up(end_offset, now_ms, lag_max_ms)
        and partition.is_eligible(follower.replica_id, follower.broker_epoch)
    )
    if joining == partition.joining:
        return False
    partition.joining = joining
    partition.count_followers()
    return partition.advance_high_watermark()


def propose_expansion(partition: Partition, now_ms: int, lag_max_ms: int) -> Proposal | None:
    """Propose to take in whoever has caught up, unless a proposal is on its way."""
    if not partition.is_leader or partition.pending_isr is not None:
        return None
    joining = caught_up(partition, now_ms, lag_max_ms)
    return _propose(partition, partition.isr | joining) if joining else None


def propose_shrinking(partition: Partition, now_ms: int, lag_max_ms: int) -> Proposal | None:
    """Propose to drop whoever lags, unless a proposal is on its way."""
    if not partition.is_leader or partition.pending_isr is not None or len(partition.isr) < 2:
        return None
    behind = lagging(partition, now_ms, lag_max_ms)
    return _propose(partition, partition.isr - behind) if behind else None


def _propose(partition: Partition, isr: frozenset[int]) -> Proposal:
    partition.propose(isr)
    return Proposal(partition, isr, partition.leader_epoch, partition.partition_epoch)


def to_request(proposal: Proposal, own_broker_epoch: int) -> AlterPartitionRequestPartitionData:
    """The proposal as AlterPartition says it, with the broker epoch of every member.

    By id, not in the order of the replicas: so Kafka's leaders name them, and tools show them.
    """
    partition = proposal.partition
    epochs = {f.replica_id: f.broker_epoch for f in partition.followers.values()}
    epochs[partition.node_id] = own_broker_epoch
    return AlterPartitionRequestPartitionData(
        partition_index=partition.index,
        leader_epoch=proposal.leader_epoch,
        new_isr_with_epochs=[
            BrokerState(broker_id=member, broker_epoch=epochs.get(member, UNKNOWN))
            for member in sorted(proposal.isr)
        ],
        leader_recovery_state=RECOVERED,
        partition_epoch=proposal.partition_epoch,
    )


def outcome_of(code: ErrorCode) -> Outcome:
    """What the error code of one partition's answer means for its proposal."""
    if code == ErrorCode.NONE:
        return Outcome.TAKEN
    if code in _WITHDRAWN:
        return Outcome.WITHDRAWN
    return Outcome.OVERTAKEN if code in _OVERTAKEN else Outcome.RETRY


def take_answer(proposal: Proposal, answer: AlterPartitionResponsePartitionData) -> bool:
    """Take the ISR that the controller has decided; true if the high watermark moved.

    An answer that is older than what the metadata have told meanwhile is passed over.
    """
    partition = proposal.partition
    if (
        not partition.is_leader
        or answer.leader_epoch != partition.leader_epoch
        or answer.partition_epoch < partition.partition_epoch
    ):
        return False
    if partition.pending_isr is proposal.isr:
        partition.pending_isr = None
    return partition.decided(frozenset(answer.isr), answer.partition_epoch)
