"""JoinGroup: how a consumer comes into the group, comes back into it, or asks for a rebalance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group import rebalance, records
from minikafka.coordinators.group.classic_group import ClassicGroup, GroupState
from minikafka.coordinators.group.member import Member
from minikafka.coordinators.group.state import SESSION
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.join_group import JoinGroupRequest, JoinGroupResponse

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment, Waiter
    from minikafka.coordinators.group.member import Client, Protocols
    from minikafka.coordinators.group.state import GroupsState

NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
"""How long a new member's first JoinGroup may be parked; it cannot send heartbeats meanwhile."""
_MEMBER_ID_REQUIRED_SINCE = 4
_SKIP_ASSIGNMENT_SINCE = 9


class Join:
    """One JoinGroup being decided: the request, who waits for it, and the group it is for."""

    __slots__ = ("client", "decision", "group", "now", "protocols", "request", "state", "waiter")

    def __init__(
        self,
        state: GroupsState,
        group: ClassicGroup,
        request: JoinGroupRequest,
        client: Client,
        waiter: Waiter,
        decision: Decision,
        now: Moment,
    ) -> None:
        self.state = state
        self.group = group
        self.request = request
        self.client = client
        self.waiter = waiter
        self.decision = decision
        self.now = now
        self.protocols: Protocols = [(each.name, each.metadata) for each in request.protocols]

    @property
    def rebalance_timeout_ms(self) -> int:
        """Version 0 knows one timeout for both."""
        asked_ms = self.request.rebalance_timeout_ms
        return self.request.session_timeout_ms if asked_ms == -1 else asked_ms

    def answer(self, response: JoinGroupResponse) -> None:
        """Answer this request."""
        self.decision.answer(self.waiter, response)


def join(
    state: GroupsState,
    request: JoinGroupRequest,
    client: Client,
    waiter: Waiter,
    decision: Decision,
    now: Moment,
) -> None:
    """Decide a JoinGroup.

    Raises KafkaError 23 (protocols do not fit), 25, 26, 82 for the request as a whole.
    """
    settings = state.settings
    shortest_ms, longest_ms = (
        settings.group_min_session_timeout_ms,
        settings.group_max_session_timeout_ms,
    )
    if not shortest_ms <= request.session_timeout_ms <= longest_ms:
        raise KafkaError(ErrorCode.INVALID_SESSION_TIMEOUT)
    known = state.groups.get(request.group_id)
    if known is None and request.member_id:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    group = known or ClassicGroup(request.group_id, now.wall_ms)
    if not group.accepts(request.protocol_type, [each.name for each in request.protocols]):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    attempt = Join(state, group, request, client, waiter, decision, now)
    if known is None:
        # The first record of a group: from here on it exists, whatever becomes of the rest.
        decision.records.append(records.empty_group_metadata(group))
        state.groups[group.group_id] = group
    if not _has_room(group, request.member_id, settings.group_max_size):
        group.remove(request.member_id)
        attempt.answer(_refused(ErrorCode.GROUP_MAX_SIZE_REACHED))
    elif not request.member_id:
        _join_as_new(attempt)
    elif request.member_id in group.pending_members:
        _add(attempt, request.member_id)
    else:
        _join_again(attempt)


def _refused(code: ErrorCode, member_id: str = "") -> JoinGroupResponse:
    return JoinGroupResponse(error_code=int(code), protocol_name=None, member_id=member_id)


def _has_room(group: ClassicGroup, member_id: str, max_size: int) -> bool:
    """Whether `group.max.size` admits this member; in a rebalance those count that have joined."""
    member = group.members.get(member_id)
    if group.state is GroupState.EMPTY:
        return True
    if group.is_preparing:
        if member is not None and member.join_waiter is not None:
            return True
        return group.joined_count < max_size
    return member is not None or len(group.members) < max_size


