"""What code may rely on of a `Disk`: the real one and the simulated one must agree."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from minikafka.runtime.disk import Disk
from minikafka.runtime.local_disk import LocalDisk
from minikafka.sim.disk import SimDisk


class Place(NamedTuple):
    """A disk, and an existing empty directory on it."""

    disk: Disk
    root: str


@pytest.fixture(params=["local", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "local":
        disk: Disk = LocalDisk()
        root = str(tmp_path)
    else:
        disk = SimDisk(1).mount()
        root = "/data/one"
        disk.mkdir(root, parents=True)
    yield Place(disk, root)
    disk.close()


# -- files ----------------------------------------------------------------------------------------


def test_appends_follow_each_other(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    assert file.append((b"one",)) == 0
    assert file.append([b"two", bytearray(b"three"), memoryview(b"four")]) == 3
    assert file.append((b"",)) == 15
    assert file.size == 15
    assert file.pread(100, 3) == b"twothreefour"
    assert file.pread(4, 100) == b""
    assert place.disk.read_bytes(f"{place.root}/a") == b"onetwothreefour"


def test_a_second_opening_sees_what_the_first_wrote(place: Place) -> None:
    first = place.disk.open(f"{place.root}/a")
    first.append((b"12345",))
    second = place.disk.open(f"{place.root}/a", create=False)
    assert second.size == 5
    assert second.pread(5, 0) == b"12345"
    second.append((b"6",))
    assert first.pread(10, 0) == b"123456"


def test_what_is_absent_is_not_found(place: Place) -> None:
    disk, path = place.disk, f"{place.root}/absent"
    for attempt in (
        lambda: disk.open(path, create=False),
        lambda: disk.open(f"{path}/inside"),
        lambda: disk.read_bytes(path),
        lambda: disk.stat(path),
        lambda: disk.listdir(path),
        lambda: disk.scan(path),
        lambda: disk.unlink(path),
        lambda: disk.rmdir(path),
        lambda: disk.rename(path, f"{path}2"),
        lambda: disk.mkdir(f"{path}/inside"),
        lambda: disk.fsync_dir_now(path),
        lambda: disk.replace(f"{path}/inside", b"x"),
    ):
        with pytest.raises(FileNotFoundError):
            attempt()
    assert not disk.exists(path)


def test_truncate_cuts_and_never_extends(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    file.append((b"0123456789",))
    file.truncate(20)
    assert file.size == 10
    file.truncate(4)
    assert file.size == place.disk.stat(f"{place.root}/a").size == 4
    assert file.append((b"x",)) == 4
    assert file.pread(10, 0) == b"0123x"


def test_reserved_space_reads_as_zeros_until_written_or_trimmed(place: Place) -> None:
    path = f"{place.root}/a"
    file = place.disk.open(path)
    file.append((b"12",))
    file.reserve(10)
    assert file.size == 2
    assert place.disk.read_bytes(path) == b"12" + bytes(8)
    assert file.append((b"345",)) == 2
    assert place.disk.read_bytes(path) == b"12345" + bytes(5)
    file.trim()
    assert place.disk.read_bytes(path) == b"12345"
    assert place.disk.open(path).size == 5


def test_a_closed_file_refuses(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    file.append((b"x",))
    file.close()
    file.close()
    with pytest.raises(OSError, match="closed"):
        file.append((b"y",))


def test_a_region_outlives_close_and_unlink(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    file.append((b"0123456789",))
    region = file.region(2, 5)
    file.close()
    place.disk.unlink(f"{place.root}/a")
    assert (region.read(0, 100), region.read(3, 1), region.read(5, 1)) == (b"23456", b"5", b"")
    assert region.intact
    region.release()
    region.release()


def test_a_region_knows_that_its_file_was_cut(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    file.append((b"0123456789",))
    below, across = file.region(0, 4), file.region(2, 6)
    file.truncate(4)
    file.append((b"abcdef",))
    later = file.region(4, 6)
    assert (below.intact, across.intact, later.intact) == (True, False, True)
    for region in (below, across, later):
        region.release()


def test_an_open_file_follows_a_rename(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    file.append((b"1",))
    place.disk.rename(f"{place.root}/a", f"{place.root}/b")
    file.append((b"2",))
    assert place.disk.read_bytes(f"{place.root}/b") == b"12"


def test_a_file_replaced_under_its_reader_stays_what_it_was(place: Place) -> None:
    place.disk.replace(f"{place.root}/a", b"old")
    file = place.disk.open(f"{place.root}/a")
    region = file.region(0, 3)
    place.disk.replace(f"{place.root}/a", b"new, longer")
    assert region.read(0, 3) == b"old"
    region.release()
    assert place.disk.read_bytes(f"{place.root}/a") == b"new, longer"


# -- names ----------------------------------------------------------------------------------------


def test_names_are_listed_sorted_with_their_status(place: Place) -> None:
    disk, root = place.disk, place.root
    disk.mkdir(f"{root}/b")
    for name, data in (("c", b"123"), ("a", b"1")):
        disk.open(f"{root}/{name}").append((data,))
    assert disk.listdir(root) == ["a", "b", "c"]
    found = disk.scan(root)
    assert [status.name for status in found] == ["a", "b", "c"]
    assert [status.is_directory for status in found] == [False, True, False]
    assert (found[0].size, found[2].size) == (1, 3)
    assert abs(found[0].modified_ms - disk.stat(f"{root}/c").modified_ms) < 60_000
    assert disk.stat(f"{root}/b").name == "b"


def test_directories_are_made_and_removed(place: Place) -> None:
    disk, root = place.disk, place.root
    disk.mkdir(f"{root}/x/y/z", parents=True)
    disk.mkdir(f"{root}/x/y/z", parents=True)
    with pytest.raises(FileExistsError):
        disk.mkdir(f"{root}/x/y")
    with pytest.raises(OSError, match="not empty"):
        disk.rmdir(f"{root}/x/y")
    disk.rmdir(f"{root}/x/y/z")
    assert disk.listdir(f"{root}/x/y") == []


def test_files_and_directories_are_not_taken_for_each_other(place: Place) -> None:
    disk, root = place.disk, place.root
    disk.mkdir(f"{root}/directory")
    disk.open(f"{root}/file").append((b"x",))
    with pytest.raises(IsADirectoryError):
        disk.open(f"{root}/directory")
    with pytest.raises(NotADirectoryError):
        disk.listdir(f"{root}/file")
    with pytest.raises(IsADirectoryError):
        disk.rename(f"{root}/file", f"{root}/directory")
    with pytest.raises(NotADirectoryError):
        disk.rename(f"{root}/directory", f"{root}/file")
    with pytest.raises(FileExistsError):
        disk.mkdir(f"{root}/file")


def test_rename_replaces_a_file_and_moves_a_directory(place: Place) -> None:
    disk, root = place.disk, place.root
    disk.open(f"{root}/a").append((b"a",))
    disk.open(f"{root}/b").append((b"b",))
    disk.rename(f"{root}/a", f"{root}/b")
    assert disk.listdir(root) == ["b"]
    assert disk.read_bytes(f"{root}/b") == b"a"
    disk.mkdir(f"{root}/from")
    disk.rename(f"{root}/b", f"{root}/from/b")
    disk.rename(f"{root}/from", f"{root}/to")
    assert disk.read_bytes(f"{root}/to/b") == b"a"
    assert not disk.exists(f"{root}/from")


def test_a_replacement_leaves_no_temporary_file(place: Place) -> None:
    disk, root = place.disk, place.root
    disk.replace(f"{root}/a", b"x" * 10_000)
    disk.replace_atomically_now(f"{root}/a", b"y")
    assert disk.listdir(root) == ["a"]
    assert disk.read_bytes(f"{root}/a") == b"y"


def test_a_lock_is_held_by_one(place: Place) -> None:
    disk, path = place.disk, f"{place.root}/.lock"
    lock = disk.lock(path)
    with pytest.raises(BlockingIOError):
        disk.lock(path)
    lock.release()
    lock.release()
    disk.lock(path).release()
    assert disk.exists(path)


def test_space_is_told(place: Place) -> None:
    free, total = place.disk.free_space(place.root), place.disk.total_space(place.root)
    assert 0 < free <= total


# -- durability -----------------------------------------------------------------------------------


async def test_flushing_succeeds_and_changes_nothing(place: Place) -> None:
    disk, root = place.disk, place.root
    file = disk.open(f"{root}/a")
    file.append((b"x",))
    await file.fsync()
    await disk.fsync_dir(root)
    disk.fsync_dir_now(root)
    await disk.sync_paths([f"{root}/a", f"{root}/gone"])
    assert disk.read_bytes(f"{root}/a") == b"x"


async def test_a_closed_or_unlinked_file_is_flushed_all_the_same(place: Place) -> None:
    file = place.disk.open(f"{place.root}/a")
    file.append((b"x",))
    flushing = asyncio.ensure_future(file.fsync())
    await asyncio.sleep(0)
    file.close()
    place.disk.unlink(f"{place.root}/a")
    await flushing


async def test_work_is_done_in_the_order_of_the_calls(place: Place) -> None:
    disk, path = place.disk, f"{place.root}/a"
    await asyncio.gather(*(disk.replace_atomically(path, b"%d" % n) for n in range(10)))
    assert disk.read_bytes(path) == b"9"


async def test_removing_takes_trees_and_forgives_what_is_gone(place: Place) -> None:
    disk, root = place.disk, place.root
    disk.mkdir(f"{root}/tree/branch", parents=True)
    disk.open(f"{root}/tree/branch/leaf").append((b"x",))
    disk.open(f"{root}/stone").append((b"x",))
    await disk.remove([f"{root}/tree", f"{root}/gone", f"{root}/stone"])
    assert disk.listdir(root) == []


async def test_a_cancelled_caller_does_not_stop_the_work(place: Place) -> None:
    disk, path = place.disk, f"{place.root}/a"
    replacing = asyncio.ensure_future(disk.replace_atomically(path, b"whole"))
    await asyncio.sleep(0)
    replacing.cancel()
    await asyncio.wait((replacing,))
    disk.close()
    assert disk.read_bytes(path) == b"whole"


async def test_a_failure_reaches_the_caller(place: Place) -> None:
    with pytest.raises(FileNotFoundError):
        await place.disk.fsync_dir(f"{place.root}/absent")
    with pytest.raises(FileNotFoundError):
        await place.disk.replace_atomically(f"{place.root}/absent/a", b"x")
