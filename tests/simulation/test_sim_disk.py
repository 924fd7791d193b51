"""What a kill and a loss of power leave on a simulated disk; faults, crash points, full disks."""

import asyncio
import errno
from contextlib import suppress

import pytest

from minikafka.runtime.disk import DataFile, Disk
from minikafka.sim.disk import Moment, SimDisk
from minikafka.sim.errors import ProcessGone
from minikafka.sim.inode import PAGE, SECTOR, Loss


def made(seed: int = 0, loss: Loss = "mixed") -> tuple[SimDisk, Disk]:
    """A disk with an empty durable directory /d."""
    disk = SimDisk(seed)
    disk.loss = loss
    mount: Disk = disk.mount()
    mount.mkdir("/d")
    mount.fsync_dir_now("/")
    return disk, mount


async def durable_file(mount: Disk, path: str, data: bytes) -> DataFile:
    file = mount.open(path)
    file.append((data,))
    await file.fsync()
    await mount.fsync_dir("/d")
    return file


def test_a_kill_loses_nothing() -> None:
    disk, mount = made()
    mount.open("/d/a").append((b"unsynced",))
    disk.crash(power=False)
    assert disk.mount().read_bytes("/d/a") == b"unsynced"
    assert disk.surely("/d/a") is None


@pytest.mark.parametrize("seed", range(20))
async def test_what_was_synced_survives_and_was_promised(seed: int) -> None:
    disk, mount = made(seed)
    file = await durable_file(mount, "/d/a", b"x" * 10_000)
    file.append((b"y" * 10_000,))
    assert disk.surely("/d/a") == b"x" * 10_000
    disk.crash(power=True)
    left = disk.mount().read_bytes("/d/a")
    assert left[:10_000] == b"x" * 10_000
    assert set(left[10_000:]) <= set(b"y\0")


async def test_the_unsynced_tail_is_lost_kept_torn_and_reordered() -> None:
    ends = set()
    for seed in range(200):
        disk, mount = made(seed)
        file = await durable_file(mount, "/d/a", b"x" * PAGE)
        file.append((b"1" * PAGE, b"2" * PAGE))
        disk.crash(power=True)
        left = disk.mount().read_bytes("/d/a")[PAGE:]
        first, second = left[:PAGE], left[PAGE:]
        ends.add((_fate(first), _fate(second)))
        assert (len(left.rstrip(b"\0")) % SECTOR) == 0
    assert {("lost", "lost"), ("lost", "kept"), ("kept", "lost"), ("torn", "kept")} <= ends


def _fate(page: bytes) -> str:
    kept = len(page.strip(b"\0"))
    return "lost" if not kept else "kept" if kept == PAGE else "torn"


async def test_a_file_whose_name_was_not_synced_may_be_gone() -> None:
    there = []
    for seed in range(20):
        disk, mount = made(seed)
        file = mount.open("/d/a")
        file.append((b"data",))
        await file.fsync()
        assert disk.surely("/d/a") is None
        disk.crash(power=True)
        there.append(disk.mount().exists("/d/a"))
    assert set(there) == {True, False}


async def test_names_survive_in_their_order() -> None:
    for seed in range(50):
        disk, mount = made(seed)
        for name in "abc":
            mount.open(f"/d/{name}")
        mount.rename("/d/a", "/d/z")
        disk.crash(power=True)
        left = disk.mount().listdir("/d")
        assert left in ([], ["a"], ["a", "b"], ["a", "b", "c"], ["b", "c", "z"])


async def test_a_replacement_leaves_the_old_or_the_new() -> None:
    found = set()
    for operation in range(1, 7):
        for moment in ("before", "within", "after"):
            for seed in range(10):
                disk, mount = made(seed)
                await mount.replace_atomically("/d/a", b"old" * 3000)
                disk.crash_at(operation, power=True, moment=moment)
                await _replace_until_the_crash(mount)
                found.add(disk.mount().read_bytes("/d/a")[:3])
                assert len(disk.mount().read_bytes("/d/a")) == 9000
    assert found == {b"old", b"new"}


async def _replace_until_the_crash(mount: Disk) -> None:
    with suppress(ProcessGone):
        await mount.replace_atomically("/d/a", b"new" * 3000)
        mount.open("/d/next")
        raise AssertionError("no crash")


async def test_a_truncation_is_undone_by_a_loss_of_power_unless_synced() -> None:
    sizes = set()
    for seed in range(30):
        disk, mount = made(seed)
        file = await durable_file(mount, "/d/a", b"x" * 9_000)
        file.truncate(100)
        assert disk.surely("/d/a") == b"x" * 100
        disk.crash(power=True)
        sizes.add(disk.mount().stat("/d/a").size)
    assert sizes == {100, 9_000}
    disk, mount = made()
    file = await durable_file(mount, "/d/a", b"x" * 9_000)
    file.truncate(100)
    await file.fsync()
    disk.crash(power=True)
    assert disk.mount().read_bytes("/d/a") == b"x" * 100


