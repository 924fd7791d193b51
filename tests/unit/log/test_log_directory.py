"""A log directory: whose it is, how it was left, what is in it."""

from pathlib import Path
from uuid import UUID

import pytest
from unit.log.making import EXPIRATION_MS, NOW_MS, append, batch, settings

from minikafka.log.checkpoints import MetaProperties, decode_offsets
from minikafka.log.directory import LogDirectory
from minikafka.log.errors import LogDirectoryError
from minikafka.log.partition_log import PartitionLog
from minikafka.runtime.local_disk import LocalDisk

CLUSTER = "Nj5GKOPgT4q9kBth5aocGg"
TOPIC_ID = UUID(int=0x1234567890ABCDEF1234567890ABCDEF)
UNIQUE = UUID(int=0xABCDEF)


def formatted(path: Path) -> str:
    LogDirectory.write_meta(LocalDisk(), str(path), MetaProperties(1, CLUSTER, UUID(int=7 << 80)))
    return str(path)


def opened(path: Path, node_id: int = 1, cluster_id: str | None = CLUSTER) -> LogDirectory:
    return LogDirectory.open(LocalDisk(), str(path), node_id=node_id, cluster_id=cluster_id)


def create(directory: LogDirectory, topic: str, partition: int = 0) -> PartitionLog:
    return directory.create_log(
        topic,
        partition,
        TOPIC_ID,
        settings=settings(),
        wall_ms=NOW_MS,
        producer_expiration_ms=EXPIRATION_MS,
    )


def reopen(directory: LogDirectory, topic: str, partition: int = 0) -> PartitionLog:
    return directory.open_log(
        topic,
        partition,
        settings=settings(),
        wall_ms=NOW_MS,
        producer_expiration_ms=EXPIRATION_MS,
    )


