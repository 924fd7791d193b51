"""What a pass of compaction leaves, batch by batch."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from unit.log.compacting import Unhurried, clean, end_transaction, put, records, shape, texts
from unit.log.making import NOW_MS, append, batch, headers, open_log, stored

from minikafka.log.cleaning import CleanerOffsets, dirty_span, is_due
from minikafka.log.compaction import compact
from minikafka.log.compaction_keys import ENTRY_BYTES, OffsetMap
from minikafka.log.errors import CorruptLogError, LogChangedError
from minikafka.log.partition_log import PartitionLog
from minikafka.records.compression import Codec
from minikafka.runtime.local_disk import LocalDisk

DAY_MS = 86_400_000


class Bench:
    """A log on a disk of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path / "t-0"
        self.disk = LocalDisk()
        self.log = self.open()

    def open(self, **overrides: Any) -> PartitionLog:
        compacted = {"cleanup_policy": frozenset({"compact"})} | overrides
        return open_log(self.path, disk=self.disk, **compacted)

    async def clean(self, first_dirty: int = 0, **how: Any) -> int:
        return await clean(self.disk, self.log, first_dirty, **how)

    def names(self) -> list[str]:
        return sorted(found.name for found in self.path.iterdir())


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.disk.close()


async def test_the_newest_of_each_key_stays_at_its_offset(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("b", "1"), ("a", "2"))
    put(bench.log, ("b", "2"), ("c", "1"))
    put(bench.log, ("a", "3"), roll=False)
    assert await bench.clean() == 5
    assert texts(bench.log) == ["2 a=2", "3 b=2", "4 c=1", "5 a=3"]
    assert shape(bench.log) == [(0, 2, 1), (3, 4, 2), (5, 5, 1)]


