"""Opening logs: after a clean stop, after a kill, and what somebody else did to the files."""

import logging
import shutil
import struct
import zlib
from pathlib import Path

import pytest
from unit.log.making import NOW_MS, append, batch, headers, marker, open_log, stored

from minikafka.log.errors import CorruptLogError
from minikafka.log.partition_log import PartitionLog
from minikafka.log.producer_state import DuplicateBatch
from minikafka.records.batch import read_header

SMALL = {"segment_bytes": 4000, "index_interval_bytes": 500}


def fill(log: PartitionLog, batches: int = 30) -> None:
    for n in range(batches):
        made = batch(5, size=60, timestamp=NOW_MS + 10 * n, producer=(7, 0, 5 * n))
        append(log, made, epoch=n // 10)


def state(log: PartitionLog) -> dict[str, object]:
    producers = {
        key: (entry.epoch, entry.last_sequence, entry.last_offset, entry.transaction_first_offset)
        for key, entry in log.producers.entries.items()
    }
    return {
        "start": log.log_start_offset,
        "end": log.log_end_offset,
        "bytes": stored(log),
        "segments": log.segment_base_offsets,
        "epochs": log.leader_epochs.entries(),
        "producers": producers,
        "largest": log.largest_timestamp,
        "latest": log.max_timestamp_entry(),
        "stable": log.last_stable_offset(log.log_end_offset),
        "aborted": log.aborted_transactions(0, log.log_end_offset),
    }


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "t-0"


def test_a_clean_stop_leaves_what_kafka_wants_and_reopens_the_same(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    log.close()
    names = set(files(directory))
    for base in log.segment_base_offsets:
        assert {f"{base:020d}.log", f"{base:020d}.index", f"{base:020d}.timeindex"} <= names
    assert "00000000000000000150.snapshot" in names
    again = open_log(directory, clean=True, **SMALL)
    assert state(again) == before
    written = files(directory)
    assert again.close() == []
    assert files(directory) == written


def test_after_a_clean_stop_appends_go_on_as_if_nothing_had_happened(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log, 7)
    log.close()
    log = open_log(directory, clean=True, **SMALL)
    made = batch(5, producer=(7, 0, 30))
    assert log.producers.check(read_header(made)) == DuplicateBatch(30, NOW_MS + 64)
    made = batch(5, producer=(7, 0, 35), timestamp=NOW_MS + 1000)
    assert log.producers.check(read_header(made)) is None
    assert append(log, made, epoch=0) == 35
    assert log.largest_timestamp == NOW_MS + 1004
    log.close()
    again = open_log(directory, clean=True, **SMALL)
    assert again.log_end_offset == 40
    assert again.max_timestamp_entry() is not None
    assert len(headers(stored(again))) == 8


def test_a_killed_process_loses_nothing_it_had_written(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    log.close(clean=False)
    again = open_log(directory, **SMALL)
    assert state(again) == before
    assert again.recovery_point == 0
    again.close()
    kept = files(directory)
    shutil.rmtree(directory)
    log = open_log(directory, **SMALL)
    fill(log)
    log.close()
    assert files(directory) == kept


@pytest.mark.parametrize("recovery_point", [0, 60, 149, 150, 10**6])
def test_recovery_begins_at_the_segment_of_the_recovery_point(
    directory: Path, recovery_point: int
) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    bases = log.segment_base_offsets
    log.close(clean=False)
    first = directory / f"{0:020d}.log"
    data = bytearray(first.read_bytes())
    data[-1] ^= 1  # a damage that only a re-reading finds
    first.write_bytes(data)
    again = open_log(directory, recovery_point=recovery_point, **SMALL)
    if recovery_point == 0:
        assert again.log_end_offset == bases[1] - 5
        assert again.segment_base_offsets == [0]
    else:
        assert again.log_end_offset == before["end"]
        assert again.recovery_point == min(recovery_point, 150)
        assert state(again)["producers"] == before["producers"]


def test_a_torn_batch_is_cut_with_one_line(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    log.close(clean=False)
    last = directory / f"{log.segment_base_offsets[-1]:020d}.log"
    whole = last.stat().st_size
    last_batch = headers(last.read_bytes())[-1].size_bytes
    with last.open("r+b") as file:
        file.truncate(whole - 7)
    with caplog.at_level(logging.WARNING):
        again = open_log(directory, **SMALL)
    assert again.log_end_offset == 145
    assert last.stat().st_size == whole - last_batch
    (line,) = [record.getMessage() for record in caplog.records]
    assert str(last) in line
    assert "offset 145" in line
    assert f"{last_batch - 7} bytes" in line
    assert again.producers.entries[7].last_sequence == 144
    made = batch(5, producer=(7, 0, 145))
    assert again.producers.check(read_header(made)) is None
    assert append(again, made, epoch=2) == 145


@pytest.mark.parametrize(
    "tail",
    [bytes(4096), b"\xff" * 61, b"x" * 11, b"\x00" * 11, bytes(8) + b"\x7f\xff\xff\xff" * 20],
)
def test_garbage_behind_the_last_batch_is_cut(directory: Path, tail: bytes) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    log.close(clean=False)
    last = directory / f"{log.segment_base_offsets[-1]:020d}.log"
    with last.open("ab") as file:
        file.write(tail)
    assert state(open_log(directory, **SMALL)) == before


def test_a_damaged_batch_takes_later_segments_with_it(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    bases = log.segment_base_offsets
    log.close(clean=False)
    second = directory / f"{bases[1]:020d}.log"
    data = bytearray(second.read_bytes())
    data[headers(bytes(data))[0].size_bytes + 80] ^= 1
    second.write_bytes(data)
    again = open_log(directory, **SMALL)
    assert again.log_end_offset == bases[1] + 5
    assert again.segment_base_offsets == bases[:2]
    left = {path.name for path in directory.iterdir() if path.suffix in (".log", ".snapshot")}
    assert left == {
        f"{0:020d}.log",
        f"{bases[1]:020d}.log",
        f"{bases[1]:020d}.snapshot",
    }
    assert again.leader_epochs.latest == (bases[1] // 50)


def test_a_torn_tail_under_a_clean_marker_is_repaired_too(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    log.close()
    last = directory / f"{log.segment_base_offsets[-1]:020d}.log"
    with last.open("r+b") as file:
        file.truncate(last.stat().st_size - 1)
    again = open_log(directory, clean=True, **SMALL)
    assert again.log_end_offset == 145
    assert again.producers.entries[7].last_sequence == 144
    assert "cut at offset 145" in caplog.text


def test_missing_snapshots_do_not_mean_no_producers(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    append(log, batch(1, producer=(8, 0, 0), transactional=True), epoch=3)
    before = state(log)
    log.close()
    for path in directory.glob("*.snapshot"):
        path.unlink()
    again = open_log(directory, clean=True, **SMALL)
    assert state(again) == before
    assert len(again.producers.entries[7].batches) == 5


def test_a_damaged_snapshot_is_removed_and_the_one_before_taken(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    log.close()
    newest = directory / f"{150:020d}.snapshot"
    newest.write_bytes(newest.read_bytes()[:-1] + b"x")
    again = open_log(directory, clean=True, **SMALL)
    assert state(again) == before
    assert len(again.producers.entries[7].batches) > 1
    assert "damaged producer snapshot" in caplog.text
    assert not newest.exists()


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_a_missing_index_is_made_anew(directory: Path, suffix: str) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    log.close()
    written = files(directory)
    for path in directory.glob(f"*{suffix}"):
        path.unlink()
    again = open_log(directory, clean=True, **SMALL)
    assert state(again) == before
    again.close()
    assert set(files(directory)) == set(written)


def test_a_lying_index_is_noticed_and_made_anew(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    before = state(log)
    log.close()
    for path in directory.glob("*.index"):
        data = bytearray(path.read_bytes())
        for at in range(7, len(data), 8):
            data[at] ^= 5
        path.write_bytes(data)
    assert state(open_log(directory, clean=True, **SMALL)) == before
    assert "rebuilding the index" in caplog.text


def test_aborted_transactions_are_found_again_by_re_reading(directory: Path) -> None:
    log = open_log(directory, segment_bytes=300)
    for n in range(4):
        append(log, batch(2, producer=(n, 0, 0), transactional=True))
        append(log, batch(1))
    append(log, marker(0, 0, committed=True))
    append(log, marker(1, 1, committed=False))
    append(log, marker(2, 0, committed=False))
    before = state(log)
    assert len(log.aborted_transactions(0, 100)) == 2
    log.close(clean=False)
    for path in directory.glob("*.txnindex"):
        path.write_bytes(b"rubbish")
    assert state(open_log(directory, segment_bytes=300)) == before


def test_leftovers_of_deletions_and_orphans_are_removed(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log, 3)
    before = state(log)
    log.close()
    for name in (
        "00000000000000000000.log.deleted",
        "00000000000000000000.log.cleaned",
        "00000000000000000099.index",
        "00000000000000000099.timeindex",
        "leader-epoch-checkpoint.tmp",
    ):
        (directory / name).write_bytes(b"x")
    (directory / "00000000000000000046-0000000001.checkpoint").write_bytes(b"a snapshot of raft's")
    (directory / "quorum-state").write_bytes(b"{}")
    assert state(open_log(directory, clean=True, **SMALL)) == before
    assert {path.name for path in directory.iterdir()} == {
        "00000000000000000000.log",
        "00000000000000000000.index",
        "00000000000000000000.timeindex",
        "00000000000000000015.snapshot",
        "00000000000000000046-0000000001.checkpoint",
        "leader-epoch-checkpoint",
        "quorum-state",
    }


def test_an_interrupted_swap_is_finished(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    bases = log.segment_base_offsets
    log.close(clean=False)
    merged = b"".join((directory / f"{base:020d}.log").read_bytes() for base in bases[:2])
    (directory / f"{0:020d}.log.swap").write_bytes(merged)
    (directory / f"{0:020d}.index.swap").write_bytes(b"")
    again = open_log(directory, segment_bytes=10_000)
    assert again.segment_base_offsets == [0, *bases[2:]]
    assert again.log_end_offset == 150
    assert [h.base_offset for h in headers(stored(again))] == list(range(0, 150, 5))


def test_a_last_batch_that_alone_speaks_of_its_epoch_is_kept_and_told_of(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(directory)
    append(log, batch(5), epoch=1)
    before = (directory / "leader-epoch-checkpoint").read_bytes()
    append(log, batch(5), epoch=2)
    log.close(clean=False)
    (directory / "leader-epoch-checkpoint").write_bytes(before)
    again = open_log(directory)
    assert again.log_end_offset == 10
    assert again.leader_epochs.entries() == [(1, 0), (2, 5)]
    assert "only the last batch, at offset 5, speaks of leader epoch 2" in caplog.text


@pytest.mark.parametrize(
    "content",
    ["0\n1\n0 zero\n", "0\n2\n0 0\n", "0\n3\n0 0\n1 51\n2 100\n", "0\n3\n0 0\n1 50\n6 100\n"],
)
@pytest.mark.parametrize("clean", [True, False])
def test_epochs_that_the_batches_do_not_bear_out_are_made_anew(
    directory: Path, content: str, clean: bool, caplog: pytest.LogCaptureFixture
) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    epochs = log.leader_epochs.entries()
    assert epochs == [(0, 0), (1, 50), (2, 100)]
    log.close()
    checkpoint = directory / "leader-epoch-checkpoint"
    right = checkpoint.read_text()
    checkpoint.write_text(content)
    again = open_log(directory, clean=clean, recovery_point=149, **SMALL)
    assert "leader-epoch-checkpoint" in caplog.text
    assert again.leader_epochs.entries() == epochs
    again.close()
    assert checkpoint.read_text() == right


def test_the_checkpointed_log_start_is_kept(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log)
    log.close()
    again = open_log(directory, clean=True, log_start_offset=62, **SMALL)
    assert again.log_start_offset == 62
    again.close()
    beyond = open_log(directory, clean=True, log_start_offset=1000, **SMALL)
    assert (beyond.log_start_offset, beyond.log_end_offset) == (1000, 1000)


def test_expired_producers_stay_behind(directory: Path) -> None:
    log = open_log(directory, **SMALL)
    fill(log, 3)
    log.close()
    later = open_log(directory, clean=True, wall_ms=NOW_MS + 86_400_000 * 2, **SMALL)
    assert len(later.producers) == 0


def test_an_empty_log_closes_with_its_index_files(directory: Path) -> None:
    open_log(directory).close()
    assert files(directory) == {
        "00000000000000000000.index": b"",
        "00000000000000000000.log": b"",
        "00000000000000000000.timeindex": b"",
    }
    again = open_log(directory, clean=True)
    assert again.log_end_offset == 0
    assert append(again, batch(3)) == 0


def test_a_header_torn_behind_its_length_is_no_message_of_an_old_format(directory: Path) -> None:
    """A sector that never got there leaves zeros, and a magic of 0, behind a good length."""
    log = open_log(directory)
    fill(log, 3)
    path = next(directory.glob("*.log"))
    whole = path.read_bytes()
    last = len(whole) - read_header(whole).size_bytes
    path.write_bytes(whole[: last + 12] + bytes(len(whole) - last - 12))
    again = open_log(directory)
    assert (again.log_end_offset, stored(again)) == (10, whole[:last])


@pytest.mark.parametrize("version", [0, 1])
def test_old_message_formats_are_refused_and_not_cut(directory: Path, version: int) -> None:
    body = (
        bytes([version, 0]) + bytes(8) + struct.pack(">i", -1) + struct.pack(">i", 200) + bytes(200)
    )
    message = struct.pack(">qiI", 0, len(body) + 4, zlib.crc32(body)) + body
    directory.mkdir()
    path = directory / f"{0:020d}.log"
    path.write_bytes(message)
    with pytest.raises(CorruptLogError, match=f"message format v{version}"):
        open_log(directory)
    assert path.read_bytes() == message
