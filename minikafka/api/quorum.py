"""DescribeQuorum (key 55, v0-2; KIP-595, KIP-836): the metadata quorum and how far each voter is.

v1 time of the last fetch · v2 directory ids, listeners of the nodes, messages (KIP-853). Only the
active controller knows; any broker asks it.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.messages.describe_quorum import DescribeQuorumRequest
from minikafka.protocol.types import Message


@handles(ApiKey.DESCRIBE_QUORUM)
async def describe_quorum(context: RequestContext, request: DescribeQuorumRequest) -> Message:
    """Have the active controller tell."""
    return await context.services.controller.handle(request, context.version, context.client_id)
