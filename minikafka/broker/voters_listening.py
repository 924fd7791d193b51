"""Whether there are voters enough to elect a controller: asked by a node that is about to stop.

The nodes of a cluster are often stopped at the same time. Those that stop last have nobody to hand
anything to: the listeners of the others refuse. A voter that does not answer says nothing, as
everywhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from minikafka.channel.errors import is_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.raft.node import RaftNode

_PATIENCE_S = 0.2
"""A machine that refuses does so at once."""


async def majority_may_listen(
    node: RaftNode, address_of: Callable[[int], tuple[str, int] | None]
) -> bool:
    """Whether fewer than half of the voters refuse; this node counts as one that listens."""
    addresses = [address_of(voter) for voter in node.voters.ids if voter != node.node_id]
    refusals = await asyncio.gather(*(_refuses(*found) for found in addresses if found is not None))
    return len(node.voters.ids) - sum(refusals) >= node.voters.majority


async def _refuses(host: str, port: int) -> bool:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            transport, _ = await loop.create_connection(asyncio.Protocol, host, port)
    except OSError as error:  # a TimeoutError is one
        return is_refusal(error)
    transport.abort()
    return False