async def test_the_active_segment_is_never_touched(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"), roll=False)
    assert await bench.clean() == 0
    assert texts(bench.log) == ["0 a=1", "1 a=2"]


async def test_a_batch_of_which_all_stays_keeps_its_bytes(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("b", "1"), codec=Codec.GZIP)
    put(bench.log, ("c", "1"), roll=False)
    before = stored(bench.log)
    await bench.clean()
    assert stored(bench.log) == before


@pytest.mark.parametrize("codec", list(Codec))
async def test_what_stays_is_in_its_codec(bench: Bench, codec: Codec) -> None:
    put(bench.log, ("a", "1" * 100), ("b", "2" * 100), codec=codec)
    put(bench.log, ("a", "3"))
    await bench.clean()
    assert headers(stored(bench.log))[0].codec == codec
    assert texts(bench.log) == [f"1 b={'2' * 100}", "2 a=3"]


async def test_timestamps_stay_and_the_largest_is_found_anew(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("b", "1"), ("c", "1"), timestamp=NOW_MS)
    put(bench.log, ("c", "2"), timestamp=NOW_MS - 500)
    await bench.clean()
    first = headers(stored(bench.log))[0]
    assert first.max_timestamp == NOW_MS + 1
    stamps = [record.timestamp for record in records(stored(bench.log))]
    assert stamps == [NOW_MS, NOW_MS + 1, NOW_MS - 500]
    assert bench.log.max_timestamp_entry() == (1, NOW_MS + 1, 0)


async def test_append_time_stays_for_all_records(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("b", None), append_time=NOW_MS + 77)
    put(bench.log, ("a", "2"), append_time=NOW_MS + 78)
    await bench.clean()
    stamps = [record.timestamp for record in records(stored(bench.log))]
    assert stamps == [NOW_MS + 77, NOW_MS + 78]


async def test_a_tombstone_gets_a_horizon_and_goes_when_it_has_passed(bench: Bench) -> None:
    put(bench.log, ("a", "1"))
    put(bench.log, ("a", None), ("b", "1"), timestamp=NOW_MS - 33)
    await bench.clean()
    assert texts(bench.log) == ["1 a=-", "2 b=1"]
    found = next(header for header in headers(stored(bench.log)) if header.record_count)
    assert (found.attributes, found.base_timestamp) == (0x40, NOW_MS + DAY_MS)
    assert [record.timestamp for record in records(stored(bench.log))] == [NOW_MS - 33, NOW_MS - 32]
    await bench.clean(wall_ms=NOW_MS + DAY_MS - 1)
    assert texts(bench.log) == ["1 a=-", "2 b=1"]
    await bench.clean(wall_ms=NOW_MS + DAY_MS)
    assert texts(bench.log) == ["2 b=1"]
    assert [record.timestamp for record in records(stored(bench.log))] == [NOW_MS - 32]


async def test_the_last_batch_of_a_producer_stays_empty(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("b", "1"), producer=(7, 3, 10))
    put(bench.log, ("a", "2"), ("b", "2"))
    put(bench.log, ("c", "1"))
    await bench.clean()
    empty = headers(stored(bench.log))[0]
    assert (empty.last_offset_delta, empty.record_count, empty.base_timestamp) == (1, 0, -1)
    assert (empty.producer_id, empty.producer_epoch, empty.base_sequence) == (7, 3, 10)
    bench.log.close()
    (bench.path / "00000000000000000005.snapshot").unlink()
    bench.log = bench.open(clean=False)
    assert bench.log.producers.entries[7].last_sequence == 11


async def test_only_the_last_batch_of_a_producer_stays_empty(bench: Bench) -> None:
    put(bench.log, ("a", "1"), producer=(7, 3, 10))
    put(bench.log, ("a", "2"), producer=(7, 3, 11))
    put(bench.log, ("a", "3"))
    await bench.clean()
    assert shape(bench.log) == [(1, 1, 0), (2, 2, 1)]


async def test_aborted_records_go_and_their_marker_follows_later(bench: Bench) -> None:
    put(bench.log, ("a", "1"))
    put(bench.log, ("a", "x"), ("y", "x"), producer=(7, 0, 0), transactional=True)
    end_transaction(bench.log, 7, 0, committed=False)
    put(bench.log, ("b", "1"), producer=(7, 0, 2))
    await bench.clean()
    assert texts(bench.log) == ["0 a=1", "4 b=1"]
    marker = next(header for header in headers(stored(bench.log)) if header.is_control)
    assert marker.attributes == 0x30
    await bench.clean(wall_ms=NOW_MS + 1)
    marker = next(header for header in headers(stored(bench.log)) if header.is_control)
    assert (marker.attributes, marker.base_timestamp) == (0x70, NOW_MS + 1 + DAY_MS)
    await bench.clean(wall_ms=NOW_MS + 1 + DAY_MS)
    assert [header.base_offset for header in headers(stored(bench.log))] == [0, 4]


async def test_nothing_above_an_open_transaction_is_compacted(bench: Bench) -> None:
    put(bench.log, ("a", "1"))
    put(bench.log, ("a", "2"), producer=(7, 0, 0), transactional=True)
    put(bench.log, ("a", "3"))
    assert await bench.clean() == 1
    assert texts(bench.log) == ["0 a=1", "1 a=2", "2 a=3"]


async def test_nothing_above_the_high_watermark_is_compacted(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))
    put(bench.log, ("a", "3"))
    assert await bench.clean(high_watermark=2) == 2
    assert texts(bench.log) == ["1 a=2", "2 a=3"]


async def test_young_records_are_left_alone(bench: Bench) -> None:
    bench.log.settings.min_compaction_lag_ms = 1000
    put(bench.log, ("a", "1"), ("a", "2"), timestamp=NOW_MS - 2000)
    put(bench.log, ("a", "3"), ("a", "4"), timestamp=NOW_MS - 500)
    assert await bench.clean() == 2
    assert texts(bench.log) == ["1 a=2", "2 a=3", "3 a=4"]