def test_formatting_makes_the_directory_and_its_properties(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    assert LogDirectory.read_meta(LocalDisk(), str(path)) is None
    formatted(path)
    meta = LogDirectory.read_meta(LocalDisk(), str(path))
    assert meta is not None
    assert (meta.node_id, meta.cluster_id) == (1, CLUSTER)
    assert [name.name for name in path.iterdir()] == ["meta.properties"]


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    formatted(tmp_path)
    with pytest.raises(LogDirectoryError, match="belongs to node 1"):
        opened(tmp_path, node_id=2)
    with pytest.raises(LogDirectoryError, match="belongs to cluster"):
        opened(tmp_path, cluster_id="another")
    (tmp_path / "meta.properties").write_text("version=0\nbroker.id=1\n")
    with pytest.raises(LogDirectoryError, match="version 0"):
        opened(tmp_path)
    (tmp_path / "meta.properties").unlink()
    with pytest.raises(LogDirectoryError, match="not formatted"):
        opened(tmp_path)


async def test_the_lock_is_held_until_the_close(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    with pytest.raises(LogDirectoryError, match="lock"):
        opened(tmp_path)
    await directory.close(clean=False)
    await opened(tmp_path).close(clean=False)


async def test_a_clean_stop_leaves_checkpoints_and_the_marker_last(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    assert not directory.was_clean
    log = create(directory, "seg")
    create(directory, "with-dash", 12)
    for _ in range(3):
        append(log, batch(10))
    log.advance_log_start(12)
    await directory.close(clean=True, broker_epoch=117, high_watermarks={("seg", 0): 30})
    assert (tmp_path / ".kafka_cleanshutdown").read_text() == '{"version":0,"brokerEpoch":117}'
    points = decode_offsets((tmp_path / "recovery-point-offset-checkpoint").read_bytes())
    assert points == {("seg", 0): 30, ("with-dash", 12): 0}
    starts = (tmp_path / "log-start-offset-checkpoint").read_text()
    assert starts == "0\n1\nseg 0 12\n"
    assert (tmp_path / "replication-offset-checkpoint").read_text() == "0\n1\nseg 0 30\n"

    again = opened(tmp_path)
    assert (again.was_clean, again.previous_broker_epoch) == (True, 117)
    assert not (tmp_path / ".kafka_cleanshutdown").exists()
    assert again.high_watermarks == {("seg", 0): 30}
    found = again.scan(NOW_MS)
    assert [(f.topic, f.partition, f.topic_id) for f in found] == [
        ("seg", 0, TOPIC_ID),
        ("with-dash", 12, TOPIC_ID),
    ]
    log = reopen(again, "seg")
    assert (log.log_start_offset, log.log_end_offset, log.recovery_point) == (12, 30, 30)
    append(log, batch(10))
    await again.close(clean=False)

    third = opened(tmp_path)
    assert not third.was_clean
    log = reopen(third, "seg")
    assert (log.log_start_offset, log.log_end_offset, log.recovery_point) == (12, 40, 30)
    await third.close(clean=False)


async def test_checkpoints_written_while_running_serve_the_next_recovery(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    log = create(directory, "t")
    append(log, batch(10))
    await log.flush()
    append(log, batch(10))
    await directory.write_recovery_points()
    await directory.write_high_watermarks({("t", 0): 15})
    await directory.close(clean=False)
    again = opened(tmp_path)
    log = reopen(again, "t")
    assert (log.recovery_point, log.log_end_offset) == (10, 20)
    assert again.high_watermarks == {("t", 0): 15}
    await again.close(clean=False)


async def test_deletion_renames_first_and_removes_after_the_delay(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    log = create(directory, "t")
    append(log, batch(10))
    region = log.read(0, 1000, max_offset=10, min_one_batch=True).region
    assert region is not None
    directory.schedule_delete("t", 0, UNIQUE, wall_ms=NOW_MS, delay_ms=1000)
    renamed = tmp_path / f"t-0.{UNIQUE.hex}-delete"
    assert renamed.is_dir()
    assert directory.logs == {}
    create(directory, "t")
    await directory.purge(NOW_MS + 999)
    assert renamed.is_dir()
    await directory.purge(NOW_MS + 1000)
    assert not renamed.exists()
    assert len(region.read(0, region.size)) == region.size
    region.release()
    await directory.close(clean=False)


async def test_deletions_that_a_stop_interrupted_go_on(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    create(directory, "t" * 249, 3)
    directory.schedule_delete("t" * 249, 3, UNIQUE, wall_ms=NOW_MS, delay_ms=10**9)
    (renamed,) = [name for name in LocalDisk().listdir(str(tmp_path)) if "-delete" in name]
    assert len(renamed) == 255
    await directory.close(clean=True)
    again = opened(tmp_path)
    assert again.scan(NOW_MS) == []
    await again.purge(NOW_MS)
    assert renamed not in LocalDisk().listdir(str(tmp_path))
    await again.close(clean=False)


async def test_strays_are_set_aside_and_stay(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    create(directory, "t")
    path = directory.set_aside("t", 0, UNIQUE)
    assert path == f"{tmp_path}/t-0.{UNIQUE.hex}-stray"
    assert directory.scan(NOW_MS) == []
    await directory.purge(NOW_MS + 10**12)
    assert LocalDisk().stat(path).is_directory
    await directory.close(clean=False)


async def test_folders_that_kafka_refuses_are_refused_by_name(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    (tmp_path / "a-file").write_text("ignored")
    (tmp_path / "__cluster_metadata-0").mkdir()
    (tmp_path / "t-0").mkdir()
    (found,) = directory.scan(NOW_MS)
    assert (found.topic, found.topic_id) == ("t", None)
    (tmp_path / "hello").mkdir()
    with pytest.raises(LogDirectoryError, match="hello"):
        directory.scan(NOW_MS)
    await directory.close(clean=False)


@pytest.mark.parametrize(
    "name",
    [
        "recovery-point-offset-checkpoint",
        "log-start-offset-checkpoint",
        "replication-offset-checkpoint",
    ],
)
async def test_a_damaged_checkpoint_is_reported_and_done_without(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    formatted(tmp_path)
    (tmp_path / name).write_text("0\n5\nt 0 1\n")
    directory = opened(tmp_path)
    assert name in caplog.text
    assert directory.high_watermarks == {}
    await directory.close(clean=False)
    caplog.clear()
    (tmp_path / name).write_text("")
    await opened(tmp_path).close(clean=False)
    assert not caplog.records


async def test_an_existing_log_is_not_created_over(tmp_path: Path) -> None:
    formatted(tmp_path)
    directory = opened(tmp_path)
    create(directory, "t")
    with pytest.raises(FileExistsError):
        create(directory, "t")
    await directory.close(clean=False)
