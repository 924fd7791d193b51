"""What may go: by start, by size, by age, and never what is not replicated."""

from pathlib import Path

from unit.log.making import NOW_MS, append, batch, open_log, stored

from minikafka.log.partition_log import PartitionLog

HOUR_MS = 3_600_000


def filled(directory: Path, **overrides: object) -> PartitionLog:
    """Ten segments of one batch each, an hour apart."""
    policy = {"segment_bytes": 100, "retention_ms": -1, "retention_bytes": -1} | overrides
    log = open_log(directory, **policy)
    for n in range(10):
        append(log, batch(10, size=50, timestamp=NOW_MS + n * HOUR_MS))
    assert len(log.segment_base_offsets) == 10
    return log


async def test_by_age(tmp_path: Path) -> None:
    log = filled(tmp_path / "t-0", retention_ms=3 * HOUR_MS, file_delete_delay_ms=1000)
    now = NOW_MS + 9 * HOUR_MS
    assert log.delete_old_segments(now, 100) == 6
    assert (log.log_start_offset, log.log_end_offset) == (60, 100)
    deleted = list((tmp_path / "t-0").glob("*.deleted"))
    assert len(deleted) == 6 * 3
    await log.purge(now + 999)
    assert all(path.exists() for path in deleted)
    await log.purge(now + 1000)
    assert not any(path.exists() for path in deleted)
    assert len(stored(log)) == log.size_bytes
    assert not (tmp_path / "t-0" / f"{50:020d}.snapshot").exists()
    assert (tmp_path / "t-0" / f"{60:020d}.snapshot").exists()
    assert log.leader_epochs.entries() == [(0, 60)]


def test_when_all_is_too_old_an_empty_segment_remains(tmp_path: Path) -> None:
    log = filled(tmp_path / "t-0", retention_ms=HOUR_MS)
    assert log.delete_old_segments(NOW_MS + 100 * HOUR_MS, 100) == 10
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (100, 100, 0)
    assert log.segment_base_offsets == [100]
    assert log.delete_old_segments(NOW_MS + 200 * HOUR_MS, 100) == 0
    assert append(log, batch()) == 100


def test_timestamps_ahead_never_expire_and_missing_ones_go_by_the_file(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=100, retention_ms=HOUR_MS)
    append(log, batch(timestamp=NOW_MS + 1000 * HOUR_MS))
    append(log, batch(size=100))
    assert log.delete_old_segments(NOW_MS + 500 * HOUR_MS, 2) == 0
    bare = open_log(tmp_path / "t-1", segment_bytes=100, retention_ms=HOUR_MS)
    append(bare, batch(timestamp=-1, step_ms=0))
    append(bare, batch(size=100, timestamp=-1, step_ms=0))
    written = (tmp_path / "t-1" / f"{0:020d}.log").stat().st_mtime_ns // 1_000_000
    assert bare.delete_old_segments(written + HOUR_MS, 2) == 0
    assert bare.delete_old_segments(written + 2 * HOUR_MS, 1) == 1


def test_by_size(tmp_path: Path) -> None:
    log = filled(tmp_path / "t-0")
    one = log.size_bytes // 10
    log = filled(tmp_path / "t-1", retention_bytes=4 * one)
    assert log.delete_old_segments(NOW_MS, 100) == 6
    log = filled(tmp_path / "t-2", retention_bytes=4 * one + 1)
    assert log.delete_old_segments(NOW_MS, 100) == 5


def test_nothing_beyond_the_high_watermark(tmp_path: Path) -> None:
    log = filled(tmp_path / "t-0", retention_ms=1)
    assert log.delete_old_segments(NOW_MS + 100 * HOUR_MS, 35) == 3
    assert log.log_start_offset == 30


def test_below_the_log_start_whatever_the_policy(tmp_path: Path) -> None:
    log = filled(tmp_path / "t-0", retention_ms=1, cleanup_policy=frozenset({"compact"}))
    log.advance_log_start(45)
    assert log.delete_old_segments(NOW_MS + 100 * HOUR_MS, 100) == 4
    assert log.log_start_offset == 45
    assert log.segment_base_offsets[0] == 40
    log.advance_log_start(100)
    assert log.delete_old_segments(NOW_MS + 100 * HOUR_MS, 100) == 5
    assert log.segment_base_offsets == [90]
