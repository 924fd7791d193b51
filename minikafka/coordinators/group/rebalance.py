"""From one generation to the next: call everybody, wait, choose a protocol, have the leader assign.

What is said here about waiting is the heart of the classic protocol: a JoinGroup is answered only
when all members have joined, a SyncGroup only when the leader has handed the assignment in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group import records
from minikafka.coordinators.group.classic_group import GroupState
from minikafka.coordinators.group.state import JOIN, SYNC
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.join_group import JoinGroupResponse, JoinGroupResponseMember
from minikafka.protocol.messages.sync_group import SyncGroupResponse

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment
    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.coordinators.group.member import Member
    from minikafka.coordinators.group.state import GroupsState


def membership_changed(
    state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment
) -> None:
    """Somebody came, left or changed: begin a rebalance, or see whether the one in progress ends.

    The first rebalance of an empty group ends by time only: it waits for more members.
    """
    if not group.is_preparing:
        prepare(state, group, decision, now)
    elif group.everybody_joined and not group.is_initial_rebalance:
        complete_join(state, group, decision, now)


def prepare(state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment) -> None:
    """Call all members to join: those that wait for an assignment at once, the others when they
    send their next heartbeat.
    """
    if group.state is GroupState.COMPLETING_REBALANCE:
        answer_syncs(state, group, decision, now, ErrorCode.REBALANCE_IN_PROGRESS)
    state.timers.cancel((SYNC, group.group_id))
    first = group.state is GroupState.EMPTY
    group.enter(GroupState.PREPARING_REBALANCE, now.wall_ms)
    if not first:
        _complete_or_wait(state, group, decision, now)
        return
    group.is_initial_rebalance = True
    group.member_was_added = False
    delay_ms = state.settings.group_initial_rebalance_delay_ms
    if delay_ms == 0:
        complete_join(state, group, decision, now)
    else:
        state.timers.set((JOIN, group.group_id), now.now_ms + delay_ms)
        group.remaining_delay_ms = max(group.rebalance_timeout_ms - delay_ms, 0)


def join_time_is_over(
    state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment
) -> None:
    """The deadline for joining has passed; in a new group each joiner has earned another delay."""
    if not group.is_preparing:
        return
    if group.is_initial_rebalance and group.member_was_added and group.remaining_delay_ms:
        group.member_was_added = False
        delay_ms = state.settings.group_initial_rebalance_delay_ms
        state.timers.set(
            (JOIN, group.group_id), now.now_ms + min(delay_ms, group.remaining_delay_ms)
        )
        group.remaining_delay_ms = max(group.remaining_delay_ms - delay_ms, 0)
        return
    complete_join(state, group, decision, now)


def _complete_or_wait(
    state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment
) -> None:
    if group.everybody_joined:
        complete_join(state, group, decision, now)
    else:
        state.timers.set((JOIN, group.group_id), now.now_ms + group.rebalance_timeout_ms)


def complete_join(state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment) -> None:
    """Begin the next generation with those that have joined.

    Static members keep their place although they have not: they may be restarting.
    """
    state.timers.cancel((JOIN, group.group_id))
    for member in list(group.members.values()):
        if member.join_waiter is None and member.instance_id is None:
            state.end_session(group, member.member_id)
            group.remove(member.member_id)
    if group.members and not _leader_has_joined(group):
        # Only static members that are away: until their sessions end nobody can assign.
        state.timers.set((JOIN, group.group_id), now.now_ms + group.rebalance_timeout_ms)
        return
    group.begin_generation(now.wall_ms)
    if not group.members:
        decision.records.append(records.empty_group_metadata(group))
        return
    for member in group.members.values():
        waiter = group.take_join(member)
        if waiter is not None:
            decision.answer(waiter, joined(group, member))
        member.is_new = False
        state.extend_session(group, member, now.now_ms)
        group.pending_syncs[member.member_id] = None
    state.timers.set((SYNC, group.group_id), now.now_ms + group.rebalance_timeout_ms)


def _leader_has_joined(group: ClassicGroup) -> bool:
    """Whether the leader, or the first who has joined instead of it, is there to assign."""
    leader = group.members.get(group.leader or "")
    if leader is not None and leader.join_waiter is not None:
        return True
    for member in group.members.values():
        if member.join_waiter is not None:
            group.leader = member.member_id
            return True
    return False


def joined(
    group: ClassicGroup, member: Member, *, skip_assignment: bool = False
) -> JoinGroupResponse:
    """The present generation as `member` is told it: only the leader hears of all members."""
    return JoinGroupResponse(
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        leader=group.leader or "",
        skip_assignment=skip_assignment,
        member_id=member.member_id,
        members=roster(group) if member.member_id == group.leader else [],
    )


def roster(group: ClassicGroup) -> list[JoinGroupResponseMember]:
    """What the leader assigns by: each member's metadata, as the members wrote it."""
    return [
        JoinGroupResponseMember(
            member_id=member.member_id,
            group_instance_id=member.instance_id,
            metadata=member.metadata(group.protocol),
        )
        for member in group.members.values()
    ]


def synced(group: ClassicGroup, assignment: bytes) -> SyncGroupResponse:
    """A member's part of the assignment."""
    return SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=assignment
    )


def answer_syncs(
    state: GroupsState,
    group: ClassicGroup,
    decision: Decision,
    now: Moment,
    error: ErrorCode,
) -> None:
    """No assignment will come: whoever waits for it hears the error."""
    for member in group.members.values():
        member.assignment = b""
        waiter, member.sync_waiter = member.sync_waiter, None
        if waiter is not None:
            decision.answer(waiter, KafkaError(error))
            state.extend_session(group, member, now.now_ms)


def sync_time_is_over(
    state: GroupsState, group: ClassicGroup, decision: Decision, now: Moment
) -> None:
    """Members that joined and never asked for their assignment are gone."""
    if group.state not in (GroupState.COMPLETING_REBALANCE, GroupState.STABLE):
        return
    if not group.pending_syncs:
        return
    for member_id in list(group.pending_syncs):
        state.end_session(group, member_id)
        group.remove(member_id)
    prepare(state, group, decision, now)
