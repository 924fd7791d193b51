"""Where a read ends, and that a read at once finds what a read finds."""

from itertools import accumulate
from pathlib import Path
from random import Random

import pytest
from unit.log.making import NOW_MS, append, batch, open_log

from minikafka.log.partition_log import PartitionLog
from minikafka.runtime.disk import FileRegion


def log_of(directory: Path, sizes: list[int]) -> tuple[PartitionLog, list[int]]:
    """A log of batches with two records of such sizes, and where the batches end."""
    log = open_log(directory, segment_bytes=1 << 18)
    made = [batch(2, size=size // 2, timestamp=NOW_MS) for size in sizes]
    for one in made:
        append(log, one)
    return log, list(accumulate(map(len, made)))


def read(log: PartitionLog, offset: int, limit: int, bound: int, min_bytes: int) -> bytes:
    found = log.read(offset, limit, max_offset=bound, min_one_batch=True, min_bytes=min_bytes)
    if found.region is None:
        return b""
    data = found.region.read(0, found.size)
    found.region.release()
    return data


def test_a_large_batch_that_is_cut_is_left_out(tmp_path: Path) -> None:
    log, ends = log_of(tmp_path / "t-0", [16_000] * 8)
    for first in range(3):
        start = ends[first - 1] if first else 0
        data = read(log, 2 * first, 1 << 16, 16, 1)
        assert len(data) == ends[first + 3] - start


def test_what_is_asked_for_at_least_is_not_left_out(tmp_path: Path) -> None:
    log, ends = log_of(tmp_path / "t-0", [16_000] * 8)
    assert len(read(log, 2, 1 << 16, 16, 1 << 16)) == 1 << 16
    assert len(read(log, 2, 1 << 16, 16, ends[3])) == ends[4] - ends[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_read_at_once_finds_what_a_read_finds(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    sizes = [random.choice((50, 1000, 3000, 6000, 9000, 30_000)) for _ in range(100)]
    log, _ = log_of(tmp_path / "t-0", sizes)
    if seed % 2:
        log.close()
        log = open_log(tmp_path / "t-0", segment_bytes=1 << 18, clean=True)
    assert len(log.segment_base_offsets) > 1
    at_once = 0
    tail = log.log_end_offset - 2  # the last batch needs no index, and is always bytes
    for _ in range(400):
        offset = random.randrange(-1, 202)
        bound = random.choice((200, random.randrange(201)))
        limit = random.randrange(1, 80_000)
        min_bytes = random.choice((0, 1, 20_000))
        data = log.read_now(offset, limit, max_offset=bound, min_bytes=min_bytes)
        if data is not None:
            at_once += 1
            assert data == read(log, offset, limit, bound, min_bytes)
        region = log.read_now(
            offset, limit, max_offset=bound, min_bytes=min_bytes, region_from=20_000
        )
        if isinstance(region, FileRegion):
            assert region.size >= 20_000
            assert region.read(0, region.size) == data
            region.release()
        else:
            assert region == data
            assert data is None or len(data) < 20_000 or offset == tail
    assert at_once > 50


def test_the_last_batch_is_found_without_the_index(tmp_path: Path) -> None:
    """As long as it is the last, and not cut off."""
    log, ends = log_of(tmp_path / "t-0", [100] * 8)
    whole = read(log, 14, 1 << 16, 16, 1)
    assert log.read_now(14, 1 << 16, max_offset=16, min_bytes=1) == whole
    assert len(whole) == ends[7] - ends[6]
    # Behind its beginning, before it, beyond a bound, cut: another way, or none.
    for offset, limit, bound in ((15, 1 << 16, 16), (13, 1 << 16, 16), (14, 100, 16)):
        assert log.read_now(offset, limit, max_offset=bound, min_bytes=1) is None
    assert log.read_now(14, 1 << 16, max_offset=14, min_bytes=1) is None
    log.truncate_to(14)
    assert log.read_now(14, 1 << 16, max_offset=14, min_bytes=1) is None
    log.truncate_to(12)
    assert log.read_now(12, 1 << 16, max_offset=12, min_bytes=1) is None


def test_an_index_that_leads_elsewhere_is_not_believed(tmp_path: Path) -> None:
    log, _ = log_of(tmp_path / "t-0", [16_000] * 8)
    log.close()
    path = tmp_path / "t-0" / "00000000000000000000.index"
    entries = bytearray(path.read_bytes())
    entries[15] += 16  # the position of the second entry
    path.write_bytes(entries)
    log = open_log(tmp_path / "t-0", segment_bytes=1 << 18, clean=True)
    assert log.read_now(4, 1 << 16, max_offset=16, min_bytes=1) is None
    assert len(read(log, 4, 1 << 16, 16, 1)) > 16_000
