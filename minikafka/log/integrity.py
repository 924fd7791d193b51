"""What an earlier process left is looked at before it is served.

A batch's CRC covers its records, not its base offset and leader epoch, which leaders stamp; and no
index has a checksum. But all of these repeat each other: batches follow each other in offset and
epoch, an index entry names a batch, an aborted transaction follows from the batches of its
producer. Where they contradict each other the log room reports it, makes the index anew, or
refuses the read with CORRUPT_MESSAGE. What this process has written itself is not looked at.
"""

import logging
from collections.abc import Sequence

from minikafka.log.batches import NoBatchError, batch_holding, walk_headers
from minikafka.log.errors import CorruptLogError
from minikafka.log.indexes import TimeEntry
from minikafka.log.leader_epochs import LeaderEpochs
from minikafka.log.markers import read_marker
from minikafka.log.producer_snapshots import ProducerSnapshots
from minikafka.log.producer_state import ProducerStates
from minikafka.log.segment import (
    LOG_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    Segment,
    floor_index,
    has_time,
)
from minikafka.log.transaction_index import AbortedTransaction
from minikafka.records.batch import CONTROL_BIT

_LOG = logging.getLogger("minikafka.log")

_FOR_EVER_MS = 2**62


def check_inherited(
    segment: Segment, position: int, end: int, end_offset: int, epochs: LeaderEpochs
) -> None:
    """Walk the headers of the batches in [position, end) if nobody has done so.

    They must be batches, in order, of their epochs and below `end_offset`. Raises CorruptLogError.
    """
    end = min(end, segment.inherited_bytes)
    if segment.checked_from <= position and end <= segment.checked_to:
        return
    resumes = segment.checked_from <= position <= segment.checked_to
    start = segment.checked_to if resumes else position
    next_offset = segment.checked_next if resumes and start else segment.base_offset
    stop = segment.size
    try:
        for at, header in walk_headers(segment.file, start, segment.size):
            # The batch behind the last one is looked at, too: it may be the last one that is wrong.
            if header.base_offset < next_offset:
                raise NoBatchError(at, f"offset {header.base_offset} after {next_offset - 1}")
            if at >= end:
                stop = at
                break
            if header.next_offset > end_offset:
                raise NoBatchError(at, f"a batch of offset {header.base_offset}, out of order")
            epoch = epochs.at(header.base_offset)
            if 0 <= epoch != header.partition_leader_epoch:
                raise NoBatchError(
                    at, f"epoch {header.partition_leader_epoch} at an offset of epoch {epoch}"
                )
            next_offset = header.next_offset
    except NoBatchError as fault:
        path = segment.path(LOG_SUFFIX)
        if not segment.is_reported:
            segment.is_reported = True
            _LOG.error("%s: corrupt at byte %d: %s", path, fault.position, fault.reason)
        raise CorruptLogError(path, fault.position, fault.reason) from fault
    if not resumes:
        segment.checked_from = position
    segment.checked_to, segment.checked_next = stop, next_offset


def offset_bound(segment: Segment, position: int) -> int | None:
    """An offset that no batch below `position` reaches, by an index entry that is true; None if no
    entry lies behind."""
    found = segment.index.first_from_position(position)
    if found is None:
        return None
    last_offset = segment.base_offset + found[0]
    if batch_holding(segment.file, last_offset, found[1], last_offset) is None:
        segment.rebuild_indexes(f"no batch ends at {last_offset} where it says")
        found = segment.index.first_from_position(position)
    return None if found is None else segment.base_offset + found[0]


def require_true_time(segment: Segment, timestamp: int, relative_offset: int) -> bool:
    """Whether a batch holds the offset of a time index entry and has its timestamp.

    If not, both indexes are made anew.
    """
    entry = TimeEntry(timestamp, segment.base_offset + relative_offset)
    if has_time(segment, entry):
        return True
    segment.rebuild_indexes(f"no batch of time {timestamp} at offset {entry.offset}")
    return False


def true_aborted(
    segments: Sequence[Segment], segment: Segment, snapshots: ProducerSnapshots
) -> list[AbortedTransaction]:
    """A segment's aborted transactions as its file has them, or as they follow from the batches.

    The file may know more: of transactions whose records compaction has removed.
    """
    known = segment.aborted_transactions()
    if segment.inherited_bytes and segment.has_transaction_index and not segment.aborted_checked:
        segment.aborted_checked = True
        derived = _derive_aborted(segments, segment, snapshots)
        missing = sorted(set(derived).difference(known))
        if missing:
            path = segment.path(TRANSACTION_INDEX_SUFFIX)
            _LOG.error("%s: made anew, the batches tell of %s", path, missing)
            segment.replace_aborted(derived)
            return derived
    return known


def _derive_aborted(
    segments: Sequence[Segment], segment: Segment, snapshots: ProducerSnapshots
) -> list[AbortedTransaction]:
    states = ProducerStates(_FOR_EVER_MS)
    start = snapshots.load(states, segment.base_offset, wall_ms=0)
    found: list[AbortedTransaction] = []
    for one in segments[max(0, floor_index(segments, start or 0)) : segments.index(segment) + 1]:
        for position, header in one.headers():
            if header.producer_id < 0 or header.last_offset < (start or 0):
                continue
            is_control = header.attributes & CONTROL_BIT
            batch = one.file.pread(header.size_bytes, position) if is_control else b""
            completed = states.update(header, header.base_offset, read_marker(header, batch))
            if completed is not None and completed.aborted and one is segment:
                found.append(states.aborted_entry(completed))
    return found
