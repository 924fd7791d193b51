"""Log directories written by Apache Kafka 4.3: we open them, serve them and know what Kafka knew.

They lie in the folder `../shared` beside the repository; without it these tests are skipped.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from struct import iter_unpack
from typing import Any

import pytest

from minikafka.log.checkpoints import LEADER_EPOCHS, decode_leader_epochs, decode_offsets
from minikafka.log.directory import METADATA_TOPIC, LogDirectory
from minikafka.log.partition_log import PartitionLog
from minikafka.log.producer_snapshots import decode_snapshot, encode_snapshot
from minikafka.records.batch import has_valid_crc, read_header
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings

GOLDEN = Path(__file__).parents[3] / "shared" / "kafka" / "golden-logs"
WALL_MS = 1_795_375_800_000
"""A little after Kafka stopped."""

if not GOLDEN.is_dir():
    pytest.skip("../shared/kafka/golden-logs is absent", allow_module_level=True)

NAMES = sorted(path.name for path in (GOLDEN / "data").iterdir() if path.is_dir())


def golden_batches() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in (GOLDEN / "batches.jsonl").read_text().splitlines():
        batch = json.loads(line)
        if batch["file"].endswith(".log"):
            found.setdefault(batch["file"].split("/")[0], []).append(batch)
    return found


BATCHES = golden_batches()


def files_below(directory: Path) -> list[str]:
    return [str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()]


def dump(name: str, pattern: str) -> list[tuple[int, ...]]:
    """Numbers that `pattern` finds in what Kafka's dump tool wrote."""
    text = (GOLDEN / "dump" / f"{name}.dump.txt").read_text()
    return [tuple(map(int, found)) for found in re.findall(pattern, text)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A writable copy."""
    shutil.copytree(GOLDEN / "data", tmp_path / "data", copy_function=shutil.copyfile)
    for path in tmp_path.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "data"


def open_golden(data: Path, name: str, *, clean: bool = True) -> PartitionLog:
    topic, _, partition = name.rpartition("-")
    starts = decode_offsets((data / "log-start-offset-checkpoint").read_bytes())
    return PartitionLog.open(
        LocalDisk(),
        str(data / name),
        topic=topic,
        partition=int(partition),
        settings=TopicSettings.resolve({}, BrokerSettings.parse(BROKER)),
        wall_ms=WALL_MS,
        clean=clean and topic != METADATA_TOPIC,
        producer_expiration_ms=86_400_000,
        log_start_offset=starts.get((topic, int(partition)), 0),
        was_compacted=topic == "g-compact",
    )


BROKER = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.quorum.voters": "1@127.0.0.1:9093",
    "controller.listener.names": "CONTROLLER",
    "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
}


def served(log: PartitionLog) -> Iterator[tuple[int, int, bytes]]:
    """(segment base, position, bytes) of every batch, fetched one by one."""
    offset = log.log_start_offset
    while True:
        read = log.read(offset, 0, max_offset=log.log_end_offset, min_one_batch=True)
        if read.region is None:
            return
        batch = read.region.read(0, read.size)
        read.region.release()
        yield read.segment_base_offset, read.position, batch
        offset = read_header(batch).next_offset


@pytest.mark.parametrize("clean", [True, False], ids=["clean", "recovered"])
@pytest.mark.parametrize("name", NAMES)
def test_every_batch_is_served_as_kafka_stored_it(data: Path, name: str, clean: bool) -> None:
    log = open_golden(data, name, clean=clean)
    start = log.log_start_offset
    expected = [
        (
            int(batch["file"].split("/")[1][:20]),
            batch["position"],
            batch["sizeInBytes"],
            batch["baseOffset"],
            batch["lastOffset"],
            batch["partitionLeaderEpoch"],
            batch["crc"],
            batch["maxTimestamp"],
            (batch["producerId"], batch["producerEpoch"]),
            (batch["baseSequence"], batch["lastSequence"]),
            batch["isTransactional"],
            batch["isControl"],
            len(batch["records"]),
        )
        for batch in BATCHES.get(name, [])
        if batch["lastOffset"] >= start
    ]
    found = []
    for base, position, batch in served(log):
        header = read_header(batch)
        assert has_valid_crc(batch)
        found.append(
            (
                base,
                position,
                len(batch),
                header.base_offset,
                header.last_offset,
                header.partition_leader_epoch,
                header.crc,
                header.max_timestamp,
                (header.producer_id, header.producer_epoch),
                (header.base_sequence, header.last_sequence),
                header.is_transactional,
                header.is_control,
                header.record_count,
            )
        )
    assert found == expected
    if expected:
        assert log.log_end_offset == expected[-1][4] + 1
        assert log.largest_timestamp == max(batch["maxTimestamp"] for batch in BATCHES[name])


@pytest.mark.parametrize("name", NAMES)
def test_clean_and_recovered_logs_agree_and_leave_the_records_alone(data: Path, name: str) -> None:
    clean = open_golden(data, name)
    epochs = clean.leader_epochs.entries()
    end, start = clean.log_end_offset, clean.log_start_offset
    clean.close()
    before = {path.name: path.read_bytes() for path in (data / name).glob("*.log")}
    (data / name / "leader-epoch-checkpoint").unlink()
    recovered = open_golden(data, name, clean=False)
    assert (recovered.log_start_offset, recovered.log_end_offset) == (start, end)
    if end > start:
        found = recovered.leader_epochs.entries()
        if name == "g-compact-0":  # compaction took the first batches of its epoch
            assert [epoch for epoch, _ in found] == [epoch for epoch, _ in epochs]
        else:
            assert found == epochs
    recovered.close()
    assert {path.name: path.read_bytes() for path in (data / name).glob("*.log")} == before


@pytest.mark.parametrize("name", NAMES)
def test_index_entries_lead_where_kafka_says(data: Path, name: str) -> None:
    ends = {
        (int(batch["file"].split("/")[1][:20]), batch["position"]): batch["lastOffset"]
        for batch in BATCHES.get(name, [])
    }
    log = open_golden(data, name)
    for path in sorted((GOLDEN / "data" / name).glob("*.index")):
        base = int(path.stem)
        for relative, position in iter_unpack(">ii", path.read_bytes()):
            assert ends[base, position] == base + relative
            if base + relative >= log.log_start_offset:
                read = log.read(base + relative, 1 << 20, max_offset=2**62, min_one_batch=True)
                assert (read.segment_base_offset, read.position) == (base, position)
                assert read.region is not None
                read.region.release()


def test_a_dense_index_is_rebuilt_byte_by_byte(data: Path) -> None:
    directory = data / "g-segments-0"
    kept = {path.name: path.read_bytes() for path in directory.iterdir()}
    for path in directory.glob("*.*index"):
        path.unlink()
    log = open_golden(data, "g-segments-0", clean=False)
    log.close()
    # Its topic had index.interval.bytes=1; ours here has 4096 and batches of 600 bytes.
    assert (directory / f"{0:020d}.index").read_bytes() == b""
    shutil.rmtree(directory)
    directory.mkdir()
    settings = TopicSettings.resolve({}, BrokerSettings.parse(BROKER))
    settings.index_interval_bytes = 1
    again = PartitionLog.open(
        LocalDisk(),
        str(directory),
        topic="g-segments",
        partition=0,
        settings=settings,
        wall_ms=WALL_MS,
        clean=True,
        producer_expiration_ms=10**15,
    )
    again.append_replicated(kept[f"{0:020d}.log"], WALL_MS)
    again.roll(WALL_MS)
    again.append_replicated(kept[f"{60:020d}.log"], WALL_MS)
    again.close()
    del kept["partition.metadata"]
    # Kafka led again before it stopped and noted that epoch, which has no batch; we note one that
    # has.
    assert kept[LEADER_EPOCHS] == b"0\n2\n0 0\n2 85\n"
    kept[LEADER_EPOCHS] = b"0\n1\n0 0\n"
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == kept


@pytest.mark.parametrize("name", NAMES)
def test_producer_state_is_what_the_newest_snapshot_says(data: Path, name: str) -> None:
    snapshots = sorted((data / name).glob("*.snapshot"))
    if not snapshots or name.startswith(METADATA_TOPIC):
        pytest.skip("no producers")
    content = snapshots[-1].read_bytes()
    entries = decode_snapshot(content)
    assert encode_snapshot(entries) == content
    log = open_golden(data, name)
    assert int(snapshots[-1].stem) == log.log_end_offset
    pattern = (
        r"producerId: (\d+) producerEpoch: (\d+) coordinatorEpoch: (-?\d+) .*lastTimestamp: (\d+)"
    )
    told = dump(name, pattern)
    expected = {(e.producer_id, e.epoch, e.coordinator_epoch, e.last_timestamp) for e in entries}
    assert expected <= set(told)
    assert {(e.producer_id, e.epoch, e.last_offset) for e in log.producers.entries.values()} <= {
        (e.producer_id, e.epoch, e.last_offset) for e in entries
    }
    # From the batches alone the same follows, where compaction has left them.
    for path in snapshots:
        path.unlink(missing_ok=True)
    replayed = open_golden(data, name).producers.entries
    for entry in entries:
        found = replayed[entry.producer_id]
        assert (found.epoch, found.last_sequence, found.last_offset) == (
            entry.epoch,
            entry.last_sequence,
            entry.last_offset,
        )
        assert found.transaction_first_offset == entry.transaction_first_offset
        assert found.last_timestamp == entry.last_timestamp
        assert found.coordinator_epoch == entry.coordinator_epoch


@pytest.mark.parametrize("clean", [True, False], ids=["clean", "recovered"])
@pytest.mark.parametrize("name", ["g-txn-0", "g-compact-0"])
def test_aborted_transactions_are_those_of_the_dump(data: Path, name: str, clean: bool) -> None:
    pattern = (
        r"version: 0 producerId: (\d+) firstOffset: (\d+) lastOffset: (\d+)"
        r" lastStableOffset: (\d+)"
    )
    told = sorted(set(dump(name, pattern)))
    assert told
    log = open_golden(data, name, clean=clean)
    assert sorted(log.aborted_transactions(0, log.log_end_offset)) == told


def test_an_open_transaction_holds_the_stable_offset(data: Path) -> None:
    for clean in (True, False):
        log = open_golden(data, "g-txn-0", clean=clean)
        assert log.last_stable_offset(log.log_end_offset) == 53
        assert log.log_end_offset == 54


def test_aborted_transactions_overlap_what_is_read(data: Path) -> None:
    log = open_golden(data, "g-txn-0")
    assert log.aborted_transactions(0, 10) == [(11, 1, 15, 0), (10, 17, 32, 18)][:1]
    assert log.aborted_transactions(16, 54) == [(10, 17, 32, 18)]
    assert log.aborted_transactions(33, 54) == []


async def test_the_whole_directory_opens_as_left_and_closes_as_found(data: Path) -> None:
    directory = LogDirectory.open(LocalDisk(), str(data), node_id=1)
    assert directory.was_clean
    assert directory.previous_broker_epoch == 117
    assert directory.meta.cluster_id == "Nj5GKOPgT4q9kBth5aocGg"
    found = directory.scan(WALL_MS)
    assert [f"{f.topic}-{f.partition}" for f in found] == [
        name for name in NAMES if not name.startswith(METADATA_TOPIC)
    ]
    settings = TopicSettings.resolve({}, BrokerSettings.parse(BROKER))
    for one in found:
        assert one.topic_id is not None
        log = directory.open_log(
            one.topic,
            one.partition,
            settings=settings,
            wall_ms=WALL_MS,
            producer_expiration_ms=86_400_000,
        )
        # Every replica leads again; an epoch that has written nothing is noted at the log end.
        checkpoint = (GOLDEN / "data" / f"{one.topic}-{one.partition}" / LEADER_EPOCHS).read_bytes()
        log.assign_leader_epoch(decode_leader_epochs(checkpoint)[-1][0])
    watermarks = directory.high_watermarks
    assert {key: log.log_end_offset for key, log in directory.logs.items()} == watermarks
    await directory.close(clean=True, broker_epoch=117, high_watermarks=watermarks)
    added = set(files_below(data)) - set(files_below(GOLDEN / "data"))
    assert added == {".lock"}
    for name in NAMES:
        for path in sorted((GOLDEN / "data" / name).iterdir()):
            if path.suffix == ".snapshot" and not (data / name / path.name).exists():
                continue  # removed as Kafka does: neither the newest nor at a segment's base
            assert (data / name / path.name).read_bytes() == path.read_bytes(), path
    for name in ("log-start-offset-checkpoint", ".kafka_cleanshutdown"):
        assert (data / name).read_bytes() == (GOLDEN / "data" / name).read_bytes()
    for name in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint"):
        theirs = decode_offsets((GOLDEN / "data" / name).read_bytes())
        assert decode_offsets((data / name).read_bytes()) == theirs
