"""The disk of production: appends, regions that outlive their file, descriptors, replacement."""

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikafka.runtime.local_disk import LocalDisk


def open_descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


@pytest.fixture
def disk() -> Iterator[LocalDisk]:
    disk = LocalDisk()
    yield disk
    disk.close()


def test_appends_follow_each_other_and_return_their_position(
    disk: LocalDisk, tmp_path: Path
) -> None:
    file = disk.open(f"{tmp_path}/data")
    assert file.append((b"one",)) == 0
    assert file.append([b"two", bytearray(b"three"), memoryview(b"four")]) == 3
    assert file.size == 15
    assert file.pread(100, 3) == b"twothreefour"
    assert (tmp_path / "data").read_bytes() == b"onetwothreefour"


def test_more_buffers_than_one_system_call_takes(disk: LocalDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append([b"ab"] * 3000)
    assert file.size == 6000
    assert (tmp_path / "data").read_bytes() == b"ab" * 3000


def test_a_missing_file_is_opened_only_to_create_it(disk: LocalDisk, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        disk.open(f"{tmp_path}/data", create=False)
    (tmp_path / "data").write_bytes(b"12345")
    assert disk.open(f"{tmp_path}/data", create=False).size == 5


@pytest.mark.parametrize("parts", [1, 3])
def test_a_write_that_does_not_fit_leaves_the_file_as_it_was(
    disk: LocalDisk, tmp_path: Path, parts: int
) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append((b"x" * 4000,))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(OSError, match="large") as raised:
            file.append([b"y" * (3000 // parts)] * parts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno == errno.EFBIG
    assert file.size == 4000
    assert (tmp_path / "data").stat().st_size == 4000
    assert file.append((b"z",)) == 4000


def test_a_region_reads_inside_its_bounds(disk: LocalDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append((b"0123456789",))
    region = file.region(2, 5)
    assert region.read(0, 100) == b"23456"
    assert region.read(3, 1) == b"5"
    assert region.read(5, 1) == b""
    assert region.intact
    region.release()
    region.release()
    assert not file.is_pinned


def test_a_region_survives_close_and_unlink(disk: LocalDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append((b"0123456789",))
    first, second = file.region(0, 4), file.region(4, 4)
    descriptor = file.fileno()
    file.close()
    disk.unlink(f"{tmp_path}/data")
    assert first.read(0, 4) == b"0123"
    first.release()
    assert second.read(0, 4) == b"4567"
    assert second.file.fileno() == descriptor
    second.release()
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(descriptor)
    with pytest.raises(OSError, match="closed"):
        file.append((b"more",))


def test_truncation_below_a_region_is_noticed_even_after_new_appends(
    disk: LocalDisk, tmp_path: Path
) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append((b"0123456789",))
    below, across = file.region(0, 4), file.region(2, 6)
    file.truncate(4)
    file.append((b"abcdef",))
    later = file.region(4, 6)
    assert below.intact
    assert not across.intact
    assert later.intact
    for region in (below, across, later):
        region.release()
    again = file.region(0, 10)
    assert again.intact
    assert again.read(0, 10) == b"0123abcdef"
    again.release()


def test_truncate_never_extends(disk: LocalDisk, tmp_path: Path) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append((b"0123",))
    file.truncate(100)
    assert file.size == 4
    assert (tmp_path / "data").stat().st_size == 4


def test_descriptors_stay_below_the_limit_and_come_back(tmp_path: Path) -> None:
    disk = LocalDisk(open_files_max=4)
    before = open_descriptors()
    files = [disk.open(f"{tmp_path}/{number}") for number in range(20)]
    for number, file in enumerate(files):
        file.append((b"%d" % number,))
    assert open_descriptors() <= before + 4
    assert [file.pread(10, 0) for file in files] == [b"%d" % number for number in range(20)]
    assert open_descriptors() <= before + 4
    for file in files:
        file.close()
    assert open_descriptors() == before


def test_a_pinned_file_keeps_its_descriptor_whatever_the_limit(tmp_path: Path) -> None:
    disk = LocalDisk(open_files_max=2)
    pinned = disk.open(f"{tmp_path}/pinned")
    pinned.append((b"stay",))
    region = pinned.region(0, 4)
    descriptor = pinned.fileno()
    others = [disk.open(f"{tmp_path}/{number}") for number in range(10)]
    for other in others:
        other.append((b"x",))
    assert pinned.fileno() == descriptor
    Path(pinned.path).unlink()
    assert region.read(0, 4) == b"stay"
    region.release()


async def test_fsync_returns_and_the_file_can_be_closed_meanwhile(
    disk: LocalDisk, tmp_path: Path
) -> None:
    file = disk.open(f"{tmp_path}/data")
    file.append((b"x" * 100_000,))
    flushing = file.fsync()
    file.append((b"y",))
    await flushing
    await disk.fsync_dir(str(tmp_path))
    assert not file.is_pinned


async def test_replacement_is_whole_and_leaves_no_temporary_file(
    disk: LocalDisk, tmp_path: Path
) -> None:
    path = f"{tmp_path}/checkpoint"
    disk.replace(path, b"one")
    disk.replace_atomically_now(path, b"two")
    assert disk.read_bytes(path) == b"two"
    await disk.replace_atomically(path, b"three")
    assert disk.read_bytes(path) == b"three"
    assert disk.listdir(str(tmp_path)) == ["checkpoint"]


async def test_removal_takes_trees_and_passes_over_what_is_gone(
    disk: LocalDisk, tmp_path: Path
) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "file").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_bytes(b"x")
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "elsewhere")
    await disk.remove([f"{tmp_path}/tree", f"{tmp_path}/gone", f"{tmp_path}/file"])
    assert disk.listdir(str(tmp_path)) == ["elsewhere"]
    assert disk.listdir(f"{tmp_path}/elsewhere") == ["kept"]


async def test_many_paths_are_made_durable_and_missing_ones_passed_over(
    disk: LocalDisk, tmp_path: Path
) -> None:
    paths = []
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"x")
        paths.append(f"{tmp_path}/{number}")
    await disk.sync_paths([*paths, f"{tmp_path}/gone"])
    assert len(disk.listdir(str(tmp_path))) == 100


def test_a_lock_is_held_by_one(disk: LocalDisk, tmp_path: Path) -> None:
    lock = disk.lock(f"{tmp_path}/.lock")
    with pytest.raises(BlockingIOError):
        disk.lock(f"{tmp_path}/.lock")
    lock.release()
    disk.lock(f"{tmp_path}/.lock").release()


def test_names_come_sorted_with_their_status(disk: LocalDisk, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"12")
    disk.mkdir(f"{tmp_path}/a")
    disk.mkdir(f"{tmp_path}/c/d", parents=True)
    found = [(status.name, status.is_directory) for status in disk.scan(str(tmp_path))]
    assert found == [("a", True), ("b", False), ("c", True)]
    assert disk.stat(f"{tmp_path}/b").size == 2
    assert disk.stat(f"{tmp_path}/b").modified_ms > 1_600_000_000_000
    disk.rename(f"{tmp_path}/c", f"{tmp_path}/e")
    disk.rmdir(f"{tmp_path}/e/d")
    assert disk.listdir(str(tmp_path)) == ["a", "b", "e"]
    assert disk.exists(f"{tmp_path}/a")
    assert not disk.exists(f"{tmp_path}/c")
    assert disk.free_space(str(tmp_path)) > 0
