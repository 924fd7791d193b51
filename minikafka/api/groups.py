"""ListGroups (16), DescribeGroups (15), DeleteGroups (42): groups from outside.

Each broker knows the groups that it coordinates; administrators ask all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from minikafka.api.authorized_operations import Operation
from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, refuse_with_error_code
from minikafka.api.group_requests import Gathering
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)
from minikafka.protocol.messages.describe_groups import (
    DescribedGroup,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from minikafka.protocol.messages.list_groups import (
    ListedGroup,
    ListGroupsRequest,
    ListGroupsResponse,
)

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment, Waiter
    from minikafka.coordinators.group.coordinator import GroupCoordinator

ALL_GROUP_OPERATIONS: Final = sum(
    1 << operation
    for operation in (
        Operation.READ,
        Operation.DELETE,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    )
)


_MESSAGE_SINCE = 6


@handles(ApiKey.LIST_GROUPS)
def list_groups(context: RequestContext, request: ListGroupsRequest) -> None:
    """Every group of this broker; all of it fails while one shard is loading."""
    shards = list(context.services.groups.shards())

    def finish(parts: list[list[ListedGroup] | KafkaError]) -> ListGroupsResponse:
        response = ListGroupsResponse()
        for part in parts:
            if isinstance(part, KafkaError):
                refused = refuse_with_error_code(context, request, part)
                assert isinstance(refused, ListGroupsResponse)
                return refused
            response.groups.extend(part)
        return response

    gathering = Gathering(context, len(shards), finish)
    for index, shard in enumerate(shards):
        waiter = gathering.part(index, lambda error: error)
        shard.submit(
            waiter,
            _asking(
                waiter,
                lambda groups: groups.list_groups(request.states_filter, request.types_filter),
            ),
        )


def _asking(
    waiter: Waiter, ask: Callable[[GroupCoordinator], object]
) -> Callable[[GroupCoordinator, Decision, Moment], None]:
    """A command that only reads."""

    def command(groups: GroupCoordinator, decision: Decision, now: Moment) -> None:
        decision.answer(waiter, ask(groups))

    return command


def _refuse_description(
    context: RequestContext, group_id: str, error: KafkaError
) -> DescribedGroup:
    described = DescribedGroup(group_id=group_id, error_code=int(error.code))
    if context.version >= _MESSAGE_SINCE:
        described.error_message = error.message
    return described


def refuse_descriptions(
    context: RequestContext, request: DescribeGroupsRequest, error: KafkaError
) -> DescribeGroupsResponse:
    """The error at every group asked for."""
    return DescribeGroupsResponse(
        groups=[_refuse_description(context, group_id, error) for group_id in request.groups]
    )


@handles(ApiKey.DESCRIBE_GROUPS, refusal=refuse_descriptions)
def describe_groups(context: RequestContext, request: DescribeGroupsRequest) -> None:
    """Each group by itself."""
    version = context.version

    def finish(described: list[DescribedGroup]) -> DescribeGroupsResponse:
        if request.include_authorized_operations:
            for group in described:
                if not group.error_code:
                    group.authorized_operations = ALL_GROUP_OPERATIONS
        return DescribeGroupsResponse(groups=described)

    host = context.services.groups
    gathering = Gathering(context, len(request.groups), finish)
    for index, group_id in enumerate(request.groups):
        waiter = gathering.part(index, partial(_refuse_description, context, group_id))
        host.submit(
            group_id,
            waiter,
            _asking(waiter, partial(_describe, group_id, version)),
        )


def _describe(group_id: str, version: int, groups: GroupCoordinator) -> DescribedGroup:
    return groups.describe(group_id, version)


def _refuse_deletion(group_id: str, error: KafkaError) -> DeletableGroupResult:
    return DeletableGroupResult(group_id=group_id, error_code=int(error.code))


def refuse_deletions(
    context: RequestContext, request: DeleteGroupsRequest, error: KafkaError
) -> DeleteGroupsResponse:
    """The error at every group asked for."""
    return DeleteGroupsResponse(
        results=[_refuse_deletion(group_id, error) for group_id in request.groups_names]
    )


@handles(ApiKey.DELETE_GROUPS, refusal=refuse_deletions)
def delete_groups(context: RequestContext, request: DeleteGroupsRequest) -> None:
    """Each group by itself; only groups without members can go."""
    host = context.services.groups
    wanted = list(dict.fromkeys(request.groups_names))
    gathering = Gathering(
        context, len(wanted), lambda results: DeleteGroupsResponse(results=results)
    )
    for index, group_id in enumerate(wanted):
        waiter = gathering.part(index, partial(_refuse_deletion, group_id))

        def delete(
            groups: GroupCoordinator,
            decision: Decision,
            now: Moment,
            group_id: str = group_id,
            waiter: Waiter = waiter,
        ) -> None:
            groups.delete_group(group_id, waiter, decision)

        host.submit(group_id, waiter, delete)
