"""DescribeGroups and ListGroups: what groups are there, and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group.classic_group import GroupState
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.describe_groups import DescribedGroup, DescribedGroupMember
from minikafka.protocol.messages.list_groups import ListedGroup

if TYPE_CHECKING:
    from collections.abc import Collection

    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.coordinators.group.state import GroupsState

GROUP_TYPE = "classic"
_DEAD = "Dead"
_NOT_FOUND_SINCE = 6


def describe(state: GroupsState, group_id: str, version: int) -> DescribedGroup:
    """One group; one that is not there is Dead, and an error only since v6 (KIP-1043)."""
    group = state.groups.get(group_id)
    if group is None:
        described = DescribedGroup(group_id=group_id, group_state=_DEAD)
        if version >= _NOT_FOUND_SINCE:
            described.error_code = int(ErrorCode.GROUP_ID_NOT_FOUND)
            described.error_message = f"Group {group_id} not found."
        return described
    # Before the group is stable, the protocol and what members said for it may still change.
    protocol = group.protocol if group.state is GroupState.STABLE else None
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=protocol or "",
        members=[
            DescribedGroupMember(
                member_id=member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                member_metadata=member.metadata(protocol),
                member_assignment=member.assignment,
            )
            for member in group.members.values()
        ],
    )


def list_groups(
    state: GroupsState, states: Collection[str], types: Collection[str]
) -> list[ListedGroup]:
    """Groups in one of `states` and of one of `types` (any case; none named: all)."""
    wanted_states = {each.lower() for each in states}
    wanted_types = {each.lower() for each in types}
    if wanted_types and GROUP_TYPE not in wanted_types:
        return []
    return [
        _listed(group)
        for group in state.groups.values()
        if not wanted_states or group.state.value.lower() in wanted_states
    ]


def _listed(group: ClassicGroup) -> ListedGroup:
    return ListedGroup(
        group_id=group.group_id,
        protocol_type=group.protocol_type or "",
        group_state=group.state.value,
        group_type=GROUP_TYPE,
    )
