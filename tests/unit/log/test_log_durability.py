"""What a flush promises, and what a failed one forbids."""

import asyncio
import errno
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from unit.log.making import NOW_MS, append, batch, open_log

from minikafka.log.checkpoints import MetaProperties
from minikafka.log.directory import LogDirectory
from minikafka.runtime.local_disk import LocalDisk


class FailingDisk(LocalDisk):
    """A disk whose next flush fails, once."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False

    async def in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        if self.fails:
            self.fails = False
            raise OSError(errno.EIO, "the platter is scratched")
        await super().in_thread(work, *arguments)


async def test_after_a_failed_flush_no_later_one_is_believed(tmp_path: Path) -> None:
    disk = FailingDisk()
    log = open_log(tmp_path / "t-0", disk=disk)
    append(log, batch(3))
    assert await log.flush() == 3
    append(log, batch(3))
    disk.fails = True
    for _ in range(2):
        with pytest.raises(OSError, match="scratched"):
            await log.flush()
    assert log.recovery_point == 3
    with pytest.raises(OSError, match="scratched"):
        log.close(clean=True)
    log.close(clean=False)


async def test_a_flush_that_is_given_up_leaves_its_names_to_the_close(tmp_path: Path) -> None:
    """Else a clean log might be found without its identity after a loss of power."""
    log = open_log(tmp_path / "t-0")
    append(log, batch(3))
    flush = asyncio.create_task(log.flush())
    await asyncio.sleep(0)
    flush.cancel()
    with suppress(asyncio.CancelledError):
        await flush
    assert f"{log.directory}/partition.metadata" in log.close()


async def test_a_directory_that_could_not_be_flushed_gets_no_marker(tmp_path: Path) -> None:
    disk = FailingDisk()
    LogDirectory.write_meta(disk, str(tmp_path), MetaProperties(1, "c", None))
    directory = LogDirectory.open(disk, str(tmp_path), node_id=1)
    disk.fails = True
    with pytest.raises(OSError, match="scratched"):
        await directory.close(clean=True)
    assert ".kafka_cleanshutdown" not in disk.listdir(str(tmp_path))
    again = LogDirectory.open(disk, str(tmp_path), node_id=1)
    assert not again.was_clean
    await again.close(clean=True)
    assert ".kafka_cleanshutdown" in disk.listdir(str(tmp_path))


async def test_a_roll_tells_its_owner_who_may_flush(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=200)
    rolled: list[int] = []
    log.on_roll = lambda of: rolled.append(of.log_end_offset)
    for _ in range(3):
        append(log, batch(size=150))
    assert rolled == [1, 2]
    assert await log.flush() == 3
    names = LocalDisk().listdir(str(tmp_path / "t-0"))
    log.roll(NOW_MS)
    log.roll(NOW_MS)  # an empty segment is not followed by another
    assert rolled == [1, 2, 3]
    assert len(LocalDisk().listdir(str(tmp_path / "t-0"))) == len(names) + 4


def test_a_clean_close_names_what_is_not_durable_yet(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    append(log, batch(3))
    path = str(tmp_path / "t-0")
    assert set(log.close()) == {
        path,
        f"{path}/00000000000000000000.log",
        f"{path}/00000000000000000000.index",
        f"{path}/00000000000000000000.timeindex",
        f"{path}/00000000000000000003.snapshot",
        f"{path}/leader-epoch-checkpoint",
        f"{path}/partition.metadata",
    }
