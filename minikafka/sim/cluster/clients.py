"""Clients of a cluster that go on through everything, through the SDK, and tell the ledger.

Each is an application on a machine of its own: what fails is begun again, and what failed stays
undecided. `stop` asks for the end; each has done some work by then.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from minikafka.protocol.errors import ErrorCode
from minikafka.sim.cluster.climate import Climate, TopicPlan
from minikafka.sim.cluster.ledger import Ledger, Place
from minikafka.sim.cluster.shapes import rack_of
from minikafka.sim.cluster.verdict import Verdict
from minikafka_client import Consumer, Producer
from minikafka_client.cluster import Cluster
from minikafka_client.config import ClientConfig, parse_bootstrap
from minikafka_client.errors import BrokerError, ClientError, NotConnected
from minikafka_client.fetched import TopicPartition
from minikafka_client.offsets import LATEST, FoundOffset, ask_leaders

_AGAIN_S: Final = 0.3
_BURST: Final = 8
_RECORDS_MAX: Final = 400
PATIENCE_MS: Final = 4_000


class Application:
    """What all of them are."""

    def __init__(
        self,
        name: str,
        bootstrap: str,
        climate: Climate,
        ledger: Ledger,
        verdict: Verdict,
        random: Callable[[], float],
    ) -> None:
        self.name = name
        self._bootstrap = bootstrap
        self._climate = climate
        self._ledger = ledger
        self._verdict = verdict
        self._random = random
        self._stopped = False

    def stop(self) -> None:
        """End when enough is done."""
        self._stopped = True

    @property
    def goes_on(self) -> bool:
        """Whether there is more to do."""
        return not self._stopped

    async def run(self) -> None:
        """One life after the other."""
        while self.goes_on:
            try:
                await self._live()
            except ClientError as error:
                self._heard(error)
                await asyncio.sleep(_AGAIN_S)

    async def _live(self) -> None:
        raise NotImplementedError

    def _heard(self, error: ClientError) -> None:
        if isinstance(error, BrokerError) and error.code == ErrorCode.OFFSET_NOT_AVAILABLE:
            self._verdict.reach("offset not available")

    def _any_topic(self) -> TopicPlan:
        return self._climate.topics[int(self._random() * len(self._climate.topics))]


class Writer(Application):
    """Writes values, each once. A careful one is idempotent and wants acks from all; the other is
    content with the leader's."""

    careful = True

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # those of Application
        self._lives = 0
        self._written = 0

    @property
    def goes_on(self) -> bool:
        """Until stopped, and at least as many records as the climate wants."""
        return self._written < (self._climate.records if self._stopped else _RECORDS_MAX)

    async def _live(self) -> None:
        self._lives += 1
        async with Producer(
            self._bootstrap,
            acks="all" if self.careful else 1,
            delivery_timeout_ms=2 * PATIENCE_MS,
            request_timeout_ms=PATIENCE_MS / 2,
            close_timeout_ms=PATIENCE_MS,
            metadata_max_age_ms=2_000,
        ) as producer:
            while self.goes_on:
                if not await self._burst(producer):
                    return
                await asyncio.sleep(max(0.001, self._climate.pause_s * self._random()))

    async def _burst(self, producer: Producer) -> bool:
        """Send some at once; whether all were acknowledged."""
        deliveries = []
        for _ in range(1 + int(self._random() * _BURST)):
            topic = self._any_topic()
            place = (topic.name, int(self._random() * topic.partitions))
            value = self._next_value()
            name = f"{self.name}/{self._lives}"
            self._ledger.send(value, name, place, careful=self.careful)
            deliveries.append((value, producer.send(place[0], value, partition=place[1])))
        failed = False
        for value, delivery in deliveries:
            try:
                metadata = await delivery
            except ClientError as error:
                failed = True
                self._heard(error)
            else:
                place3 = Place(metadata.topic, metadata.partition, metadata.offset)
                self._ledger.acknowledge(value, place3)
        return not failed

    def _next_value(self) -> bytes:
        self._written += 1
        name = b"%s-%d " % (self.name.encode(), self._written)
        return name.ljust(int(self._random() * self._climate.value_bytes), b".")


