"""The leader epochs of a log that is opened: from their checkpoint if the batches bear it out.

The checkpoint has no checksum, but every batch carries its leader epoch: what an entry says can be
looked up. A checkpoint that is damaged or contradicts the batches is made anew from their headers.
"""

import logging
from collections.abc import Sequence
from itertools import pairwise

from minikafka.log.checkpoints import LEADER_EPOCHS, decode_leader_epochs
from minikafka.log.errors import CorruptLogError
from minikafka.log.leader_epochs import NO_EPOCH, LeaderEpochs
from minikafka.log.segment import Segment, floor_index
from minikafka.records.batch import BatchHeader
from minikafka.runtime.disk import Disk

_LOG = logging.getLogger("minikafka.log")


def read_leader_epochs(disk: Disk, directory: str) -> LeaderEpochs | None:
    """The checkpoint's epochs, none without a file; None if it is damaged."""
    path = f"{directory}/{LEADER_EPOCHS}"
    try:
        return LeaderEpochs(decode_leader_epochs(disk.read_bytes(path)))
    except FileNotFoundError:
        return LeaderEpochs()
    except ValueError as damage:
        _LOG.error("%s: %s", path, damage)
        return None


def borne_out(
    epochs: LeaderEpochs | None,
    directory: str,
    segments: Sequence[Segment],
    log_start_offset: int,
    log_end_offset: int,
) -> LeaderEpochs:
    """`epochs`, or those that the batches tell if they contradict it.

    Batches that cannot be read are passed over: whoever reads them is told.
    """
    if epochs is not None:
        fault = _contradiction(epochs, segments, log_start_offset, log_end_offset)
        if fault is None:
            return epochs
        _LOG.error("%s/%s: %s", directory, LEADER_EPOCHS, fault)
    found = _read_from_batches(
        segments, log_end_offset, NO_EPOCH if epochs is None else epochs.latest
    )
    if epochs is None or found.entries() != epochs.entries():
        _LOG.error("%s/%s: made anew from the batches", directory, LEADER_EPOCHS)
        found.dirty = True
    return found


def _read_from_batches(
    segments: Sequence[Segment], log_end_offset: int, latest: int
) -> LeaderEpochs:
    """The epochs by the headers; a batch's is taken when the next one's is not older.

    The log's last batch has no next one: it may be of the epoch before it, or of `latest`.
    """
    found = LeaderEpochs()
    held: BatchHeader | None = None
    for segment in segments:
        try:
            for _, header in segment.headers():
                if (
                    held is not None
                    and held.partition_leader_epoch <= header.partition_leader_epoch
                ):
                    _take(found, held, log_end_offset)
                held = header
        except CorruptLogError as fault:
            _LOG.error("%s", fault)
    if held is not None and (latest == NO_EPOCH or held.partition_leader_epoch <= latest):
        _take(found, held, log_end_offset)
    return found


def _take(epochs: LeaderEpochs, header: BatchHeader, log_end_offset: int) -> None:
    epoch = header.partition_leader_epoch
    if epoch > epochs.latest and header.base_offset < log_end_offset:
        epochs.assign(epoch, header.base_offset)


def _contradiction(
    epochs: LeaderEpochs, segments: Sequence[Segment], log_start_offset: int, log_end_offset: int
) -> str | None:
    """Why the entries cannot be right, if they cannot."""
    first_offset = max(log_start_offset, segments[0].base_offset)
    entries = [entry for entry in epochs.entries() if entry[1] < log_end_offset]
    held = [entry for entry in entries if entry[1] >= first_offset]
    oldest = _batch_reaching(segments, first_offset)
    if oldest is not None:
        # An empty file says "no entries", and is what a loss of power may leave.
        offset, epoch = max(oldest.base_offset, first_offset), oldest.partition_leader_epoch
        if epochs.at(offset) != epoch:
            return f"offset {offset} is of epoch {epoch}, not {epochs.at(offset)}"
    for epoch, start_offset in held:
        first = _batch_reaching(segments, start_offset)
        if first is None or first.partition_leader_epoch < epoch:
            return f"epoch {epoch} does not begin at {start_offset}"
        # A batch may be missing where compaction has been; one that is there must fit.
        begins_inside = first.base_offset < start_offset and start_offset != first_offset
        if begins_inside or (
            first.base_offset <= start_offset and first.partition_leader_epoch != epoch
        ):
            return f"offset {start_offset} is of epoch {first.partition_leader_epoch}, not {epoch}"
    for (epoch, _), (_, next_offset) in pairwise([*entries, (NO_EPOCH, log_end_offset)]):
        last = _batch_reaching(segments, next_offset - 1) if next_offset > first_offset else None
        if last is None or last.base_offset >= next_offset:
            continue
        if last.partition_leader_epoch != epoch:
            found = last.partition_leader_epoch
            return f"offset {next_offset - 1} is of epoch {found}, not {epoch}"
    return None


def _batch_reaching(segments: Sequence[Segment], offset: int) -> BatchHeader | None:
    """The header of the first batch that ends at `offset` or beyond."""
    for segment in segments[max(0, floor_index(segments, offset)) :]:
        try:
            position, size, _, _ = segment.find(offset) if segment.size else (0, 0, 0, 0)
            if size:
                return next(segment.headers(position))[1]
        except CorruptLogError as fault:
            _LOG.error("%s", fault)
            return None
    return None