async def test_after_a_failed_fsync_the_pages_are_lost_although_the_next_one_succeeds() -> None:
    disk, mount = made(loss="keep")
    file = await durable_file(mount, "/d/a", b"x" * PAGE)
    file.append((b"y" * PAGE,))
    disk.fail("fsync", "/d/a")
    with pytest.raises(OSError, match="Input/output") as raised:
        await file.fsync()
    assert raised.value.errno == errno.EIO
    file.append((b"z" * PAGE,))
    await file.fsync()
    assert mount.read_bytes("/d/a") == b"x" * PAGE + b"y" * PAGE + b"z" * PAGE
    disk.crash(power=True)
    assert disk.mount().read_bytes("/d/a") == b"x" * PAGE + bytes(PAGE) + b"z" * PAGE


async def test_an_fsync_does_not_cover_what_is_written_while_it_runs() -> None:
    disk, mount = made(loss="lose")
    disk.flush_s = 0.001
    file = await durable_file(mount, "/d/a", b"1")
    file.append((b"2",))
    flushing = asyncio.ensure_future(file.fsync())
    await asyncio.sleep(0)
    file.append((b"3",))
    assert disk.surely("/d/a") == b"1"
    await flushing
    assert disk.surely("/d/a") == b"12"


async def test_a_full_disk_takes_nothing_and_works_again_when_there_is_space() -> None:
    disk, mount = made()
    file = mount.open("/d/a")
    file.append((b"x" * 100,))
    disk.capacity = 150
    with pytest.raises(OSError, match="No space") as raised:
        file.append((b"y" * 100,))
    assert raised.value.errno == errno.ENOSPC
    assert file.size == 100
    assert mount.free_space("/d") == 50
    mount.unlink("/d/a")
    mount.open("/d/b").append((b"z" * 150,))


def test_faults_strike_where_and_as_often_as_they_are_told() -> None:
    disk, mount = made()
    mount.open("/d/b").append((b"b",))
    file = mount.open("/d/a")
    disk.fail("append", "/d/a", after=1, times=2)
    file.append((b"1",))
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            file.append((b"2",))
    file.append((b"3",))
    assert mount.read_bytes("/d/a") == b"13"


def test_bit_rot_is_read_and_stays() -> None:
    disk, mount = made()
    mount.open("/d/a").append((b"abc",))
    disk.flip("/d/a", 1, 0x20)
    assert mount.read_bytes("/d/a") == b"aBc"


@pytest.mark.parametrize("moment", ["before", "within", "after"])
@pytest.mark.parametrize("power", [True, False])
def test_a_crash_point_ends_the_process_at_its_operation(moment: Moment, power: bool) -> None:
    disk, mount = made(loss="keep")
    file = mount.open("/d/a")
    disk.crash_at(2, power=power, moment=moment)
    file.append((b"1" * 3 * PAGE,))
    assert disk.crash_is_due
    with pytest.raises(ProcessGone):
        file.append((b"2" * 3 * PAGE,))
    with pytest.raises(ProcessGone):
        mount.listdir("/d")
    with pytest.raises(ProcessGone):
        file.append((b"3",))
    left = disk.mount().read_bytes("/d/a")[3 * PAGE :]
    assert left == b"2" * len(left)
    assert len(left) == {"before": 0, "after": 3 * PAGE}.get(moment, len(left) // PAGE * PAGE)
    assert not disk.crash_is_due


def test_a_lock_is_free_after_a_crash_and_the_dead_cannot_release_the_new_one() -> None:
    disk, mount = made()
    old = mount.lock("/d/.lock")
    with pytest.raises(BlockingIOError):
        mount.lock("/d/.lock")
    disk.crash(power=False)
    disk.mount().lock("/d/.lock")
    old.release()
    with pytest.raises(BlockingIOError):
        disk.mount().lock("/d/.lock")


def test_work_in_the_thread_goes_on_when_its_caller_is_cancelled() -> None:
    async def run() -> bytes:
        _, mount = made()
        replacing = asyncio.ensure_future(mount.replace_atomically("/d/a", b"data"))
        await asyncio.sleep(0)
        replacing.cancel()
        await asyncio.wait((replacing,))
        mount.close()
        return mount.read_bytes("/d/a")

    assert asyncio.run(run()) == b"data"


def test_one_seed_one_outcome() -> None:
    def outcome(seed: int) -> list[tuple[str, bytes]]:
        disk, mount = made(seed)
        for number in range(10):
            mount.open(f"/d/{number}").append((bytes([number]) * 5_000 * number,))
        disk.crash(power=True)
        after = disk.mount()
        return [(name, after.read_bytes(f"/d/{name}")) for name in after.listdir("/d")]

    assert outcome(1) == outcome(1)
    assert outcome(1) != outcome(2)
