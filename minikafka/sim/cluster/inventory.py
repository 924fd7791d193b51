"""What a cluster holds in the end, as a new client sees it."""

import asyncio
from typing import Final

from minikafka.sim.cluster.clients import PATIENCE_MS
from minikafka.sim.cluster.ledger import Partition, Place
from minikafka_client import Admin, Consumer
from minikafka_client.errors import ClientError

_AGAIN_S: Final = 0.3


async def read_all(bootstrap: str, topic: str) -> dict[Place, bytes]:
    """The values of a topic, from the start of its logs to their ends; again until it works."""
    while True:
        try:
            return await _read_all(bootstrap, topic)
        except ClientError:
            await asyncio.sleep(_AGAIN_S)


async def _read_all(bootstrap: str, topic: str) -> dict[Place, bytes]:
    found: dict[Place, bytes] = {}
    async with Consumer(bootstrap, start="earliest", api_timeout_ms=PATIENCE_MS) as consumer:
        places = [(topic, number) for number in await consumer.partitions(topic)]
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        left = [place for place in ends if ends[place] > starts[place]]
        consumer.assign(places)
        while left:
            batch = await consumer.next_batch(timeout_ms=PATIENCE_MS)
            if batch is None:
                raise ClientError("the end of the log was told and is not served")
            for record in batch.records():
                found[Place(topic, record.partition, record.offset)] = record.value or b""
            left = [place for place in left if await consumer.position(place) < ends[place]]
    return found


async def offsets_of(bootstrap: str, group: str) -> dict[Partition, int]:
    """What a group has committed; again until it works."""
    while True:
        try:
            async with Admin(bootstrap, api_timeout_ms=PATIENCE_MS) as admin:
                told = await admin.list_group_offsets(group)
                return {(place.topic, place.partition): at for place, at in told.items()}
        except ClientError:
            await asyncio.sleep(_AGAIN_S)
