"""The broker that dies in the trials, what there is on it, and the table of trials.

A trial is an asynchronous context manager: it makes a client and gets it ready while the broker is
well, hands out the call that is to be measured, and cleans up. What the call leaves behind must not
matter to others: many trials share a broker.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from random import Random
from typing import Any, NamedTuple

from harness.broker import RunningBroker

from minikafka_client import Admin, Consumer, NewTopic, Producer, TopicPartition

TOPIC = "trials"
WRITTEN = "trials-written"
"""Where producers write to, so that readers of the other topic wait."""
GROUP = "trials-done"
PARTITIONS = 3
RECORDS = 30
PLACE = TopicPartition(TOPIC, 0)
BRIEFLY: dict[str, Any] = {"close_timeout_ms": 50, "retry_backoff_ms": 20}
"""For clients that are closed by the trial, when everything has been measured."""


class World:
    """One broker with two topics and a group without members; names that nobody has used yet."""

    def __init__(self, broker: RunningBroker, random: Random) -> None:
        self.broker = broker
        self.random = random
        self._numbers = count()

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    def fresh(self, what: str) -> str:
        return f"{what}-{next(self._numbers)}"

    async def furnish(self) -> None:
        async with Admin(self.bootstrap) as admin, Producer(self.bootstrap) as producer:
            await admin.create_topic(NewTopic(TOPIC, PARTITIONS))
            await admin.create_topic(NewTopic(WRITTEN, PARTITIONS))
            for number in range(RECORDS):
                producer.post(TOPIC, b"%d" % number, partition=number % PARTITIONS)
            await producer.flush()
            await admin.alter_group_offsets(GROUP, {PLACE: 1})

    @asynccontextmanager
    async def member(self, **options: Any) -> AsyncIterator[Consumer]:
        """A consumer that has joined a group of its own and has partitions."""
        consumer = Consumer(
            self.bootstrap,
            TOPIC,
            group=self.fresh("trials-group"),
            start="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=500,
            **(BRIEFLY | options),
        )
        async with consumer:
            assert await consumer.next_batch(timeout_ms=20_000) is not None
            yield consumer


Call = Callable[[], Awaitable[object]]
Arrange = Callable[[World, float], AbstractAsyncContextManager[Call]]


class Trial(NamedTuple):
    """`covers` names awaitables as `public_awaitables` does; a call must return in `timeout_ms`."""

    name: str
    covers: tuple[str, ...]
    arrange: Arrange


TRIALS: dict[str, Trial] = {}


def trial(
    *covers: str, variant: str = ""
) -> Callable[[Callable[[World, float], AsyncIterator[Call]]], Arrange]:
    """Enter the decorated generator function (world, timeout_ms) into the table."""

    def enter(function: Callable[[World, float], AsyncIterator[Call]]) -> Arrange:
        arrange = asynccontextmanager(function)
        name = f"{covers[0]} {variant}".strip()
        assert name not in TRIALS, name
        TRIALS[name] = Trial(name, covers, arrange)
        return arrange

    return enter


def covered() -> set[str]:
    """The awaitables that have a trial."""
    return {name for each in TRIALS.values() for name in each.covers}
