"""JoinGroup (11), SyncGroup (14), Heartbeat (12), LeaveGroup (13): members of classic groups.

A JoinGroup is answered when its generation begins, a SyncGroup when the leader has handed the
assignment in: both may be parked for a rebalance's length. `coordinators.group` decides.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, refuse_with_error_code
from minikafka.api.group_requests import Reply, require_group_id
from minikafka.coordinators.group.member import Client
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.messages.heartbeat import HeartbeatRequest
from minikafka.protocol.messages.join_group import JoinGroupRequest, JoinGroupResponse
from minikafka.protocol.messages.leave_group import LeaveGroupRequest
from minikafka.protocol.messages.sync_group import SyncGroupRequest
from minikafka.protocol.types import Struct

_NULL_PROTOCOL_SINCE = 7


def refuse_join(
    context: RequestContext, request: JoinGroupRequest, error: KafkaError
) -> JoinGroupResponse:
    """The error, and the member id the client came with."""
    return JoinGroupResponse(
        error_code=int(error.code),
        protocol_name=None if context.version >= _NULL_PROTOCOL_SINCE else "",
        member_id=request.member_id,
    )


class JoinReply(Reply):
    """Fits the answer to versions that know no null protocol."""

    __slots__ = ()

    def answer(self, response: Struct) -> None:
        """Send the response."""
        assert isinstance(response, JoinGroupResponse)
        if response.protocol_name is None and self._context.version < _NULL_PROTOCOL_SINCE:
            response.protocol_name = ""
        super().answer(response)


@handles(ApiKey.JOIN_GROUP, refusal=refuse_join)
def join_group(context: RequestContext, request: JoinGroupRequest) -> None:
    """Come into a group, or into its next generation."""
    require_group_id(request.group_id)
    reply = JoinReply(context, request, refuse_join)
    host = str(context.exchange.connection.peer[0])
    client = Client(context.client_id or "", f"/{host}", context.version)
    context.services.groups.submit(
        request.group_id,
        reply,
        lambda groups, decision, now: groups.join(request, client, reply, decision, now),
    )


@handles(ApiKey.SYNC_GROUP)
def sync_group(context: RequestContext, request: SyncGroupRequest) -> None:
    """Hand the assignment in, or fetch one's own."""
    require_group_id(request.group_id)
    reply = Reply(context, request, refuse_with_error_code)
    version = context.version
    context.services.groups.submit(
        request.group_id,
        reply,
        lambda groups, decision, now: groups.sync(request, version, reply, decision, now),
    )


@handles(ApiKey.HEARTBEAT)
def heartbeat(context: RequestContext, request: HeartbeatRequest) -> None:
    """Show that one lives, hear of rebalances."""
    require_group_id(request.group_id)
    reply = Reply(context, request, refuse_with_error_code)
    context.services.groups.submit(
        request.group_id,
        reply,
        lambda groups, decision, now: groups.heartbeat(request, reply, decision, now),
    )


@handles(ApiKey.LEAVE_GROUP)
def leave_group(context: RequestContext, request: LeaveGroupRequest) -> None:
    """Leave, or be taken out by an administrator."""
    require_group_id(request.group_id)
    reply = Reply(context, request, refuse_with_error_code)
    version = context.version
    context.services.groups.submit(
        request.group_id,
        reply,
        lambda groups, decision, now: groups.leave(request, version, reply, decision, now),
    )
