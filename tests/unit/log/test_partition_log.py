"""Appending, reading and cutting one partition's log."""

import errno
import resource
from pathlib import Path
from random import Random

import pytest
from unit.log.making import NOW_MS, append, batch, headers, marker, open_log, stored

from minikafka.log.errors import BatchAroundStartError
from minikafka.log.partition_log import PartitionLog
from minikafka.log.reading import LogRead
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import has_valid_crc, read_header
from minikafka.records.errors import CorruptRecordError
from minikafka.runtime.local_disk import LocalDisk


def fill(log: PartitionLog, sizes: list[int]) -> list[int]:
    """One batch of one record for each size; returns the sizes of the batches."""
    made = [batch(size=size, timestamp=NOW_MS + n) for n, size in enumerate(sizes)]
    for one in made:
        append(log, one)
    return [len(one) for one in made]


def taken(read: LogRead) -> bytes:
    if read.region is None:
        assert read.size == 0
        return b""
    data = read.region.read(0, read.size)
    assert len(data) == read.size
    read.region.release()
    return data


def test_append_stamps_the_batch_in_place_and_keeps_its_crc(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    first, second = batch(3), batch(2)
    assert append(log, first, epoch=4) == 0
    assert append(log, second, epoch=4) == 3
    assert read_header(second).base_offset == 3
    assert read_header(second).partition_leader_epoch == 4
    assert has_valid_crc(second)
    assert log.log_end_offset == 5
    assert log.size_bytes == len(first) + len(second)
    data = (tmp_path / "t-0" / "00000000000000000000.log").read_bytes()
    assert data == bytes(first) + bytes(second)
    assert stored(log) == data


def test_a_read_begins_with_the_batch_that_holds_the_offset(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    for _ in range(3):
        append(log, batch(10))
    for offset in (10, 15, 19):
        data = taken(log.read(offset, 1 << 20, max_offset=30, min_one_batch=True))
        assert [h.base_offset for h in headers(data)] == [10, 20]
    assert taken(log.read(30, 100, max_offset=30, min_one_batch=True)) == b""


def test_only_offsets_of_the_log_may_be_asked_for(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    append(log, batch(10))
    log.advance_log_start(4)
    for offset in (-1, 0, 3, 11):
        with pytest.raises(KafkaError) as raised:
            log.read(offset, 100, max_offset=10, min_one_batch=True)
        assert raised.value.code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert headers(taken(log.read(4, 100, max_offset=10, min_one_batch=True)))[0].base_offset == 0


def test_byte_limits_cut_exactly_and_the_first_batch_comes_whole_or_not_at_all(
    tmp_path: Path,
) -> None:
    log = open_log(tmp_path / "t-0")
    sizes = fill(log, [3000] * 5)
    one = sizes[0]

    def size(limit: int, *, whole: bool) -> int:
        return len(taken(log.read(0, limit, max_offset=5, min_one_batch=whole)))

    assert size(5000, whole=True) == 5000
    assert size(7000, whole=False) == 7000
    assert size(one, whole=False) == one
    assert size(one - 1, whole=True) == one
    assert size(0, whole=True) == one
    assert size(one - 1, whole=False) == 0
    assert size(0, whole=False) == 0
    assert size(1 << 30, whole=False) == sum(sizes)


def test_nothing_at_or_beyond_the_bound_is_read(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    for _ in range(300):
        append(log, batch(10, size=20))
    for bound in (0, 5, 10, 1500, 1505, 2990, 2999, 3000, 4000):
        data = taken(log.read(0, 1 << 30, max_offset=bound, min_one_batch=True))
        expected = min(bound, 3000) // 10
        assert [h.base_offset for h in headers(data)] == [10 * n for n in range(expected)]
        again = taken(log.read(0, 1 << 30, max_offset=bound, min_one_batch=True))
        assert again == data
    assert taken(log.read(1507, 1000, max_offset=1508, min_one_batch=True)) == b""


def test_segments_roll_by_size_and_reads_stay_inside_one(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=10_000)
    sizes = fill(log, [3000] * 10)
    assert log.segment_base_offsets == [0, 3, 6, 9]
    assert len(taken(log.read(1, 1 << 20, max_offset=10, min_one_batch=True))) == 2 * sizes[0]
    assert len(taken(log.read(3, 1 << 20, max_offset=10, min_one_batch=True))) == 3 * sizes[0]
    assert len(taken(log.read(3, 1 << 20, max_offset=5, min_one_batch=True))) == 2 * sizes[0]
    assert [h.base_offset for h in headers(stored(log))] == list(range(10))
    names = sorted(path.name for path in (tmp_path / "t-0").iterdir())
    assert [name for name in names if name.startswith("00000000000000000003")] == [
        "00000000000000000003.index",
        "00000000000000000003.log",
        "00000000000000000003.snapshot",
        "00000000000000000003.timeindex",
    ]
    assert "00000000000000000009.index" not in names  # the active one's comes at the close


def test_a_batch_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=1000)
    fill(log, [3000, 10, 3000])
    assert log.segment_base_offsets == [0, 1, 2]


def test_segments_roll_by_the_age_of_their_first_batch(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_ms=1000, segment_jitter_ms=0)
    for ms in (0, 1000, 500, 1001, 2001, 2002):
        append(log, batch(timestamp=NOW_MS + ms), wall_ms=NOW_MS + 50_000)
    assert log.segment_base_offsets == [0, 3, 5]


def test_without_timestamps_the_segments_own_age_counts(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_ms=1000, segment_jitter_ms=0)
    for ms in (0, 900, 1000, 1001, 2001, 2002):
        append(log, batch(timestamp=-1, step_ms=0), wall_ms=NOW_MS + ms)
    assert log.segment_base_offsets == [0, 3, 5]


def test_an_empty_segment_never_rolls_by_age(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_ms=1000, segment_jitter_ms=0)
    append(log, batch(timestamp=-1, step_ms=0), wall_ms=NOW_MS + 1_000_000)
    assert log.segment_base_offsets == [0]


def test_a_full_index_rolls(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_index_bytes=60, index_interval_bytes=100)
    fill(log, [200] * 12)
    # 60 bytes hold 4 time index entries beside the one kept for the roll; the first batch has none.
    assert log.segment_base_offsets == [0, 5, 10]


def test_relative_offsets_must_fit_32_bits(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    log.append_replicated(batch(base_offset=0, leader_epoch=0), NOW_MS)
    log.append_replicated(batch(base_offset=2**31 - 1, leader_epoch=0), NOW_MS)
    log.append_replicated(batch(2, base_offset=2**31, leader_epoch=0), NOW_MS)
    assert log.segment_base_offsets == [0, 2**31]
    assert log.log_end_offset == 2**31 + 2
    assert [h.base_offset for h in headers(stored(log))] == [0, 2**31 - 1, 2**31]


def test_settings_may_change_while_running(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    fill(log, [500] * 3)
    smaller = open_log(tmp_path / "other-0", segment_bytes=1500, segment_ms=10).settings
    log.settings = smaller
    append(log, batch(size=500, timestamp=NOW_MS))
    assert log.segment_base_offsets == [0, 3]
    append(log, batch(timestamp=NOW_MS + 11))
    assert log.segment_base_offsets == [0, 3, 4]


def test_index_entries_name_the_batch_that_crosses_the_interval(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    sizes = [len(batch(10, size=300)) for _ in range(6)]
    for n in range(6):
        append(log, batch(10, size=300, timestamp=NOW_MS + 100 * n))
    assert 2048 < sizes[0] < 4096
    log.close()
    data = (tmp_path / "t-0" / "00000000000000000000.index").read_bytes()
    assert data.hex() == (
        (29).to_bytes(4).hex()
        + (2 * sizes[0]).to_bytes(4).hex()
        + (49).to_bytes(4).hex()
        + (4 * sizes[0]).to_bytes(4).hex()
    )
    times = (tmp_path / "t-0" / "00000000000000000000.timeindex").read_bytes()
    entries = [(times[at : at + 8], times[at + 8 : at + 12]) for at in range(0, len(times), 12)]
    assert [(int.from_bytes(ts) - NOW_MS, int.from_bytes(o)) for ts, o in entries] == [
        (209, 29),
        (409, 49),
        (509, 59),  # the last entry is forced
    ]


def test_replicated_batches_are_checked_before_any_is_written(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    good = bytes(batch(5, leader_epoch=1)) + bytes(batch(5, base_offset=5, leader_epoch=1))
    torn = bytes(batch(5, base_offset=10, leader_epoch=1))[:-1]
    assert log.append_replicated(good + torn, NOW_MS) == 10
    assert stored(log) == good
    overlapping = bytes(batch(5, base_offset=10)) + bytes(batch(5, base_offset=12))
    damaged = bytearray(batch(5, base_offset=10))
    damaged[-1] ^= 1
    for wrong in (overlapping, bytes(batch(5, base_offset=10)) + damaged):
        with pytest.raises(CorruptRecordError):
            log.append_replicated(wrong, NOW_MS)
    assert log.log_end_offset == 10
    assert stored(log) == good


def test_a_follower_may_have_to_begin_with_a_batch_around_the_leaders_log_start(
    tmp_path: Path,
) -> None:
    log = open_log(tmp_path / "t-0")
    log.truncate_fully_and_start_at(3)
    with pytest.raises(BatchAroundStartError) as found:
        log.append_replicated(batch(5, leader_epoch=1), NOW_MS)
    with pytest.raises(CorruptRecordError):
        log.append_replicated(batch(3, leader_epoch=1), NOW_MS)
    log.truncate_fully_and_start_at(found.value.base_offset)
    assert log.append_replicated(batch(5, leader_epoch=1), NOW_MS) == 5
    log.advance_log_start(3)
    assert (log.log_start_offset, log.log_end_offset) == (3, 5)
    with pytest.raises(CorruptRecordError):
        log.append_replicated(batch(3, base_offset=3, leader_epoch=1), NOW_MS)


def test_replicated_batches_roll_where_a_leader_rolls(tmp_path: Path) -> None:
    leader = open_log(tmp_path / "t-0", segment_bytes=10_000, index_interval_bytes=1000)
    fill(leader, [1234] * 40)
    follower = open_log(tmp_path / "t-1", segment_bytes=10_000, index_interval_bytes=1000)
    follower.append_replicated(stored(leader), NOW_MS)
    leader.close()
    follower.close()
    assert leader.segment_base_offsets == follower.segment_base_offsets
    for path in sorted((tmp_path / "t-0").iterdir()):
        assert (tmp_path / "t-1" / path.name).read_bytes() == path.read_bytes(), path.name


def test_epochs_are_noted_with_their_first_batch(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    log.assign_leader_epoch(0)
    append(log, batch(3), epoch=0)
    log.assign_leader_epoch(2)
    assert log.end_offset_for_epoch(2) == (2, 3)
    checkpoint = tmp_path / "t-0" / "leader-epoch-checkpoint"
    assert checkpoint.read_text() == "0\n1\n0 0\n"
    append(log, batch(3), epoch=2)
    append(log, batch(3), epoch=2)
    assert checkpoint.read_text() == "0\n2\n0 0\n2 3\n"
    assert log.end_offset_for_epoch(0) == (0, 3)
    assert log.end_offset_for_epoch(1) == (0, 3)
    assert log.end_offset_for_epoch(2) == (2, 9)
    assert log.end_offset_for_epoch(3) == (-1, -1)
    assert [log.epoch_at(offset) for offset in (0, 2, 3, 8)] == [0, 0, 2, 2]


def test_truncation_takes_whole_batches_and_everything_known_of_them(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=5000, index_interval_bytes=500)
    for n in range(20):
        append(log, batch(5, size=100, timestamp=NOW_MS + n, producer=(7, 0, 5 * n)), epoch=n // 5)
    before = stored(log)
    region = log.read(90, 1 << 20, max_offset=100, min_one_batch=True).region
    log.truncate_to(200)
    assert log.log_end_offset == 100
    log.truncate_to(52)
    assert log.log_end_offset == 50
    assert region is not None
    region.release()
    assert stored(log) == before[: len(stored(log))]
    assert headers(stored(log))[-1].last_offset == 49
    assert log.producers.entries[7].last_sequence == 49
    assert log.largest_timestamp == NOW_MS + 9 + 4
    assert log.end_offset_for_epoch(1) == (1, 50)
    assert append(log, batch(5, producer=(7, 0, 50)), epoch=9) == 50
    assert log.leader_epochs.entries() == [(0, 0), (1, 25), (9, 50)]
    log.truncate_to(0)
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (0, 0, 0)
    assert log.leader_epochs.entries() == []
    assert len(log.producers) == 0


def test_truncation_under_a_pinned_region_is_noticed(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    fill(log, [1000] * 4)
    whole = log.read(0, 1 << 20, max_offset=4, min_one_batch=True).region
    first = log.read(0, 1, max_offset=4, min_one_batch=True).region
    assert whole is not None
    assert first is not None
    log.truncate_to(2)
    append(log, batch(size=1000))
    assert first.intact
    assert not whole.intact
    first.release()
    whole.release()


def test_a_log_can_begin_anew_elsewhere(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=1000)
    fill(log, [400] * 10)
    log.truncate_fully_and_start_at(500)
    assert (log.log_start_offset, log.log_end_offset, log.size_bytes) == (500, 500, 0)
    assert append(log, batch(2)) == 500
    names = [path.name for path in (tmp_path / "t-0").iterdir() if path.suffix == ".log"]
    assert names == ["00000000000000000500.log"]
    log.truncate_to(3)
    assert (log.log_start_offset, log.log_end_offset) == (3, 3)


def test_deleting_records_moves_the_start_only(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    append(log, batch(10), epoch=1)
    append(log, batch(10), epoch=2)
    log.advance_log_start(13)
    log.advance_log_start(5)
    assert log.log_start_offset == 13
    assert log.leader_epochs.entries() == [(2, 13)]
    with pytest.raises(KafkaError):
        log.advance_log_start(21)
    log.advance_log_start(20)
    assert log.log_start_offset == 20


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    fill(log, [1000] * 3)
    size = log.size_bytes
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, hard))
    try:
        with pytest.raises(OSError, match="large") as raised:
            append(log, batch(size=1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.errno == errno.EFBIG
    assert (log.log_end_offset, log.size_bytes) == (3, size)
    assert append(log, batch(size=1000)) == 3
    assert [h.base_offset for h in headers(stored(log))] == [0, 1, 2, 3]


def test_transactions_bound_reads_and_aborted_ones_are_listed(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=200)
    append(log, batch(2, producer=(1, 0, 0), transactional=True))  # 0, 1
    append(log, batch(2, producer=(2, 0, 0), transactional=True))  # 2, 3
    assert log.last_stable_offset(4) == 0
    append(log, marker(1, 0, committed=False))  # 4
    assert log.last_stable_offset(5) == 2
    append(log, batch(1))  # 5
    append(log, marker(2, 0, committed=False))  # 6
    assert log.last_stable_offset(7) == 7
    assert len(log.segment_base_offsets) > 2
    assert sorted(log.aborted_transactions(0, 7)) == [(1, 0, 4, 2), (2, 2, 6, 7)]
    assert log.aborted_transactions(0, 2) == [(1, 0, 4, 2)]
    assert log.aborted_transactions(5, 7) == [(2, 2, 6, 7)]
    assert log.aborted_transactions(7, 9) == []
    log.close()
    again = open_log(tmp_path / "t-0", clean=True)
    assert sorted(again.aborted_transactions(0, 7)) == [(1, 0, 4, 2), (2, 2, 6, 7)]
    again.truncate_to(6)
    assert again.aborted_transactions(0, 7) == [(1, 0, 4, 2)]
    assert again.last_stable_offset(6) == 2


def test_the_bound_of_what_was_read_comes_from_the_index(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", index_interval_bytes=1)
    fill(log, [1000] * 10)
    read = log.read(2, 2500, max_offset=10, min_one_batch=True)
    assert 4 <= log.upper_bound_offset(read) <= 5
    taken(read)
    read = log.read(8, 1 << 20, max_offset=10, min_one_batch=True)
    assert log.upper_bound_offset(read) == 10
    taken(read)


def test_records_are_found_by_time(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=3000, index_interval_bytes=300)
    for n in range(20):
        append(log, batch(5, size=50, timestamp=NOW_MS + 100 * n, step_ms=10), epoch=3)
    assert len(log.segment_base_offsets) > 2
    for n, found in ((0, 0), (1, 1), (10, 1), (41, 5), (100, 5), (1925, 98), (1940, 99)):
        entry = log.lookup_timestamp(NOW_MS + n, 100)
        assert entry is not None
        assert (entry.offset, entry.leader_epoch) == (found, 3), n
        assert entry.timestamp >= NOW_MS + n
    assert log.lookup_timestamp(NOW_MS + 1941, 100) is None
    assert log.lookup_timestamp(NOW_MS + 1940, 99) is None
    log.advance_log_start(8)
    entry = log.lookup_timestamp(0, 100)
    assert entry is not None
    assert entry.offset == 8


def test_the_latest_record_is_the_first_with_the_largest_timestamp(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=600)
    assert log.max_timestamp_entry() is None
    for ts in (5, 90, 7, 90, 3, 1):
        append(log, batch(3, size=50, timestamp=NOW_MS + ts, step_ms=-1))
    entry = log.max_timestamp_entry()
    assert entry is not None
    assert (entry.offset, entry.timestamp) == (3, NOW_MS + 90)
    assert log.largest_timestamp == NOW_MS + 90


async def test_a_flush_covers_what_was_appended_before_it(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=5000)
    fill(log, [1000] * 12)
    assert log.recovery_point == 0
    assert await log.flush() == 12
    assert log.recovery_point == 12
    fill(log, [1000] * 3)
    log.truncate_to(11)
    # The cut itself is not durable: recovery must look at the whole segment.
    assert log.recovery_point == log.segment_base_offsets[-1] < 11
    append(log, batch())
    assert await log.flush() == 12


async def test_concurrent_flushes_share_and_a_cut_between_is_not_hidden(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0")
    fill(log, [100] * 5)
    first = log.flush()
    second = log.flush()
    assert await first == 5
    assert await second == 5


def test_thousands_of_logs_need_few_descriptors(tmp_path: Path) -> None:
    disk = LocalDisk(open_files_max=16)
    before = sum(1 for _ in Path("/dev/fd").iterdir())
    logs = [open_log(tmp_path / f"t-{n}", disk=disk) for n in range(200)]
    for log in logs:
        append(log, batch())
    for log in logs:
        assert headers(stored(log))[0].base_offset == 0
    assert sum(1 for _ in Path("/dev/fd").iterdir()) <= before + 16
    for log in logs:
        log.close()


def test_jitter_makes_segments_roll_early_and_apart(tmp_path: Path) -> None:
    rolled = set()
    for n in range(20):
        log = open_log(
            tmp_path / f"t-{n}", random=Random(n), segment_ms=1000, segment_jitter_ms=900
        )
        at = 0
        while len(log.segment_base_offsets) == 1:
            append(log, batch(timestamp=NOW_MS + at))
            at += 10
        rolled.add(at)
        assert 100 <= at <= 1030
    assert len(rolled) > 10


def test_indexes_of_old_segments_come_and_go(tmp_path: Path) -> None:
    log = open_log(tmp_path / "t-0", segment_bytes=3000, index_interval_bytes=300)
    fill(log, [200] * 200)
    log.close()
    again = open_log(tmp_path / "t-0", clean=True, segment_bytes=3000)
    assert len(again.segment_base_offsets) > 10
    for offset in [*range(200), *range(199, -1, -1)]:
        read = again.read(offset, 0, max_offset=200, min_one_batch=True)
        assert headers(taken(read))[0].base_offset == offset
