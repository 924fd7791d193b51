"""The log cleaner at work on the replicas of a broker, seen by moving the clock of age."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from unit.log.compacting import texts

from minikafka.log.checkpoints import decode_offsets
from minikafka.log.partition_log import PartitionLog
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch
from minikafka.replication.cleaning import LogCleaner
from minikafka.runtime.clock import AgeClock
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings

BACKOFF_MS = 15_000


class Cleaning:
    """Replicas with a cleaner, and the clock that wakes it."""

    def __init__(self, followed: Any, **settings: str) -> None:
        self.followed = followed
        self.failures: list[BaseException] = []
        self.age_clock = AgeClock(asyncio.get_running_loop(), followed.wall_clock)
        self.scope = Scope("test", lambda _, error: self.failures.append(error))
        given = {key.replace("_", "."): value for key, value in settings.items()}
        self.cleaner = LogCleaner(
            settings=BrokerSettings.parse(followed.settings.originals | given),
            replicas=followed.replicas,
            disk=followed.disk,
            wall_clock=followed.wall_clock,
            age_clock=self.age_clock,
            scope=self.scope,
        )
        self.cleaner.start()

    def compacted(self, topic: str, records: int = 2) -> PartitionLog:
        """A topic with so many records of one key in a sealed segment."""
        self.followed.create(topic)
        self.followed.configure(topic, "cleanup.policy", "compact")
        partition = self.followed.replicas.partition(topic, 0)
        now_ms = self.followed.wall_clock.now_ms()
        for number in range(records):
            made = build_batch([(now_ms, b"key", b"%d" % number, ())])
            view = memoryview(bytearray(made))
            partition.append(view, read_header(view), acks=1, wall_ms=now_ms)
        log = partition.log
        assert isinstance(log, PartitionLog)
        log.roll(now_ms)
        return log

    async def wake(self) -> None:
        await self.age_clock.advance(BACKOFF_MS)
        deadline = time.perf_counter() + 60
        while len(self.scope):
            assert time.perf_counter() < deadline
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        self.age_clock.close()
        await self.cleaner.stop()
        await self.scope.close()
        assert not self.failures


@pytest.fixture
async def cleaning(followed: Any) -> AsyncIterator[Cleaning]:
    made = Cleaning(followed)
    yield made
    await made.close()


def checkpoint(cleaning: Cleaning) -> dict[tuple[str, int], int]:
    (root,) = cleaning.followed.paths
    path: Path = root / "cleaner-offset-checkpoint"
    return decode_offsets(path.read_bytes()) if path.exists() else {}


def files(log: PartitionLog, suffix: str) -> list[Path]:
    return list(Path(log.directory).glob(f"*{suffix}"))


async def test_every_log_that_is_due_is_compacted(cleaning: Cleaning) -> None:
    logs = [cleaning.compacted(topic, records) for topic, records in (("a", 2), ("b", 5))]
    cleaning.followed.create("not-compacted")
    await cleaning.wake()
    assert [texts(log) for log in logs] == [["1 key=1"], ["4 key=4"]]
    assert checkpoint(cleaning) == {("a", 0): 2, ("b", 0): 5}


async def test_what_is_clean_is_left_alone(cleaning: Cleaning) -> None:
    log = cleaning.compacted("a")
    await cleaning.wake()
    segments = list(log.segments)
    await cleaning.wake()
    assert log.segments == segments


async def test_a_damaged_log_costs_one_line_and_the_others_go_on(
    cleaning: Cleaning, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, sound = cleaning.compacted("damaged", 9), cleaning.compacted("sound")
    path = Path(damaged.directory) / "00000000000000000000.log"
    data = bytearray(path.read_bytes())
    data[70] ^= 1
    path.write_bytes(data)
    for _ in range(3):
        await cleaning.wake()
    (line,) = [found for found in caplog.records if found.levelno == logging.ERROR]
    assert line.getMessage().startswith("damaged-0: not compacted any more: ")
    assert texts(sound) == ["1 key=1"]
    assert path.read_bytes() == data


async def test_a_topic_made_anew_is_dirty_from_its_start(cleaning: Cleaning) -> None:
    cleaning.compacted("a", 5)
    await cleaning.wake()
    cleaning.followed.commit(cleaning.followed.delete_records("a"))
    again = cleaning.compacted("a", 5)
    await cleaning.wake()
    assert texts(again) == ["4 key=4"]


async def test_a_topic_deleted_during_a_pass_is_let_go(cleaning: Cleaning) -> None:
    log = cleaning.compacted("a", 3_000)
    await cleaning.age_clock.advance(BACKOFF_MS, settle_rounds=1)
    assert len(cleaning.scope) == 1
    cleaning.followed.commit(cleaning.followed.delete_records("a"))
    await cleaning.wake()
    assert files(log, "") == []
    assert checkpoint(cleaning).get(("a", 0), 0) == 0
    assert not cleaning.followed.offline


async def test_a_stop_in_the_middle_leaves_the_log_as_it_was(cleaning: Cleaning) -> None:
    log = cleaning.compacted("a", 3_000)
    await cleaning.age_clock.advance(BACKOFF_MS, settle_rounds=1)
    deadline = time.perf_counter() + 60
    while not checkpoint(cleaning):
        assert time.perf_counter() < deadline
        await asyncio.sleep(0)
    await cleaning.cleaner.stop()
    assert len(cleaning.scope) == 0
    assert len(texts(log)) == 3_000
    assert files(log, ".cleaned") == []
    assert checkpoint(cleaning) == {("a", 0): 0}, "noted before anything is taken away"


async def test_a_kill_costs_nothing_of_a_log_that_is_not_compacted_any_more(
    cleaning: Cleaning,
) -> None:
    log = cleaning.compacted("a", 5)
    await cleaning.wake()
    cleaning.followed.configure("a", "cleanup.policy", "delete")
    await cleaning.followed.restart(clean=False)
    again = cleaning.followed.replicas.partition("a", 0).log
    assert again is not log
    assert texts(again) == ["4 key=4"]


async def test_a_cleaner_that_is_off_does_nothing(followed: Any) -> None:
    cleaning = Cleaning(followed, log_cleaner_enable="false")
    log = cleaning.compacted("a")
    await cleaning.wake()
    assert len(texts(log)) == 2
    await cleaning.close()


async def test_so_many_bytes_a_second_and_no_more(followed: Any) -> None:
    cleaning = Cleaning(followed, log_cleaner_io_max_bytes_per_second="100000")
    cleaning.compacted("a", 300)
    size = followed.replicas.partition("a", 0).log.size_bytes
    began = time.perf_counter()
    await cleaning.wake()
    assert time.perf_counter() - began > 2 * size / 100_000 * 0.8
    await cleaning.close()


async def test_others_have_their_turn_during_a_pass(cleaning: Cleaning) -> None:
    cleaning.compacted("a", 5_000)
    await cleaning.age_clock.advance(BACKOFF_MS, settle_rounds=1)
    turns = 0
    while len(cleaning.scope):
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20
