"""`minikafka dump-log` on files that are damaged: said with path and place, and exit code 1."""

import json
from pathlib import Path

import pytest

from minikafka.cli.main import main
from minikafka.log.indexes import OffsetIndex, TimeIndex
from minikafka.records.builder import build_batch

NAME = "00000000000000000000"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two batches: offsets 0 and 1, then 2."""
    path = tmp_path / f"{NAME}.log"
    first = build_batch([(10, b"a", b"1", ()), (11, b"b", b"2", ())], base_offset=0)
    path.write_bytes(bytes(first) + bytes(build_batch([(12, None, b"3", ())], base_offset=2)))
    return path


def size_of_first(log: Path) -> int:
    return int.from_bytes(log.read_bytes()[8:12], "big") + 12


def test_nothing_wrong(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dump-log", "--print-data-log", str(log)]) == 0
    printed, complaints = capfd.readouterr()
    assert [line.rpartition("headerKeys: []")[2] for line in printed.splitlines()[3:5]] == [
        " key: a payload: 1",
        " key: b payload: 2",
    ]
    assert complaints == ""


def test_batches_only(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dump-log", str(log)]) == 0
    assert "| offset" not in capfd.readouterr().out


def test_json(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dump-log", "--json", "--print-data-log", str(log)]) == 0
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    kinds = ["log", "batch", "record", "record", "batch", "record"]
    assert [each["kind"] for each in found] == kinds
    assert found[2]["key"] == "a"
    assert found[5]["key"] is None
    assert {each["file"] for each in found} == {str(log)}


def test_a_flipped_byte(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(log.read_bytes())
    data[-3] ^= 1
    log.write_bytes(data)
    assert main(["dump-log", "--deep-iteration", str(log)]) == 1
    printed, complaints = capfd.readouterr()
    assert printed.count("isvalid: true") == printed.count("isvalid: false") == 1
    assert f"{log}: damaged\n  offset 2 at byte {size_of_first(log)}: " in complaints


@pytest.mark.parametrize("tail", [b"\0" * 5, b"\0" * 100, b"x" * 61])
def test_a_tail_that_is_no_batch(log: Path, capfd: pytest.CaptureFixture[str], tail: bytes) -> None:
    size = log.stat().st_size
    log.write_bytes(log.read_bytes() + tail)
    assert main(["dump-log", str(log)]) == 1
    printed, complaints = capfd.readouterr()
    assert printed.endswith(f"Found {len(tail)} invalid bytes at the end of {log.name}\n")
    assert f"  byte {size}: " in complaints


def test_reading_a_part_is_no_damage(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dump-log", "--max-bytes", str(size_of_first(log)), str(log)]) == 0
    assert capfd.readouterr().out.count("isvalid") == 1


def test_an_index_that_does_not_fit(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    index = OffsetIndex()
    index.add(7, size_of_first(log))
    path = log.with_suffix(".index")
    path.write_bytes(index.encode())
    assert main(["dump-log", "--verify-index-only", str(path)]) == 1
    assert capfd.readouterr().err == (f"Mismatches in :{path}\n  Index offset: 7, log offset: 2\n")
    path.write_bytes(index.encode() + b"\0")
    assert main(["dump-log", "--index-sanity-check", str(path)]) == 1


def test_a_time_index_that_does_not_fit(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    index = OffsetIndex()
    index.add(2, size_of_first(log))
    log.with_suffix(".index").write_bytes(index.encode())
    times = TimeIndex()
    times.add(99, 2)
    times.add(100, 5)
    path = log.with_suffix(".timeindex")
    path.write_bytes(times.encode())
    assert main(["dump-log", str(path)]) == 1
    printed, complaints = capfd.readouterr()
    assert printed.splitlines()[1:] == ["timestamp: 99 offset: 2", "timestamp: 100 offset: 5"]
    assert "Index timestamp: 99, log timestamp: 12" in complaints
    assert "Indexed offset: 5, found log offset: -1" in complaints


def test_records_that_are_no_metadata(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dump-log", "--cluster-metadata-decoder", str(log)]) == 1
    assert f"{log}: damaged\n  offset 0: " in capfd.readouterr().err


def test_other_files(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    epochs = log.with_name("leader-epoch-checkpoint")
    epochs.write_bytes(b"0\n2\n0 0\n3 2\n")
    snapshot = log.with_suffix(".snapshot")
    snapshot.write_bytes(b"\0\1garbage")
    other = log.with_suffix(".swap")
    other.write_bytes(b"")
    assert main(["dump-log", str(epochs), str(snapshot), str(other)]) == 1
    printed, complaints = capfd.readouterr()
    assert "epoch: 0 startOffset: 0\nepoch: 3 startOffset: 2\n" in printed
    assert f"{snapshot}: damaged" in complaints
    assert f"Ignoring unknown file {other}" in complaints