class CarelessWriter(Writer):
    """acks=1, not idempotent."""

    careful = False


class Reader(Application):
    """Follows all topics; every life begins at the start of the logs, in some rack or in none."""

    async def _live(self) -> None:
        topics = [topic.name for topic in self._climate.topics]
        rack = rack_of(int(self._random() * 100)) if self._climate.racks else None
        async with Consumer(
            self._bootstrap,
            *topics,
            start="earliest",
            client_rack=rack,
            metadata_max_age_ms=300_000 if rack is None else 2_000,
            api_timeout_ms=PATIENCE_MS,
            request_timeout_ms=PATIENCE_MS / 2,
        ) as consumer:
            until = asyncio.get_running_loop().time() + 1 + 10 * self._random()
            while self.goes_on and asyncio.get_running_loop().time() < until:
                batch = await consumer.next_batch(timeout_ms=500)
                for record in batch.records() if batch is not None else ():
                    place = Place(record.topic, record.partition, record.offset)
                    self._ledger.see(place, record.value or b"")


class Member(Application):
    """A member of a group, which commits what it has read and remembers what it was told."""

    def __init__(self, *args: object, group: str) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # those of Application
        self._group = group

    @property
    def goes_on(self) -> bool:
        """Until stopped, and until the group has committed something, if there is anything."""
        return not self._stopped or not (self._ledger.offsets or self._ledger.all_may_be_gone)

    async def _live(self) -> None:
        topics = [topic.name for topic in self._climate.topics]
        async with Consumer(
            self._bootstrap,
            *topics,
            group=self._group,
            start="earliest",
            auto_commit_ms=None,
            session_timeout_ms=1_000 + int(5_000 * self._random()),
            heartbeat_interval_ms=300,
            rebalance_timeout_ms=4_000,
            api_timeout_ms=PATIENCE_MS,
            request_timeout_ms=PATIENCE_MS / 2,
        ) as consumer:
            self._verdict.reach("group rebalanced")
            until = asyncio.get_running_loop().time() + 2 + 10 * self._random()
            while self.goes_on and asyncio.get_running_loop().time() < until:
                await self._consume(consumer)

    async def _consume(self, consumer: Consumer) -> None:
        batch = await consumer.next_batch(timeout_ms=500)
        offsets: dict[TopicPartition, int] = {}
        for record in batch.records() if batch is not None else ():
            place = Place(record.topic, record.partition, record.offset)
            self._ledger.see(place, record.value or b"")
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if self._stopped and batch is None:
            # Nothing is left: what is there was committed, and nobody was told so.
            offsets = {place: await consumer.position(place) for place in consumer.assignment}
        if offsets:
            await consumer.commit(offsets)
            for (topic, partition), offset in offsets.items():
                self._ledger.commit(self._group, (topic, partition), offset)


class Poller(Application):
    """Asks the leaders again and again where the logs end."""

    async def _live(self) -> None:
        config = ClientConfig(
            parse_bootstrap(self._bootstrap),
            api_timeout_ms=PATIENCE_MS,
            request_timeout_ms=PATIENCE_MS / 2,
        )
        cluster = Cluster(config)
        try:
            await cluster.start(config.connect_timeout_s)
            while self.goes_on:
                await self._ask(cluster)
                await asyncio.sleep(0.02 + 0.3 * self._random())
        finally:
            await cluster.close()

    async def _ask(self, cluster: Cluster) -> None:
        topic = self._any_topic()
        places = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        before = {place: self._ledger.ends(place) for place in places}
        found: dict[TopicPartition, FoundOffset] = {}
        try:
            await ask_leaders(cluster, dict.fromkeys(places, LATEST), found, cluster.deadline(), 0)
        except (NotConnected, BrokerError) as error:
            self._heard(error)
            await cluster.refresh([topic.name], PATIENCE_MS / 1000)
        for place, answer in found.items():
            self._ledger.told_end(place, answer.leader_epoch, answer.offset, before[place])
