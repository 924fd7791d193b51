"""Compaction for tests: keyed batches, passes, and what a log holds afterwards."""

from collections.abc import Iterable

from unit.log.making import NOW_MS, append, marker, stored

from minikafka.log.cleaning import dirty_span
from minikafka.log.compaction import compact
from minikafka.log.compaction_keys import ENTRY_BYTES, OffsetMap
from minikafka.log.partition_log import PartitionLog
from minikafka.records.batch import read_header, walk
from minikafka.records.builder import build_batch
from minikafka.records.record import decode_records
from minikafka.runtime.disk import Disk

Row = tuple[int, bytes | None, bytes | None]
"""(offset, key, value)"""


class Unhurried:
    """A pace that never makes the pass wait; `steps` counts what could have been pauses."""

    def __init__(self) -> None:
        self.steps = 0
        self.moved_bytes = 0

    def is_over(self, moved_bytes: int) -> bool:
        self.steps += 1
        self.moved_bytes += moved_bytes
        return False

    async def rest(self) -> None:
        raise AssertionError("never asked for")


def put(
    log: PartitionLog,
    *pairs: tuple[str, str | None],
    producer: tuple[int, int, int] = (-1, -1, -1),
    transactional: bool = False,
    codec: int = 0,
    timestamp: int = NOW_MS,
    append_time: int | None = None,
    roll: bool = True,
) -> int:
    """Append one batch of (key, value) pairs; then a new segment, unless `roll` is False."""
    producer_id, producer_epoch, base_sequence = producer
    made = build_batch(
        [
            (timestamp + n, key.encode(), None if value is None else value.encode(), ())
            for n, (key, value) in enumerate(pairs)
        ],
        codec=codec,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
        transactional=transactional,
        append_time=append_time,
    )
    offset = append(log, memoryview(bytearray(made)))
    if roll:
        log.roll(NOW_MS)
    return offset


def end_transaction(log: PartitionLog, producer_id: int, epoch: int, *, committed: bool) -> int:
    """Append a marker, in a segment of its own."""
    offset = append(log, marker(producer_id, epoch, committed=committed))
    log.roll(NOW_MS)
    return offset


async def clean(
    disk: Disk,
    log: PartitionLog,
    first_dirty: int = 0,
    *,
    wall_ms: int = NOW_MS,
    high_watermark: int | None = None,
    keys_max: int = 1000,
    pace: Unhurried | None = None,
) -> int:
    """One pass from `first_dirty`; returns the new first dirty offset."""
    mark = log.log_end_offset if high_watermark is None else high_watermark
    span = dirty_span(log, first_dirty, high_watermark=mark, wall_ms=wall_ms)
    offsets = OffsetMap(keys_max * ENTRY_BYTES)
    pace = pace or Unhurried()
    return await compact(disk, log, span, offsets, wall_ms=wall_ms, pace=pace, is_open=lambda: True)


def rows(log: PartitionLog) -> list[Row]:
    """Every data record that a reader gets, transactions aside."""
    return [(record.offset, record.key, record.value) for record in records(stored(log))]


def texts(log: PartitionLog) -> list[str]:
    """The same, as `offset key=value`."""
    return [
        f"{offset} {(key or b'').decode()}={'-' if value is None else value.decode()}"
        for offset, key, value in rows(log)
    ]


def records(data: bytes) -> Iterable[object]:
    for position, header in walk(data):
        if not header.is_control:
            yield from decode_records(data[position : position + header.size_bytes])


def shape(log: PartitionLog) -> list[tuple[int, int, int]]:
    """(base offset, last offset, number of records) of each batch."""
    data = stored(log)
    found, position = [], 0
    while position < len(data):
        header = read_header(data, position)
        found.append((header.base_offset, header.last_offset, header.record_count))
        position += header.size_bytes
    return found
