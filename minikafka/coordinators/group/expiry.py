"""Offsets that nobody needs any more, and groups that are gone with them.

A group without members keeps its offsets for `offsets.retention.minutes` from when its last member
left; a consumer that never joins, from its last commit. A group with members loses only offsets of
topics that none of them reads, that long after their commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group import records
from minikafka.coordinators.group.classic_group import CONSUMER_PROTOCOL_TYPE, GroupState
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.records.group.offset_commit_key import OffsetCommitKey

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment
    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.coordinators.group.state import GroupsState
    from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue

_MS_PER_MINUTE = 60_000


def expire_offsets(state: GroupsState, decision: Decision, now: Moment) -> None:
    """Tombstones for what has expired, group by group."""
    busy = _groups_in_transactions(state)
    for group in state.groups.values():
        if group.group_id not in busy:
            _expire_group(state, group, decision, now)


def _groups_in_transactions(state: GroupsState) -> set[str]:
    return {
        record.key.group
        for pending in state.pending_offsets.values()
        for record in pending
        if isinstance(record.key, OffsetCommitKey)
    }


def _expire_group(state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment) -> None:
    retention_ms = state.settings.offsets_retention_minutes * _MS_PER_MINUTE
    left = 0
    for topic, partitions in state.offsets.get(group.group_id, {}).items():
        for index, value in partitions.items():
            base_ms = _retained_since(group, topic, value)
            if value.expire_timestamp != records.NO_EXPIRY:
                expired = base_ms is not None and now.wall_ms >= value.expire_timestamp
            else:
                expired = base_ms is not None and now.wall_ms - base_ms >= retention_ms
            if expired:
                decision.records.append(records.offset_tombstone(group.group_id, topic, index))
            else:
                left += 1
    if not left and group.state is GroupState.EMPTY and not group.pending_members:
        decision.records.append(records.group_tombstone(group.group_id))


def _retained_since(group: ClassicGroup, topic: str, value: OffsetCommitValue) -> int | None:
    """When the retention of an offset began (wall ms); None while it must not expire."""
    if group.protocol_type is None:
        return value.commit_timestamp
    if group.state is GroupState.EMPTY:
        # Records before version 2 do not tell when the group came into its state.
        return group.timestamp if group.timestamp >= 0 else value.commit_timestamp
    is_stable_consumer = (
        group.protocol_type == CONSUMER_PROTOCOL_TYPE and group.state is GroupState.STABLE
    )
    if is_stable_consumer and not group.reads(topic):
        return value.commit_timestamp
    return None


def delete_group(state: GroupsState, group_id: str, decision: Decision) -> None:
    """Take a group away with everything it committed. Raises KafkaError 68, 69."""
    group = state.groups.get(group_id)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
    if group.state is not GroupState.EMPTY:
        raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
    for topic, partitions in state.offsets.get(group_id, {}).items():
        for index in partitions:
            decision.records.append(records.offset_tombstone(group_id, topic, index))
    decision.records.append(records.group_tombstone(group_id))
