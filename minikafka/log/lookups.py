"""Finding by time: the first record that is not older, and the latest record of a log.

The only place in this room that opens batches: a batch header knows the largest timestamp inside,
ListOffsets wants the record.
"""

from collections.abc import Sequence
from typing import NamedTuple

from minikafka.log.errors import CorruptLogError
from minikafka.log.integrity import require_true_time
from minikafka.log.segment import LOG_SUFFIX, Segment
from minikafka.records.batch import BatchHeader, has_valid_crc
from minikafka.records.record import decode_records


class RecordPosition(NamedTuple):
    """A record found by time; `leader_epoch` is that of its batch, -1 if unknown."""

    offset: int
    timestamp: int
    leader_epoch: int


def first_at_or_after(
    segments: Sequence[Segment], timestamp: int, start_offset: int
) -> RecordPosition | None:
    """The first record from `start_offset` on whose timestamp is at least `timestamp` (ms)."""
    for segment in segments:
        segment.prepare()
        if segment.largest.timestamp >= timestamp:
            found = _search(segment, timestamp, start_offset)
            if found is not None:
                return found
    return None


def latest(segments: Sequence[Segment]) -> RecordPosition | None:
    """The first record that has the largest timestamp of the whole log."""
    newest: Segment | None = None
    for segment in segments:
        segment.prepare()
        if newest is None or segment.largest.timestamp > newest.largest.timestamp:
            newest = segment
    if newest is None or newest.largest.timestamp < 0:
        return None
    timestamp, last_offset = newest.largest
    for at, header in newest.headers(newest.find(last_offset)[0]):
        if header.max_timestamp == timestamp:
            return _search_batch(newest, at, header, timestamp, 0)
    return None


def _search(segment: Segment, timestamp: int, start_offset: int) -> RecordPosition | None:
    known, relative = segment.time_index.lookup(timestamp)
    if (known, relative) != (-1, 0) and not require_true_time(segment, known, relative):
        relative = segment.time_index.lookup(timestamp)[1]
    from_offset = segment.base_offset + relative
    relative_start = max(from_offset, start_offset) - segment.base_offset
    _, position = segment.index.lookup(relative_start)
    for at, header in segment.headers(position):
        if header.max_timestamp >= timestamp and header.last_offset >= start_offset:
            found = _search_batch(segment, at, header, timestamp, start_offset)
            if found is not None:
                return found
    return None


def _search_batch(
    segment: Segment, position: int, header: BatchHeader, timestamp: int, start_offset: int
) -> RecordPosition | None:
    batch = segment.file.pread(header.size_bytes, position)
    if not has_valid_crc(batch):
        reason = f"the CRC of the batch at offset {header.base_offset}"
        raise CorruptLogError(segment.path(LOG_SUFFIX), position, reason)
    for record in decode_records(batch):
        if record.timestamp >= timestamp and record.offset >= start_offset:
            return RecordPosition(record.offset, record.timestamp, header.partition_leader_epoch)
    return None
