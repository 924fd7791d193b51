"""Heartbeat, LeaveGroup, and members that fall silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group import rebalance
from minikafka.coordinators.group.classic_group import GroupState
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from minikafka.protocol.messages.join_group import JoinGroupResponse
from minikafka.protocol.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
    MemberResponse,
)

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment, Waiter
    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.coordinators.group.state import GroupsState

_BATCHED_LEAVE_SINCE = 3


def heartbeat(
    state: GroupsState,
    request: HeartbeatRequest,
    waiter: Waiter,
    decision: Decision,
    now: Moment,
) -> None:
    """Decide a Heartbeat. Raises KafkaError 22, 25, 82."""
    group = state.group(request.group_id)
    member = group.check_member(request.member_id, request.group_instance_id)
    group.check_generation(request.generation_id)
    state.extend_session(group, member, now.now_ms)
    response = HeartbeatResponse()
    if group.is_preparing:
        # This is how members learn that they should join again.
        response.error_code = int(ErrorCode.REBALANCE_IN_PROGRESS)
    decision.answer(waiter, response)


def leave(
    state: GroupsState,
    request: LeaveGroupRequest,
    version: int,
    waiter: Waiter,
    decision: Decision,
    now: Moment,
) -> None:
    """Decide a LeaveGroup: each member named for itself. Raises KafkaError 25, 82 below v3."""
    wanted = request.members
    if version < _BATCHED_LEAVE_SINCE:
        wanted = [MemberIdentity(member_id=request.member_id)]
    group = state.groups.get(request.group_id)
    results = [_leave(state, group, identity, decision) for identity in wanted]
    if group is not None and any(not result.error_code for result in results):
        membership_shrank(state, group, decision, now)
    response = LeaveGroupResponse(members=results)
    if version < _BATCHED_LEAVE_SINCE:
        response = LeaveGroupResponse(error_code=results[0].error_code)
    decision.answer(waiter, response)


def _leave(
    state: GroupsState,
    group: ClassicGroup | None,
    identity: MemberIdentity,
    decision: Decision,
) -> MemberResponse:
    """An administrator names a static member by its instance id alone."""
    result = MemberResponse(
        member_id=identity.member_id, group_instance_id=identity.group_instance_id
    )
    if group is None:
        result.error_code = int(ErrorCode.UNKNOWN_MEMBER_ID)
        return result
    member_id = identity.member_id
    instance_id = identity.group_instance_id
    if not member_id and instance_id is not None:
        member_id = group.static_members.get(instance_id, "")
    if member_id not in group.pending_members:
        code = _fault(group, member_id, instance_id)
        if code is not None:
            result.error_code = int(code)
            return result
    remove_member(state, group, member_id, decision)
    return result


def _fault(group: ClassicGroup, member_id: str, instance_id: str | None) -> ErrorCode | None:
    """Why this is no member that may leave, None if it is one."""
    owner = None if instance_id is None else group.static_members.get(instance_id)
    if instance_id is not None and owner is not None and owner != member_id:
        return ErrorCode.FENCED_INSTANCE_ID
    if member_id not in group.members or (instance_id is not None and owner is None):
        return ErrorCode.UNKNOWN_MEMBER_ID
    return None


def remove_member(
    state: GroupsState, group: ClassicGroup, member_id: str, decision: Decision
) -> None:
    """Take a member or a pending one out; what it has parked is answered with 25."""
    state.end_session(group, member_id)
    member = group.remove(member_id)
    if member is None:
        return
    if member.join_waiter is not None:
        decision.answer(
            member.join_waiter,
            JoinGroupResponse(error_code=int(ErrorCode.UNKNOWN_MEMBER_ID), protocol_name=None),
        )
    if member.sync_waiter is not None:
        decision.answer(member.sync_waiter, KafkaError(ErrorCode.UNKNOWN_MEMBER_ID))


def membership_shrank(
    state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment
) -> None:
    """Those who are left share what the others had."""
    if group.state is not GroupState.EMPTY:
        rebalance.membership_changed(state, group, decision, now)


def session_is_over(
    state: GroupsState, group: ClassicGroup, member_id: str, decision: Decision, now: Moment
) -> None:
    """Nothing was heard of a member for its session timeout."""
    member = group.members.get(member_id)
    if member is None:
        if member_id in group.pending_members:
            del group.pending_members[member_id]
            if group.is_preparing:
                rebalance.membership_changed(state, group, decision, now)
        return
    waits = member.join_waiter is not None or member.sync_waiter is not None
    if waits and not member.is_new:
        # It is we who keep it waiting; its session begins anew when it is answered.
        return
    remove_member(state, group, member_id, decision)
    membership_shrank(state, group, decision, now)
