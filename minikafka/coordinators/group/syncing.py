"""SyncGroup: the leader hands the assignment in, every member fetches its part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group import rebalance, records
from minikafka.coordinators.group.classic_group import GroupState
from minikafka.coordinators.group.state import SYNC
from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment, Waiter
    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.coordinators.group.state import GroupsState
    from minikafka.protocol.messages.sync_group import SyncGroupRequest

_PROTOCOL_SINCE = 5


def sync(
    state: GroupsState,
    request: SyncGroupRequest,
    version: int,
    waiter: Waiter,
    decision: Decision,
    now: Moment,
) -> None:
    """Decide a SyncGroup. Raises KafkaError 22, 23, 25, 27, 82."""
    if version >= _PROTOCOL_SINCE and None in (request.protocol_type, request.protocol_name):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    group = state.group(request.group_id)
    member = group.check_member(request.member_id, request.group_instance_id)
    group.check_generation(request.generation_id)
    if _differ(request.protocol_type, group.protocol_type) or _differ(
        request.protocol_name, group.protocol
    ):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if group.is_preparing:
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
    _is_here(state, group, member.member_id)
    if group.state is GroupState.STABLE:
        state.extend_session(group, member, now.now_ms)
        decision.answer(waiter, rebalance.synced(group, member.assignment))
        return
    member.sync_waiter = waiter
    if member.member_id == group.leader:
        told = {each.member_id: each.assignment for each in request.assignments}
        assignments = {member_id: told.get(member_id, b"") for member_id in group.members}
        decision.records.append(records.group_metadata(group, assignments))
        _hand_out(state, group, assignments, decision, now)


def _differ(told: str | None, ours: str | None) -> bool:
    return told is not None and ours is not None and told != ours


def _is_here(state: GroupsState, group: ClassicGroup, member_id: str) -> None:
    group.pending_syncs.pop(member_id, None)
    if not group.pending_syncs:
        state.timers.cancel((SYNC, group.group_id))


def _hand_out(
    state: GroupsState,
    group: ClassicGroup,
    assignments: dict[str, bytes],
    decision: Decision,
    now: Moment,
) -> None:
    """Everybody who waits gets its part; replaying the record makes the group stable."""
    for member in group.members.values():
        waiter, member.sync_waiter = member.sync_waiter, None
        if waiter is not None:
            decision.answer(waiter, rebalance.synced(group, assignments[member.member_id]))
            state.extend_session(group, member, now.now_ms)
