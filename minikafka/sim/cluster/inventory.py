"""What a cluster holds in the end, as a new client sees it."""

import asyncio
from typing import Final

from minikafka.sim.cluster.clients import PATIENCE_MS
from minikafka.sim.cluster.ledger import Partition, Place
from minikafka.sim.contents import read_to_the_ends
from minikafka_client import Admin
from minikafka_client.errors import ClientError

_AGAIN_S: Final = 0.3


async def read_all(bootstrap: str, topic: str) -> dict[Place, bytes]:
    """The values of a topic."""
    found = await read_to_the_ends(bootstrap, topic, PATIENCE_MS)
    return {Place(topic, *at): value for at, value in found.items()}


async def offsets_of(bootstrap: str, group: str) -> dict[Partition, int]:
    """What a group has committed; again until it works."""
    while True:
        try:
            async with Admin(bootstrap, api_timeout_ms=PATIENCE_MS) as admin:
                told = await admin.list_group_offsets(group)
                return {(place.topic, place.partition): at for place, at in told.items()}
        except ClientError:
            await asyncio.sleep(_AGAIN_S)
