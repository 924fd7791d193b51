"""What a topic holds, as a new consumer sees it."""

import asyncio
from typing import Final

from minikafka_client import Consumer
from minikafka_client.errors import ClientError

_AGAIN_S: Final = 0.3


async def read_to_the_ends(
    bootstrap: str, topic: str, patience_ms: float
) -> dict[tuple[int, int], bytes]:
    """The values by (partition, offset), from the start of the logs to their ends; again until it
    works."""
    while True:
        try:
            return await _read(bootstrap, topic, patience_ms)
        except ClientError:
            await asyncio.sleep(_AGAIN_S)


async def _read(bootstrap: str, topic: str, patience_ms: float) -> dict[tuple[int, int], bytes]:
    found: dict[tuple[int, int], bytes] = {}
    async with Consumer(bootstrap, start="earliest", api_timeout_ms=patience_ms) as consumer:
        places = [(topic, number) for number in await consumer.partitions(topic)]
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        left = [place for place in ends if ends[place] > starts[place]]
        consumer.assign(places)
        while left:
            batch = await consumer.next_batch(timeout_ms=patience_ms)
            if batch is None:
                raise ClientError("the end of the log was told and is not served")
            for record in batch.records():
                found[record.partition, record.offset] = record.value or b""
            left = [place for place in left if await consumer.position(place) < ends[place]]
    return found
