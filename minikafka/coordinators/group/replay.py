"""Records of `__consumer_offsets` change the state: when loading, and right after each append.

Records of groups of other kinds (KIP-848, share, streams) are passed over: this version does not
serve them, and a log that Kafka wrote may hold some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group.classic_group import ClassicGroup, GroupState
from minikafka.coordinators.group.member import Member
from minikafka.protocol.records.group.group_metadata_key import GroupMetadataKey
from minikafka.protocol.records.group.group_metadata_value import GroupMetadataValue
from minikafka.protocol.records.group.legacy_offset_commit_key import LegacyOffsetCommitKey
from minikafka.protocol.records.group.legacy_offset_commit_value import LegacyOffsetCommitValue
from minikafka.protocol.records.group.offset_commit_key import OffsetCommitKey
from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Record
    from minikafka.coordinators.group.state import GroupsState


def replay(state: GroupsState, record: Record, wall_ms: int) -> None:
    """Take one record in; `wall_ms` is when it was written."""
    key, value = record.key, record.value
    if isinstance(key, (OffsetCommitKey, LegacyOffsetCommitKey)):
        if value is None:
            _forget_offset(state, key)
        else:
            _keep_offset(state, key, _current_form(value), wall_ms)
    elif isinstance(key, GroupMetadataKey):
        if value is None:
            state.groups.pop(key.group, None)
        else:
            assert isinstance(value, GroupMetadataValue)
            group = state.groups.get(key.group)
            if group is None:
                group = state.groups[key.group] = ClassicGroup(key.group, wall_ms)
            restore(group, value)


def _current_form(value: object) -> OffsetCommitValue:
    if isinstance(value, LegacyOffsetCommitValue):
        return OffsetCommitValue(
            offset=value.offset, metadata=value.metadata, commit_timestamp=value.commit_timestamp
        )
    assert isinstance(value, OffsetCommitValue)
    return value


def _keep_offset(
    state: GroupsState,
    key: OffsetCommitKey | LegacyOffsetCommitKey,
    value: OffsetCommitValue,
    wall_ms: int,
) -> None:
    topics = state.offsets.setdefault(key.group, {})
    topics.setdefault(key.topic, {})[key.partition] = value
    if key.group not in state.groups:
        # A simple consumer: it commits without ever joining.
        state.groups[key.group] = ClassicGroup(key.group, wall_ms)


def _forget_offset(state: GroupsState, key: OffsetCommitKey | LegacyOffsetCommitKey) -> None:
    topics = state.offsets.get(key.group, {})
    partitions = topics.get(key.topic, {})
    partitions.pop(key.partition, None)
    if not partitions:
        topics.pop(key.topic, None)
    if not topics:
        state.offsets.pop(key.group, None)


def restore(group: ClassicGroup, value: GroupMetadataValue) -> None:
    """Make the group what the record says.

    A live group is that already but for assignments and state; its members keep all the protocols
    they named (the record has only the one that was chosen) and their parked requests. A record
    without members that begins no generation (the first record of a group, whose first member may
    have joined meanwhile) changes no membership.
    """
    begins = value.generation > group.generation
    group.generation = max(group.generation, value.generation)
    if value.protocol_type:
        group.protocol_type = value.protocol_type
    if value.members:
        _restore_members(group, value)
        group.state = GroupState.STABLE
        group.timestamp = value.current_state_timestamp
    elif begins:
        for member_id in list(group.members):
            group.remove(member_id)
        group.protocol = group.leader = None
        group.state = GroupState.EMPTY
        group.timestamp = value.current_state_timestamp
        group.note_subscriptions()


def _restore_members(group: ClassicGroup, value: GroupMetadataValue) -> None:
    named = {member.member_id for member in value.members}
    for member_id in [each for each in group.members if each not in named]:
        group.remove(member_id)
    for told in value.members:
        member = group.members.get(told.member_id)
        if member is None:
            member = Member(
                told.member_id,
                instance_id=told.group_instance_id,
                client_id=told.client_id,
                client_host=told.client_host,
                # Records of version 0 know no rebalance timeout.
                rebalance_timeout_ms=max(told.rebalance_timeout, 0) or told.session_timeout,
                session_timeout_ms=told.session_timeout,
                protocols=[(value.protocol or "", told.subscription)],
            )
            group.add(member, value.protocol_type)
        member.assignment = told.assignment
    group.protocol = value.protocol
    group.leader = value.leader
    group.note_subscriptions()
