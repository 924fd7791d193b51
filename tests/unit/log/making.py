"""Batches and logs for the tests of the log room."""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from struct import pack
from typing import Any

from minikafka.log.partition_log import PartitionLog
from minikafka.records.batch import BatchHeader, read_header
from minikafka.records.builder import build_batch
from minikafka.runtime.local_disk import LocalDisk
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.topic import TopicSettings

NOW_MS = 1_760_000_000_000
EXPIRATION_MS = 86_400_000


def settings(**overrides: Any) -> TopicSettings:
    """Topic settings with attributes set as given: small segments that no topic may configure."""
    broker = BrokerSettings.parse({"node.id": "1", "process.roles": "broker,controller"} | BROKER)
    resolved = TopicSettings.resolve({}, broker)
    for name, value in overrides.items():
        setattr(resolved, name, value)
    return resolved


BROKER: Mapping[str, str] = {
    "controller.quorum.voters": "1@127.0.0.1:9093",
    "controller.listener.names": "CONTROLLER",
    "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
}


def batch(
    count: int = 1,
    *,
    size: int = 10,
    timestamp: int = NOW_MS,
    step_ms: int = 1,
    base_offset: int = 0,
    leader_epoch: int = -1,
    producer: tuple[int, int, int] = (-1, -1, -1),
    transactional: bool = False,
) -> memoryview:
    """`count` records of `size` bytes, `step_ms` apart; `producer` is (id, epoch, sequence)."""
    records = [(timestamp + step_ms * n, b"k%d" % n, bytes(size), ()) for n in range(count)]
    producer_id, producer_epoch, base_sequence = producer
    made = build_batch(
        records,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        transactional=transactional,
    )
    return memoryview(bytearray(made))


def marker(
    producer_id: int,
    epoch: int,
    *,
    committed: bool,
    timestamp: int = NOW_MS,
    coordinator_epoch: int = 0,
) -> memoryview:
    """The control batch that ends a transaction."""
    key, value = pack(">hh", 0, int(committed)), pack(">hi", 0, coordinator_epoch)
    made = build_batch(
        [(timestamp, key, value, ())],
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=-1,
        transactional=True,
        control=True,
    )
    return memoryview(bytearray(made))


def open_log(
    directory: Path,
    *,
    clean: bool = False,
    disk: LocalDisk | None = None,
    recovery_point: int = 0,
    log_start_offset: int = 0,
    wall_ms: int = NOW_MS,
    random: Random | None = None,
    **overrides: Any,
) -> PartitionLog:
    """The log in `directory`, made if need be."""
    return PartitionLog.open(
        disk or LocalDisk(),
        str(directory),
        topic="t",
        partition=0,
        settings=settings(**overrides),
        wall_ms=wall_ms,
        clean=clean,
        producer_expiration_ms=EXPIRATION_MS,
        recovery_point=recovery_point,
        log_start_offset=log_start_offset,
        random=random,
    )


def append(log: PartitionLog, made: memoryview, epoch: int = 0, wall_ms: int = NOW_MS) -> int:
    """Append as a leader does after validation."""
    return log.append(made, read_header(made), epoch, wall_ms)


def stored(log: PartitionLog, offset: int | None = None) -> bytes:
    """All bytes from `offset` on, read as a consumer would."""
    parts = []
    at = log.log_start_offset if offset is None else offset
    while True:
        read = log.read(at, 1 << 30, max_offset=log.log_end_offset, min_one_batch=True)
        if read.region is None:
            return b"".join(parts)
        part = read.region.read(0, read.size)
        read.region.release()
        parts.append(part)
        at = headers(part)[-1].next_offset


def headers(data: bytes) -> list[BatchHeader]:
    """The headers of whole batches."""
    found, position = [], 0
    while position < len(data):
        found.append(read_header(data, position))
        position += found[-1].size_bytes
    return found
