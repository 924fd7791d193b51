"""Bugs planted into the log: each takes something away that keeps a promise.

A mutant patches one function of the log room while it is entered. They are bugs that somebody could
write, not breakage: all of them pass a test without a crash or a damaged file.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import minikafka.log.batches
import minikafka.log.producer_snapshots
import minikafka.log.reading
import minikafka.log.recovery
import minikafka.log.segment
from minikafka.log.batches import find_batch
from minikafka.log.checkpoints import RECOVERY_POINTS
from minikafka.log.directory import LogDirectory
from minikafka.log.leader_epochs import LeaderEpochs
from minikafka.log.partition_log import PartitionLog
from minikafka.log.producer_snapshots import ProducerSnapshots
from minikafka.log.segment import Segment

Mutant = Callable[[], Any]


def _instead(owner: Any, name: str, replacement: Any) -> Mutant:
    return lambda: patch.object(owner, name, replacement)


async def _sync_nothing(log: Any) -> None:
    log._take_unsynced()
    log.recovery_point = log.log_end_offset


def _take_no_names(log: Any) -> list[str]:
    log._unsynced = []
    return []


async def _checkpoint_log_ends(directory: Any) -> None:
    ends = {key: log.log_end_offset for key, log in directory.logs.items()}
    await directory._write_offsets(RECOVERY_POINTS, ends)


@contextmanager
def _index_before_append() -> Iterator[None]:
    """The index entry and the segment's size are noted before the write that may fail."""
    original = PartitionLog.append

    def append(log: Any, batch: memoryview, header: Any, leader_epoch: int, wall_ms: int) -> int:
        segment = log._segments.active
        if segment.bytes_since_index_entry > log._segments.index_interval_bytes:
            last_offset = log.log_end_offset + header.last_offset_delta
            segment.index.add(last_offset - segment.base_offset, segment.size)
            segment.bytes_since_index_entry = 0
        return original(log, batch, header, leader_epoch, wall_ms)

    with patch.object(PartitionLog, "append", append):
        yield


async def _lower_nothing(directory: Any, *_: Any) -> None:
    return None


def _nothing(*_: Any, **__: Any) -> None:
    return None


class _FitsAnything(int):
    """A checksum that is never wrong."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def _believing_find(
    file: Any, offset: int, position: int, end: int, expected_last_offset: int = -1
) -> tuple[int, int, int, int]:
    return find_batch(file, offset, position, end)


CRASHES: dict[str, Mutant] = {
    "fsync left out": _instead(PartitionLog, "_sync", _sync_nothing),
    "names never made durable": _instead(PartitionLog, "_take_unsynced", _take_no_names),
    "no CRC check in recovery": _instead(
        minikafka.log.batches, "has_valid_crc", lambda batch: True
    ),
    "index entry before append": _index_before_append,
    "epoch cache not truncated": _instead(LeaderEpochs, "truncate_from_end", _nothing),
    "producer snapshot kept at a truncation": _instead(ProducerSnapshots, "delete_above", _nothing),
    "recovery point before its fsync": _instead(
        LogDirectory, "write_recovery_points", _checkpoint_log_ends
    ),
    "torn tail not cut": _instead(Segment, "cut", _nothing),
    "segments kept behind a cut": _instead(minikafka.log.recovery, "_drop_from", _nothing),
    "truncation leaves the checkpoint above it": _instead(
        LogDirectory, "_lower_checkpoints", _lower_nothing
    ),
}
"""What the crashes must find."""

FLIPS: dict[str, Mutant] = {
    "snapshot without CRC": _instead(
        minikafka.log.producer_snapshots, "crc32c", lambda data: _FitsAnything(0)
    ),
    "index believed": _instead(minikafka.log.segment, "find_batch", _believing_find),
    "inherited batches not looked at": _instead(minikafka.log.reading, "check_inherited", _nothing),
    "transaction index believed": _instead(
        minikafka.log.reading,
        "true_aborted",
        lambda segments, segment, snapshots: segment.aborted_transactions(),
    ),
}
"""What the flipped bits must find."""