async def test_old_records_make_their_log_due(bench: Bench) -> None:
    bench.log.settings.max_compaction_lag_ms = 5000
    bench.log.settings.min_cleanable_dirty_ratio = 1.0
    put(bench.log, ("a", "1"), timestamp=NOW_MS)
    for wall_ms, due in ((NOW_MS + 5000, False), (NOW_MS + 5001, True)):
        span = dirty_span(bench.log, 0, high_watermark=1, wall_ms=wall_ms)
        assert is_due(bench.log, span) is due


async def test_the_active_segment_is_rolled_before_it_is_too_old(bench: Bench) -> None:
    bench.log.settings.max_compaction_lag_ms = 5000
    bench.log.settings = bench.log.settings
    put(bench.log, ("a", "1"), timestamp=NOW_MS, roll=False)
    put(bench.log, ("a", "2"), timestamp=NOW_MS + 5000, roll=False)
    assert bench.log.segment_base_offsets == [0]
    put(bench.log, ("a", "3"), timestamp=NOW_MS + 5001, roll=False)
    assert bench.log.segment_base_offsets == [0, 2]


async def test_a_log_is_due_by_its_dirty_ratio(bench: Bench) -> None:
    for value in "123":
        put(bench.log, ("a", value))
    span = dirty_span(bench.log, 2, high_watermark=3, wall_ms=NOW_MS)
    assert (span.first_dirty, span.end) == (2, 3)
    assert span.dirty_ratio == pytest.approx(1 / 3)
    bench.log.settings.min_cleanable_dirty_ratio = 0.33
    assert is_due(bench.log, span)
    bench.log.settings.min_cleanable_dirty_ratio = 0.34
    assert not is_due(bench.log, span)


async def test_what_does_not_fit_into_memory_waits_for_the_next_pass(bench: Bench) -> None:
    for number in range(10):
        put(bench.log, (f"k{number}", "1"), (f"k{number}", "2"))
    first_dirty, passes = 0, 0
    while first_dirty < 20:
        before = first_dirty
        first_dirty = await bench.clean(first_dirty, keys_max=3)
        assert first_dirty > before
        passes += 1
    assert passes > 3
    assert texts(bench.log) == [f"{2 * n + 1} k{n}=2" for n in range(10)]


async def test_keys_are_told_apart_long_and_short(bench: Bench) -> None:
    offsets = OffsetMap(ENTRY_BYTES * 100)
    keys = [b"", b"a", b"b" * 15, b"b" * 16, b"b" * 17, b"c" * 1000]
    for offset, key in enumerate(keys):
        offsets.note(key, offset)
    assert [offsets.latest(key) for key in keys] == list(range(6))
    assert offsets.latest(b"d" * 1000) == -1
    assert offsets.size == 6


async def test_small_neighbours_become_one_segment(bench: Bench) -> None:
    bench.log.settings.segment_bytes = 3 * 80
    for number in range(7):
        put(bench.log, (f"k{number}", "1"))
    assert len(bench.log.segment_base_offsets) == 8
    await bench.clean()
    assert bench.log.segment_base_offsets == [0, 3, 6, 7]


async def test_the_steps_are_short(bench: Bench) -> None:
    put(bench.log, *[(f"key{n % 50}", "value" * 10) for n in range(20_000)])
    pace = Unhurried()
    await bench.clean(pace=pace)
    assert len(texts(bench.log)) == 50
    assert pace.steps > 2 * 20_000 / 200


async def test_a_log_that_is_cut_meanwhile_is_left_as_it_is(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))
    put(bench.log, ("a", "3"))

    class Cut(Unhurried):
        def is_over(self, moved_bytes: int) -> bool:
            return True

        async def rest(self) -> None:
            bench.log.truncate_to(2)

    with pytest.raises(LogChangedError):
        await bench.clean(pace=Cut())
    assert texts(bench.log) == ["0 a=1", "1 a=2"]
    assert not [name for name in bench.names() if ".cleaned" in name or ".swap" in name]