def _join_as_new(attempt: Join) -> None:
    state, group, request = attempt.state, attempt.group, attempt.request
    instance_id = request.group_instance_id
    member_id = state.new_member_id(instance_id or attempt.client.client_id)
    if instance_id is not None:
        old_member_id = group.static_members.get(instance_id)
        if old_member_id is None:
            _add(attempt, member_id)
        else:
            _return_of_static_member(attempt, group.members[old_member_id], member_id)
    elif attempt.client.version < _MEMBER_ID_REQUIRED_SINCE:
        _add(attempt, member_id)
    else:
        # Who never gets its answer comes again under another id; this one is forgotten by then.
        group.pending_members[member_id] = None
        due_ms = attempt.now.now_ms + request.session_timeout_ms
        state.timers.set((SESSION, group.group_id, member_id), due_ms)
        attempt.answer(_refused(ErrorCode.MEMBER_ID_REQUIRED, member_id))


def _add(attempt: Join, member_id: str) -> None:
    state, group, request = attempt.state, attempt.group, attempt.request
    member = Member(
        member_id,
        instance_id=request.group_instance_id,
        client_id=attempt.client.client_id,
        client_host=attempt.client.host,
        rebalance_timeout_ms=attempt.rebalance_timeout_ms,
        session_timeout_ms=request.session_timeout_ms,
        protocols=attempt.protocols,
    )
    member.is_new = True
    if group.is_preparing and group.is_initial_rebalance:
        group.member_was_added = True
    group.add(member, request.protocol_type)
    group.park_join(member, attempt.waiter)
    due_ms = attempt.now.now_ms + NEW_MEMBER_JOIN_TIMEOUT_MS
    state.timers.set((SESSION, group.group_id, member_id), due_ms)
    rebalance.membership_changed(state, group, attempt.decision, attempt.now)


def _join_again(attempt: Join) -> None:
    """A member joins once more: for the next generation, or because an answer was lost."""
    group = attempt.group
    member = group.check_member(attempt.request.member_id, attempt.request.group_instance_id)
    unchanged = member.protocols == attempt.protocols
    if group.state is GroupState.EMPTY:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    follows = member.member_id != group.leader
    if unchanged and (
        group.state is GroupState.COMPLETING_REBALANCE
        or (group.state is GroupState.STABLE and follows)
    ):
        attempt.answer(rebalance.joined(group, member))
    else:
        # A leader that joins in a stable group has seen a reason to assign anew.
        _update(attempt, member)
        rebalance.membership_changed(attempt.state, group, attempt.decision, attempt.now)


def _update(attempt: Join, member: Member) -> None:
    attempt.group.set_protocols(member, attempt.protocols)
    member.rebalance_timeout_ms = attempt.rebalance_timeout_ms
    member.session_timeout_ms = attempt.request.session_timeout_ms
    attempt.group.park_join(member, attempt.waiter)


def _return_of_static_member(attempt: Join, member: Member, member_id: str) -> None:
    """A static member was restarted (KIP-345): its new process takes the place of the old one.

    In a stable group whose protocol stays the same nothing else happens: the assignment is still
    right. Whatever the old process has parked is fenced.
    """
    state, group, decision, now = attempt.state, attempt.group, attempt.decision, attempt.now
    old_leader = group.leader
    for waiter in (group.take_join(member), member.sync_waiter):
        if waiter is not None:
            decision.answer(waiter, KafkaError(ErrorCode.FENCED_INSTANCE_ID))
    member.sync_waiter = None
    state.end_session(group, member.member_id)
    group.rename(member, member_id)
    _update(attempt, member)
    state.extend_session(group, member, now.now_ms)
    if group.state is GroupState.STABLE and group.elect_protocol() == group.protocol:
        group.take_join(member)
        leads = group.leader == member_id
        response = rebalance.joined(group, member, skip_assignment=leads)
        if attempt.client.version < _SKIP_ASSIGNMENT_SINCE:
            # Such a client would assign anew if it believed that it leads: name its old id.
            response.skip_assignment, response.members = False, []
            response.leader = old_leader or ""
        assignments = {each.member_id: each.assignment for each in group.members.values()}
        decision.records.append(records.group_metadata(group, assignments))
        attempt.answer(response)
    else:
        rebalance.membership_changed(state, group, decision, now)
