"""Which cluster an empty directory is formatted for, when nobody has said (Kafka asks its user to).

- A sole voter invents an id: the cluster begins with it.
- Otherwise a controller that is there already is asked (DescribeCluster).
- Where nobody answers, the nodes of a static quorum derive the id from `controller.quorum.voters`,
  which is the same on all of them, so that nodes that start together on empty disks agree.
- A node of a dynamic quorum has no such text. It waits for a controller to answer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from minikafka.channel.channel import open_channel
from minikafka.channel.errors import ChannelError
from minikafka.log.checkpoints import uuid_text
from minikafka.protocol.messages.describe_cluster import (
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from minikafka.settings.listeners import parse_host_and_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.settings.broker import BrokerSettings
    from minikafka.settings.quorum import Voter

_LOG = logging.getLogger("minikafka.storage")

_VOTERS_NAMESPACE = UUID("6e2f1f0e-6f3b-5d0b-9b5f-6b3a5d8f7c11")
_CONTROLLERS = 2
_ANSWER_S = 2.0
_RETRY_S = 0.5


async def find_cluster_id(settings: BrokerSettings) -> str:
    """The id of the cluster that this node is to be a part of; for an empty disk."""
    voters = settings.controller_quorum_voters
    addresses = _controllers(settings)
    while True:
        found = await _first_answer(addresses, str(settings.node_id))
        if found is not None:
            return found
        if voters:
            return derived_cluster_id(voters)
        _LOG.info("waiting for a controller to say which cluster this is: nobody answers")
        await asyncio.sleep(_RETRY_S)


def derived_cluster_id(voters: Sequence[Voter]) -> str:
    """An id that all nodes with these voters come to, in whatever order they name them."""
    text = ",".join(f"{voter.id}@{voter.host}:{voter.port}" for voter in sorted(voters))
    return uuid_text(uuid5(_VOTERS_NAMESPACE, text))


def _controllers(settings: BrokerSettings) -> list[tuple[str, int]]:
    """(host, port) of the other controllers that the settings name."""
    voters = settings.controller_quorum_voters
    if voters:
        return [(voter.host, voter.port) for voter in voters if voter.id != settings.node_id]
    parsed = map(parse_host_and_port, settings.controller_quorum_bootstrap_servers)
    return [address for address in parsed if address is not None]


async def _first_answer(addresses: Sequence[tuple[str, int]], client_id: str) -> str | None:
    for host, port in addresses:
        try:
            return await _ask(host, port, client_id)
        except ChannelError as error:
            _LOG.debug("%s", error)
    return None


async def _ask(host: str, port: int, client_id: str) -> str | None:
    channel = await open_channel(host, port, client_id=client_id, timeout_s=_ANSWER_S)
    try:
        request = DescribeClusterRequest(endpoint_type=_CONTROLLERS)
        answer = await channel.call(request, DescribeClusterResponse, _ANSWER_S)
    finally:
        channel.close()
    return None if answer.error_code else answer.cluster_id