async def test_a_log_that_is_aged_meanwhile_is_left_to_the_next_pass(bench: Bench) -> None:
    bench.log.settings.cleanup_policy = frozenset({"compact", "delete"})
    bench.log.settings.retention_ms = 1000
    put(bench.log, ("a", "1"), ("a", "2"), timestamp=NOW_MS - 5000)
    put(bench.log, ("a", "3"), ("a", "4"))

    class Aging(Unhurried):
        def is_over(self, moved_bytes: int) -> bool:
            return True

        async def rest(self) -> None:
            bench.log.delete_old_segments(NOW_MS, 4)

    with pytest.raises(LogChangedError):
        await bench.clean(pace=Aging())
    assert texts(bench.log) == ["2 a=3", "3 a=4"]
    assert await bench.clean(2) == 4
    assert texts(bench.log) == ["3 a=4"]


async def test_a_closed_log_is_let_go(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))
    span = dirty_span(bench.log, 0, high_watermark=2, wall_ms=NOW_MS)
    offsets, pace = OffsetMap(ENTRY_BYTES), Unhurried()
    with pytest.raises(LogChangedError):
        await compact(
            bench.disk,
            bench.log,
            span,
            offsets,
            wall_ms=NOW_MS,
            pace=pace,
            is_open=lambda: False,
        )
    assert not [name for name in bench.names() if ".cleaned" in name]


async def test_a_damaged_batch_ends_the_pass_and_stays_as_it_is(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))
    path = bench.path / "00000000000000000000.log"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptLogError, match="CRC"):
        await bench.clean()
    assert path.read_bytes() == data
    assert not [name for name in bench.names() if ".cleaned" in name]


async def test_who_reads_meanwhile_reads_on(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))
    read = bench.log.read(0, 1000, max_offset=2, min_one_batch=True)
    assert read.region is not None
    before = read.region.read(0, read.size)
    await bench.clean()
    assert read.region.intact
    assert read.region.read(0, read.size) == before
    read.region.release()


async def test_appends_go_on_during_a_pass(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))

    class Appending(Unhurried):
        def is_over(self, moved_bytes: int) -> bool:
            self.steps += 1
            return self.steps < 5

        async def rest(self) -> None:
            append(bench.log, batch(1))
            bench.log.roll(NOW_MS)

    assert await bench.clean(pace=Appending()) == 2
    assert shape(bench.log)[0] == (0, 1, 1)
    assert bench.log.log_end_offset == 6


async def test_the_files_are_those_of_a_segment(bench: Bench) -> None:
    put(bench.log, ("a", "1"), ("a", "2"))
    put(bench.log, ("b", "1"))
    await bench.clean()
    await bench.log.purge(NOW_MS + 10 * DAY_MS)
    bench.log.close()
    assert bench.names() == [
        "00000000000000000000.index",
        "00000000000000000000.log",
        "00000000000000000000.timeindex",
        "00000000000000000003.index",
        "00000000000000000003.log",
        "00000000000000000003.snapshot",
        "00000000000000000003.timeindex",
        "leader-epoch-checkpoint",
    ]
    bench.log = bench.open(clean=True)
    assert texts(bench.log) == ["1 a=2", "2 b=1"]


async def test_how_far_a_log_is_clean_survives_a_restart(bench: Bench, tmp_path: Path) -> None:
    directory: Any = type("Directory", (), {"path": str(tmp_path), "logs": {("t", 0): bench.log}})
    offsets = CleanerOffsets(bench.disk, directory)
    assert offsets.first_dirty(bench.log) == 0
    put(bench.log, ("a", "1"), ("a", "2"))
    await offsets.advance(bench.log, 2)
    assert (tmp_path / "cleaner-offset-checkpoint").read_text() == "0\n1\nt 0 2\n"
    again = CleanerOffsets(bench.disk, directory)
    assert again.first_dirty(bench.log) == 2
    bench.log.truncate_to(0)
    assert again.first_dirty(bench.log) == 0
    (tmp_path / "cleaner-offset-checkpoint").write_text("0\nmany\n")
    assert CleanerOffsets(bench.disk, directory).first_dirty(bench.log) == 0
