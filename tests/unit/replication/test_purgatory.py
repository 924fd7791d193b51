"""Purgatory: who is tried when, and that one failure is one failure."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.log.making import open_log

from minikafka.protocol.types import ZERO_UUID
from minikafka.replication.fetch_session import FetchEntry, FetchInterest
from minikafka.replication.partition import Partition
from minikafka.replication.purgatory import Purgatory


class Parked:
    """A request that writes down what happens to it."""

    def __init__(self, purgatory: Purgatory, *, fault: Exception | None = None) -> None:
        self.purgatory = purgatory
        self.fault = fault
        self.events: list[str] = []
        self.expired = asyncio.Event()

    def try_complete(self) -> None:
        self.events.append("tried")
        if self.fault is not None:
            raise self.fault

    def expire(self) -> None:
        self.events.append("expired")
        self.expired.set()
        if self.fault is not None:
            raise self.fault

    def fail(self, error: Exception) -> None:
        self.events.append(str(error))
        self.purgatory.release(self)


@pytest.fixture
async def purgatory() -> Purgatory:
    return Purgatory(asyncio.get_running_loop())


@pytest.fixture
async def partition(tmp_path: Path) -> AsyncIterator[Partition]:
    log = open_log(tmp_path / "log")
    yield Partition(1, "orders", uuid.UUID(int=1 << 80), 0, log)
    log.close(clean=False)


def watch(partition: Partition, waiting: Parked | None) -> FetchInterest:
    interest = FetchInterest()
    interest.add(FetchEntry("orders", ZERO_UUID, 0))
    for entry in interest.entries.values():
        interest.partition_of(entry, lambda *_: partition)
    interest.watch()
    interest.dirty.clear()
    interest.waiting = waiting
    return interest


async def test_a_change_tries_once_a_turn(purgatory: Purgatory, partition: Partition) -> None:
    fetch, produce = Parked(purgatory), Parked(purgatory)
    for waiting in (fetch, produce):
        purgatory.park(waiting, 60_000)
    interest = watch(partition, fetch)
    partition.waiting_produces[produce] = None
    for _ in range(3):
        purgatory.changed(partition)
    assert fetch.events == []
    await asyncio.sleep(0)
    assert fetch.events == produce.events == ["tried"]
    assert list(interest.dirty.values()) == list(interest.entries.values())
    purgatory.changed(partition)
    await asyncio.sleep(0)
    assert fetch.events == ["tried", "tried"]
    purgatory.expire_all()


async def test_a_watcher_without_a_parked_fetch_is_only_marked(
    purgatory: Purgatory, partition: Partition
) -> None:
    interest = watch(partition, None)
    purgatory.changed(partition)
    assert len(interest.dirty) == 1


async def test_who_was_released_hears_nothing(purgatory: Purgatory, partition: Partition) -> None:
    waiting = Parked(purgatory)
    purgatory.park(waiting, 1)
    watch(partition, waiting)
    purgatory.changed(partition)
    purgatory.release(waiting)
    purgatory.release(waiting)
    later = Parked(purgatory)
    purgatory.park(later, 5)
    await asyncio.wait_for(later.expired.wait(), 5)
    assert waiting.events == []
    assert len(purgatory) == 0


@pytest.mark.parametrize("wait_ms", [-1, 0, 1, 5])
async def test_the_deadline_comes(purgatory: Purgatory, wait_ms: int) -> None:
    waiting = Parked(purgatory)
    purgatory.park(waiting, wait_ms)
    assert len(purgatory) == 1
    await asyncio.wait_for(waiting.expired.wait(), 5)
    assert waiting.events == ["expired"]
    assert len(purgatory) == 0


async def test_the_longest_wait_is_possible(purgatory: Purgatory) -> None:
    waiting = Parked(purgatory)
    purgatory.park(waiting, 2**31 - 1)
    await asyncio.sleep(0)
    assert waiting.events == []
    purgatory.expire_all()
    assert waiting.events == ["expired"]


async def test_a_failure_is_told_to_the_one_that_failed(
    purgatory: Purgatory, partition: Partition
) -> None:
    bad = Parked(purgatory, fault=RuntimeError("broken"))
    good = Parked(purgatory)
    for waiting in (bad, good):
        purgatory.park(waiting, 60_000)
        watch(partition, waiting)
    purgatory.changed(partition)
    await asyncio.sleep(0)
    assert bad.events == ["tried", "broken"]
    assert good.events == ["tried"]
    late = Parked(purgatory, fault=RuntimeError("late"))
    purgatory.park(late, 60_000)
    purgatory.expire_all()
    assert late.events == ["expired", "late"]
    assert len(purgatory) == 0
