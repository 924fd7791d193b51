"""What happens to replicas by age, seen by moving the clock of age."""

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from unit.log.making import batch

from minikafka.log.checkpoints import decode_offsets
from minikafka.records.batch import read_header
from minikafka.replication.maintenance import Maintenance
from minikafka.runtime.clock import AgeClock
from minikafka.runtime.tasks import Scope

HOUR_MS = 3_600_000


class Aging:
    """Replicas with their maintenance at work, and the clock that makes them older."""

    def __init__(self, followed: Any) -> None:
        self.followed = followed
        self.failures: list[BaseException] = []
        self.age_clock = AgeClock(asyncio.get_running_loop(), followed.wall_clock)
        self.scope = Scope("test", lambda _, error: self.failures.append(error))
        self.maintenance = Maintenance(
            settings=followed.settings,
            replicas=followed.replicas,
            purgatory=followed.purgatory,
            wall_clock=followed.wall_clock,
            age_clock=self.age_clock,
            scope=self.scope,
        )
        self.maintenance.start()

    async def pass_by(self, milliseconds: int) -> None:
        """Grow older, step by step, and wait for what that has set off."""
        step = max(milliseconds // 10, 1)
        for _ in range(10):
            await self.age_clock.advance(step)
            deadline = time.perf_counter() + 5
            while len(self.scope):
                assert time.perf_counter() < deadline
                await asyncio.sleep(0.001)

    def append(self, topic: str, **fields: Any) -> Any:
        partition = self.followed.replicas.partition(topic, 0)
        made = batch(timestamp=self.followed.wall_clock.now_ms(), **fields)
        partition.append(made, read_header(made), acks=1, wall_ms=0)
        return partition

    async def close(self) -> None:
        self.age_clock.close()
        await self.scope.close()
        assert not self.failures


@pytest.fixture
async def aging(followed: Any) -> AsyncIterator[Aging]:
    made = Aging(followed)
    yield made
    await made.close()


async def test_old_segments_go(aging: Aging) -> None:
    aging.followed.create("orders")
    aging.followed.create("kept")
    aging.followed.configure("orders", "retention.ms", str(HOUR_MS))
    partition, kept = aging.append("orders", count=3), aging.append("kept", count=3)
    await aging.pass_by(HOUR_MS // 2)
    assert partition.log.log_start_offset == 0
    await aging.pass_by(HOUR_MS)
    assert partition.log.log_start_offset == partition.log.log_end_offset == 3
    assert kept.log.log_start_offset == 0
    aging.append("orders")
    assert partition.high_watermark == 4


async def test_who_watches_is_told_of_a_new_log_start(aging: Aging) -> None:
    aging.followed.create("orders")
    aging.followed.configure("orders", "retention.ms", str(HOUR_MS))
    partition = aging.append("orders")
    marks: list[object] = []

    class Watcher:
        waiting = None
        mark = marks.append

    partition.watchers[Watcher()] = "entry"
    await aging.pass_by(2 * HOUR_MS)
    assert marks == ["entry"]


async def test_silent_producers_are_forgotten(aging: Aging) -> None:
    aging.followed.create("orders")
    partition = aging.append("orders", producer=(7, 0, 0))
    await aging.pass_by(HOUR_MS // 2)
    aging.append("orders", producer=(8, 0, 0))
    await aging.pass_by(HOUR_MS * 8 // 10)
    assert list(partition.log.producers.entries) == [8]


async def test_checkpoints_are_written(aging: Aging) -> None:
    aging.followed.create("orders")
    partition = aging.append("orders", count=5)
    (root,) = aging.followed.paths
    await aging.pass_by(6_000)
    assert offsets(root / "replication-offset-checkpoint") == {("orders", 0): 5}
    await partition.log.flush()
    await aging.pass_by(61_000)
    assert offsets(root / "recovery-point-offset-checkpoint") == {("orders", 0): 5}


def offsets(path: Path) -> dict[tuple[str, int], int]:
    return decode_offsets(path.read_bytes())


async def test_a_deleted_topic_leaves_the_disk_after_its_delay(aging: Aging) -> None:
    aging.followed.create("orders")
    aging.append("orders")
    aging.followed.commit(aging.followed.delete_records("orders"))
    (root,) = aging.followed.paths
    await aging.pass_by(50_000)
    (left,) = root.glob("orders*")
    assert left.name.endswith("-delete")
    await aging.pass_by(20_000)
    assert list(root.glob("orders*")) == []


async def test_a_directory_that_cannot_be_written_goes_offline_alone(two_disks: Any) -> None:
    aging = Aging(two_disks)
    two_disks.create("orders", 2)
    lost, kept = two_disks.replicas.online
    shutil.rmtree(lost.path)
    await aging.pass_by(6_000)
    assert two_disks.offline == [Path(lost.path).name]
    assert two_disks.replicas.online == [kept]
    (Path(kept.path) / "replication-offset-checkpoint").unlink()
    await aging.pass_by(6_000)
    assert (Path(kept.path) / "replication-offset-checkpoint").exists()
    await aging.close()
    await lost.close(clean=False)


async def test_a_fault_of_ours_does_not_end_the_work(
    aging: Aging, caplog: pytest.LogCaptureFixture
) -> None:
    aging.followed.create("orders")
    aging.followed.configure("orders", "retention.ms", "1000")
    partition = aging.append("orders")
    partition.high_watermark = None  # our fault
    await aging.pass_by(301_000)
    (fault,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert fault.getMessage() == "retention failed"
    partition.high_watermark = 1
    await aging.pass_by(301_000)
    assert partition.log.log_start_offset == 1
