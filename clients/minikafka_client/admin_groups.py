"""Groups, for the admin client: who is in them, what they have committed, and changing that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from minikafka.protocol.messages.describe_groups import (
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from minikafka.protocol.messages.list_groups import ListGroupsRequest, ListGroupsResponse
from minikafka.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from minikafka_client.admin_calls import AdminCalls, check
from minikafka_client.fetched import TopicPartition
from minikafka_client.group_coordinator import GroupCoordinator
from minikafka_client.membership import read_assignment

_STABLE: Final = "Stable"


class GroupListing(NamedTuple):
    """A group as brokers list it; type `classic`, `consumer`, `share` or `streams`."""

    group_id: str
    protocol_type: str
    state: str
    group_type: str


class MemberDescription(NamedTuple):
    """A member of a classic group and the partitions that it was given."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    assignment: list[TopicPartition]


class GroupDescription(NamedTuple):
    """A classic group; `protocol` is its assignor's name while it is stable."""

    group_id: str
    state: str
    protocol_type: str
    protocol: str
    members: list[MemberDescription]


class GroupAdmin(AdminCalls):
    """What `Admin` inherits. Each call raises BrokerError, NotConnected, Timeout."""

    async def list_groups(
        self, *, states: Iterable[str] = (), timeout_ms: float | None = None
    ) -> list[GroupListing]:
        """The groups of all brokers, of some states only if there are given."""
        deadline = self._deadline(timeout_ms)
        cluster = self._cluster
        await cluster.refresh([], cluster.remaining(deadline))
        found: list[GroupListing] = []
        request = ListGroupsRequest(states_filter=list(states))
        for node in list(cluster.nodes):
            found += await self._ask(request, ListGroupsResponse, _listings, deadline, node=node)
        return sorted(found)

    async def describe_group(
        self, group_id: str, *, timeout_ms: float | None = None
    ) -> GroupDescription:
        """A classic group and its members."""
        answer = await self._coordinated(
            group_id,
            DescribeGroupsRequest(groups=[group_id]),
            DescribeGroupsResponse,
            lambda answer: answer.groups[0].error_code,
            timeout_ms,
        )
        (group,) = answer.groups
        return GroupDescription(
            group.group_id,
            group.group_state,
            group.protocol_type,
            group.protocol_data,
            [_member(each, group.group_state) for each in group.members],
        )

    async def delete_group(self, group_id: str, *, timeout_ms: float | None = None) -> None:
        """Delete a group without members, and its offsets."""
        await self._coordinated(
            group_id,
            DeleteGroupsRequest(groups_names=[group_id]),
            DeleteGroupsResponse,
            lambda answer: answer.results[0].error_code,
            timeout_ms,
        )

    async def list_group_offsets(
        self,
        group_id: str,
        places: Iterable[tuple[str, int]] | None = None,
        *,
        timeout_ms: float | None = None,
    ) -> dict[TopicPartition, int]:
        """What a group has committed, for all partitions unless some are given."""
        wanted = None if places is None else [TopicPartition(*place) for place in places]
        coordinator = GroupCoordinator(self._cluster, group_id)
        return await coordinator.committed(wanted, self._deadline(timeout_ms))

    async def alter_group_offsets(
        self,
        group_id: str,
        offsets: Mapping[TopicPartition, int],
        *,
        timeout_ms: float | None = None,
    ) -> None:
        """Set offsets of a group without members."""
        coordinator = GroupCoordinator(self._cluster, group_id)
        await coordinator.commit(offsets, {}, self._deadline(timeout_ms))

    async def delete_group_offsets(
        self,
        group_id: str,
        places: Iterable[tuple[str, int]],
        *,
        timeout_ms: float | None = None,
    ) -> None:
        """Forget offsets of partitions that no member is subscribed to."""
        topics: dict[str, list[OffsetDeleteRequestPartition]] = {}
        for topic, partition in places:
            wanted = OffsetDeleteRequestPartition(partition_index=partition)
            topics.setdefault(topic, []).append(wanted)
        request = OffsetDeleteRequest(
            group_id=group_id,
            topics=[
                OffsetDeleteRequestTopic(name=name, partitions=each)
                for name, each in topics.items()
            ],
        )
        await self._coordinated(group_id, request, OffsetDeleteResponse, _first_error, timeout_ms)


def _listings(answer: ListGroupsResponse) -> list[GroupListing]:
    check(answer.error_code, "ListGroups")
    return [
        GroupListing(each.group_id, each.protocol_type, each.group_state, each.group_type)
        for each in answer.groups
    ]


def _first_error(answer: OffsetDeleteResponse) -> int:
    codes = [each.error_code for topic in answer.topics for each in topic.partitions]
    return next((code for code in (answer.error_code, *codes) if code), ErrorCode.NONE)


def _member(member: DescribedGroupMember, state: str) -> MemberDescription:
    return MemberDescription(
        member.member_id,
        member.group_instance_id,
        member.client_id,
        member.client_host,
        read_assignment(member.member_assignment) if state == _STABLE else [],
    )
