"""What the nodes of the quorum ask each other, on the controllers' listener (KIP-595, 630, 853).

Vote (52, v0-2), BeginQuorumEpoch (53, v0-1), EndQuorumEpoch (54, v0-1), Fetch (1, v4-18) of the one
partition of `__cluster_metadata`, FetchSnapshot (59, v0-1), UpdateRaftVoter (82, v0). Brokers that
only follow fetch, too. A voter that does not lead answers as well: with what it knows of who does.
"""

from __future__ import annotations

from minikafka.api.context import ControllerContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.types import Message


@handles(ApiKey.FETCH)
@handles(ApiKey.VOTE)
@handles(ApiKey.BEGIN_QUORUM_EPOCH)
@handles(ApiKey.END_QUORUM_EPOCH)
@handles(ApiKey.FETCH_SNAPSHOT)
@handles(ApiKey.UPDATE_RAFT_VOTER)
async def ask_quorum(context: ControllerContext, request: Message) -> Message:
    """Have this node's part of the quorum answer; a Fetch may be parked there."""
    return await context.services.quorum.serve(request, context.version)
