"""Clients that write and read through the SDK, each on a machine of its own, and keep a history."""

import asyncio
from collections.abc import Callable
from typing import Final

from minikafka.sim.contents import read_to_the_ends
from minikafka.sim.history import History, Place
from minikafka.sim.weather import Weather
from minikafka_client import Admin, Consumer, NewTopic, Producer
from minikafka_client.errors import ClientError

TOPIC: Final = "events"
_AGAIN_S: Final = 0.3
_BURST: Final = 8
_RECORDS_MAX: Final = 400
_PATIENCE_MS: Final = 4_000

Told = Callable[[bytes, Place], None]


async def create_topic(address: str, weather: Weather, configs: dict[str, str]) -> None:
    """Create the topic, as often as it takes."""
    topic = NewTopic(TOPIC, partitions=weather.partitions, replication_factor=1, configs=configs)
    while True:
        try:
            async with Admin(address, api_timeout_ms=_PATIENCE_MS) as admin:
                if TOPIC not in await admin.list_topics():
                    await admin.create_topic(topic)
                return
        except ClientError:
            await asyncio.sleep(_AGAIN_S)


class Writer:
    """Writes values, each once, while misfortune lasts; one that fails stays undecided.

    At least `weather.records`, and a bounded number.
    """

    def __init__(
        self,
        name: str,
        address: str,
        weather: Weather,
        history: History,
        random: Callable[[], float],
        told: Told,
    ) -> None:
        self.name = name
        self._address = address
        self._weather = weather
        self._history = history
        self._random = random
        self._told = told
        self._lives = 0
        self._written = 0
        self._stopped = False

    def stop(self) -> None:
        """End when enough has been written."""
        self._stopped = True

    @property
    def _goes_on(self) -> bool:
        enough = self._weather.records if self._stopped else _RECORDS_MAX
        return self._written < enough

    async def run(self) -> None:
        """Until stopped; a producer that failed is replaced, as applications do."""
        while self._goes_on:
            try:
                await self._live()
            except ClientError:
                await asyncio.sleep(_AGAIN_S)

    async def _live(self) -> None:
        self._lives += 1
        async with Producer(
            self._address,
            delivery_timeout_ms=2 * _PATIENCE_MS,
            request_timeout_ms=_PATIENCE_MS / 2,
            close_timeout_ms=_PATIENCE_MS,
        ) as producer:
            while self._goes_on:
                if not await self._burst(producer):
                    return
                await asyncio.sleep(max(0.001, self._weather.pause_s * self._random()))

    async def _burst(self, producer: Producer) -> bool:
        """Send some at once; whether all were acknowledged."""
        deliveries = []
        for _ in range(1 + int(self._random() * _BURST)):
            partition = int(self._random() * self._weather.partitions)
            value = self._next_value()
            self._history.send(value, f"{self.name}/{self._lives}", partition)
            deliveries.append((value, producer.send(TOPIC, value, partition=partition)))
        failed = False
        for value, delivery in deliveries:
            try:
                metadata = await delivery
            except ClientError:
                failed = True
            else:
                self._told(value, Place(metadata.partition, metadata.offset))
        return not failed

    def _next_value(self) -> bytes:
        self._written += 1
        name = b"%s-%d " % (self.name.encode(), self._written)
        return name.ljust(int(self._random() * self._weather.value_bytes), b".")


class Reader:
    """Follows the topic until `stop` and tells what it sees."""

    def __init__(self, address: str, seen: Told) -> None:
        self._address = address
        self._seen = seen
        self._stopped = False

    def stop(self) -> None:
        """Leave after the next answer."""
        self._stopped = True

    async def run(self) -> None:
        """Until stopped; every life begins at the start of the log."""
        while not self._stopped:
            try:
                async with Consumer(
                    self._address, TOPIC, start="earliest", api_timeout_ms=_PATIENCE_MS
                ) as consumer:
                    await self._follow(consumer)
            except ClientError:
                await asyncio.sleep(_AGAIN_S)

    async def _follow(self, consumer: Consumer) -> None:
        while not self._stopped:
            batch = await consumer.next_batch(timeout_ms=500)
            for record in batch.records() if batch is not None else ():
                if record.value is not None:
                    self._seen(record.value, Place(record.partition, record.offset))


async def read_all(address: str) -> dict[Place, bytes]:
    """What the topic holds in the end."""
    found = await read_to_the_ends(address, TOPIC, _PATIENCE_MS)
    return {Place(*at): value for at, value in found.items()}
