"""Opening a log: what a clean stop left is believed, what a crash left is checked and repaired.

After a clean stop only the producer snapshot, the last index entry and the batch headers behind it
are read. Otherwise every batch from the segment of the recovery point on is read and its CRC
checked; the log is cut at the first that is torn or damaged, later segments go, and indexes,
producer state and leader epochs are made anew from what remains. What lies below the recovery point
has been flushed and is believed.

Stricter than Kafka in two places where Kafka loses data without a word: a tail that a clean stop
cannot have left is repaired like a crash's, and a missing producer snapshot means that the log is
read from its start, not that there were no producers.
"""

import logging
from collections.abc import Sequence

from minikafka.log.batches import NoBatchError, scan_batches
from minikafka.log.errors import CorruptLogError
from minikafka.log.leader_epoch_recovery import borne_out, read_leader_epochs
from minikafka.log.leader_epochs import NO_EPOCH, LeaderEpochs
from minikafka.log.markers import read_marker
from minikafka.log.producer_snapshots import SUFFIX as SNAPSHOT_SUFFIX
from minikafka.log.producer_snapshots import ProducerSnapshots
from minikafka.log.producer_state import ProducerStates
from minikafka.log.segment import (
    DELETED_SUFFIX,
    INDEX_SUFFIX,
    LOG_SUFFIX,
    MAX_RELATIVE_OFFSET,
    TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX,
    Segment,
    floor_index,
)
from minikafka.records.batch import CONTROL_BIT, BatchHeader
from minikafka.runtime.disk import Disk, FileStatus

_LOG = logging.getLogger("minikafka.log")

_CLEANED_SUFFIX = ".cleaned"
_SWAP_SUFFIX = ".swap"
_OFFSET_DIGITS = 20
_NO_BOUND = 2**63


class Loaded:
    """What opening a log found: see `load`."""

    __slots__ = ("leader_epochs", "log_end_offset", "producers", "segments", "snapshots")

    def __init__(
        self,
        segments: list[Segment],
        leader_epochs: LeaderEpochs,
        producers: ProducerStates,
        snapshots: ProducerSnapshots,
        log_end_offset: int,
    ) -> None:
        self.segments = segments
        self.leader_epochs = leader_epochs
        self.producers = producers
        self.snapshots = snapshots
        self.log_end_offset = log_end_offset


def load(
    disk: Disk,
    directory: str,
    *,
    clean: bool,
    recovery_point: int,
    log_start_offset: int,
    index_interval_bytes: int,
    producer_expiration_ms: int,
    wall_ms: int,
    may_have_gaps: bool,
    reserved_bytes: int = 0,
) -> Loaded:
    """Open the files of one log, repairing what needs it.

    `may_have_gaps` is true of compacted logs: whole offsets may be missing there. Raises
    CorruptLogError for what must not be cut away: an old message format, or a sealed segment that
    cannot be read.
    """
    names = {status.name: status for status in disk.scan(directory)}
    _remove_leftovers(disk, directory, names)
    segments = _attach_segments(disk, directory, names)
    epochs = read_leader_epochs(disk, directory)
    loaded = Loaded(
        segments,
        epochs or LeaderEpochs(),
        ProducerStates(producer_expiration_ms),
        ProducerSnapshots(disk, directory, _offsets_of(names, SNAPSHOT_SUFFIX)),
        log_start_offset,
    )
    if not segments:
        segments.append(Segment.create(disk, directory, log_start_offset, wall_ms, reserved_bytes))
        loaded.snapshots.delete_above(-1)
        loaded.leader_epochs.clear()
        return loaded
    if clean and not _is_whole(segments, loaded, may_have_gaps):
        clean, recovery_point = False, segments[-1].base_offset
    if not clean:
        first = max(0, floor_index(segments, recovery_point))
        _recover(
            disk,
            directory,
            loaded,
            first,
            log_start_offset=log_start_offset,
            index_interval_bytes=index_interval_bytes,
            may_have_gaps=may_have_gaps,
            wall_ms=wall_ms,
        )
    loaded.snapshots.delete_above(loaded.log_end_offset)
    if clean:
        loaded.snapshots.keep_only(segment.base_offset for segment in segments)
        rebuild_producers(
            segments,
            loaded.producers,
            loaded.snapshots,
            log_start_offset=log_start_offset,
            end_offset=loaded.log_end_offset,
            wall_ms=wall_ms,
        )
    loaded.leader_epochs = borne_out(
        epochs and loaded.leader_epochs,
        directory,
        segments,
        log_start_offset,
        loaded.log_end_offset,
    )
    loaded.leader_epochs.truncate_from_end(loaded.log_end_offset)
    return loaded


def rebuild_producers(
    segments: Sequence[Segment],
    producers: ProducerStates,
    snapshots: ProducerSnapshots,
    *,
    log_start_offset: int,
    end_offset: int,
    wall_ms: int,
) -> None:
    """Producer state as it was before `end_offset`: newest snapshot, then the headers behind it.

    What cannot be read is passed over with an error line: whoever reads it is told as well.
    """
    found = snapshots.load(producers, end_offset, wall_ms)
    start = log_start_offset if found is None else max(found, log_start_offset)
    for segment in segments[max(0, floor_index(segments, start)) :]:
        if start >= end_offset or segment.base_offset >= end_offset:
            break
        if segment.size:
            try:
                _replay(segment, producers, start, end_offset)
            except CorruptLogError as fault:
                _LOG.error("producer state passes over a part of the log: %s", fault)


def _replay(segment: Segment, producers: ProducerStates, start: int, end_offset: int) -> None:
    for position, header in segment.headers(segment.find(start)[0]):
        if header.base_offset >= end_offset:
            return
        if header.producer_id >= 0 and header.last_offset >= start:
            is_control = header.attributes & CONTROL_BIT
            batch = segment.file.pread(header.size_bytes, position) if is_control else b""
            producers.update(header, header.base_offset, read_marker(header, batch))


# -- what is there --------------------------------------------------------------------------------


def _remove_leftovers(disk: Disk, directory: str, names: dict[str, FileStatus]) -> None:
    """Delete what an interrupted deletion or compaction left; finish an interrupted swap.

    A `.swap` file is a compacted segment that was complete: it takes the place of the segments it
    was made from. Its indexes are made anew.
    """
    for name in list(names):
        if name.endswith((DELETED_SUFFIX, _CLEANED_SUFFIX, ".tmp")) or (
            name.endswith(_SWAP_SUFFIX) and not name.endswith(LOG_SUFFIX + _SWAP_SUFFIX)
        ):
            disk.unlink(f"{directory}/{names.pop(name).name}")
    for name in [name for name in names if name.endswith(LOG_SUFFIX + _SWAP_SUFFIX)]:
        _finish_swap(disk, directory, names, names.pop(name))
    logs = set(_offsets_of(names, LOG_SUFFIX))
    for suffix in (INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX):
        for base in _offsets_of(names, suffix):
            if base not in logs:
                _LOG.warning("%s/%020d%s: deleted, it has no .log", directory, base, suffix)
                disk.unlink(f"{directory}/{base:020d}{suffix}")
                del names[f"{base:020d}{suffix}"]


def _finish_swap(
    disk: Disk, directory: str, names: dict[str, FileStatus], swap: FileStatus
) -> None:
    base = int(swap.name[:_OFFSET_DIGITS])
    path = f"{directory}/{swap.name}"
    end = base + 1
    file = disk.open(path, create=False)
    try:
        for _, header, _ in scan_batches(file, path, swap.size):
            end = header.next_offset
    except NoBatchError as fault:
        raise CorruptLogError(path, fault.position, fault.reason) from fault
    finally:
        file.close()
    for name in list(names):
        replaced = name[:_OFFSET_DIGITS].isdigit() and base <= int(name[:_OFFSET_DIGITS]) < end
        if replaced and name.endswith((LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX)):
            disk.unlink(f"{directory}/{name}")
            del names[name]
    final = f"{base:020d}{LOG_SUFFIX}"
    disk.rename(path, f"{directory}/{final}")
    names[final] = FileStatus(final, swap.size, swap.modified_ms, is_directory=False)


def _attach_segments(disk: Disk, directory: str, names: dict[str, FileStatus]) -> list[Segment]:
    segments = []
    for base in sorted(_offsets_of(names, LOG_SUFFIX)):
        stem = f"{base:020d}"
        status = names[stem + LOG_SUFFIX]
        segment = Segment(disk, directory, base, status.size, status.modified_ms)
        segment.has_transaction_index = stem + TRANSACTION_INDEX_SUFFIX in names
        segment.indexes_written = stem + INDEX_SUFFIX in names and stem + TIME_INDEX_SUFFIX in names
        segments.append(segment)
    return segments


def _offsets_of(names: dict[str, FileStatus], suffix: str) -> list[int]:
    length = _OFFSET_DIGITS + len(suffix)
    return [
        int(name[:_OFFSET_DIGITS])
        for name in names
        if len(name) == length and name.endswith(suffix) and name[:_OFFSET_DIGITS].isdigit()
    ]


# -- checking and repairing -----------------------------------------------------------------------


def _is_whole(segments: list[Segment], loaded: Loaded, may_have_gaps: bool) -> bool:
    """Whether the log ends with a whole batch; sets the log end offset."""
    try:
        loaded.log_end_offset = segments[-1].end_offset(may_have_gaps)
    except CorruptLogError as fault:
        _LOG.error("%s: not what a clean stop leaves, recovering the segment", fault)
        return False
    return True


def _recover(
    disk: Disk,
    directory: str,
    loaded: Loaded,
    first: int,
    *,
    log_start_offset: int,
    index_interval_bytes: int,
    may_have_gaps: bool,
    wall_ms: int,
) -> None:
    """Re-read the segments from `first` on; cut the log at the first fault."""
    segments, snapshots = loaded.segments, loaded.snapshots
    base = segments[first].base_offset
    # Snapshots beyond the first segment to be read may speak of what is about to be cut.
    snapshots.delete_above(base)
    end = base
    known_epoch = loaded.leader_epochs.latest
    loaded.leader_epochs.truncate_from_end(base)
    rebuild_producers(
        segments,
        loaded.producers,
        snapshots,
        log_start_offset=log_start_offset,
        end_offset=base,
        wall_ms=wall_ms,
    )
    scan = _Scan(loaded, index_interval_bytes, may_have_gaps, known_epoch)
    for at in range(first, len(segments)):
        segment = segments[at]
        if at > first:
            if segment.base_offset != end and not may_have_gaps:
                reason = f"the log ends at {end}, and nothing leads to {segment.base_offset}"
                _drop_from(disk, directory, segments, at, reason)
                break
            snapshots.write(segment.base_offset, loaded.producers)
        size = segment.size
        next_base, following = _NO_BOUND, None
        if at + 1 < len(segments):
            next_base, following = segments[at + 1].base_offset, _first_batch(segments[at + 1])
        end, fault = scan.read(segment, max(end, segment.base_offset), next_base, following)
        if fault is not None:
            _drop_from(disk, directory, segments, at + 1, "the log was cut before it")
            _LOG.warning(
                "%s: cut at offset %d, %d bytes dropped from byte %d on: %s",
                segment.path(LOG_SUFFIX),
                end,
                size - segment.size,
                segment.size,
                fault,
            )
            segment.cut(segment.size)
            break
    loaded.log_end_offset = end


def _first_batch(segment: Segment) -> BatchHeader | None:
    """The header that the segment begins with, if it is one of its own and its CRC fits."""
    try:
        for _, header, _ in scan_batches(segment.file, segment.path(LOG_SUFFIX), segment.size):
            return header if header.base_offset >= segment.base_offset else None
    except NoBatchError:
        return None  # it is cut when its turn comes
    return None


def _drop_from(disk: Disk, directory: str, segments: list[Segment], at: int, reason: str) -> None:
    """Remove the segments from `at` on, the last one first: a crash must not leave a hole.

    They are gone for good before the segment in front of them is cut or written on.
    """
    dropped = segments[at:]
    for segment in reversed(dropped):
        _LOG.warning("%s: deleted, %s", segment.path(LOG_SUFFIX), reason)
        segment.delete(at_once=True)
    del segments[at:]
    if dropped:
        disk.fsync_dir_now(directory)


class _Scan:
    """Reads segments batch by batch and makes anew what is derived from them.

    Base offset and leader epoch lie outside of the CRC: what contradicts the rest is damage. So is
    what an earlier leader wrote and a cut had removed: it comes back where power is lost before the
    cut has reached the disk. A batch is taken in only when the next one bears it out, for of two
    that contradict each other the first may be the wrong one.
    """

    __slots__ = (
        "_end_offset",
        "_epoch",
        "_index_interval_bytes",
        "_known_epoch",
        "_loaded",
        "_may_have_gaps",
    )

    def __init__(
        self, loaded: Loaded, index_interval_bytes: int, may_have_gaps: bool, known_epoch: int
    ) -> None:
        self._loaded = loaded
        # The newest in the checkpoint, if there is one.
        self._known_epoch = known_epoch
        self._index_interval_bytes = index_interval_bytes
        self._may_have_gaps = may_have_gaps
        self._end_offset = 0
        self._epoch = NO_EPOCH

    def read(
        self, segment: Segment, end_offset: int, next_base: int, following: BatchHeader | None
    ) -> tuple[int, str | None]:
        """(end offset, fault or None); `segment.size` is then that of its good batches.

        `next_base` is where the segment must have ended, `following` the batch that lies there.
        """
        size = segment.size
        segment.inherited_bytes = 0  # what is read here is checked
        segment.reset_indexes()
        segment.replace_aborted([])
        segment.size = 0
        self._end_offset = end_offset
        held: tuple[BatchHeader, memoryview] | None = None
        fault = None
        try:
            for position, header, batch in scan_batches(
                segment.file, segment.path(LOG_SUFFIX), size
            ):
                if held is not None:
                    if not self._bears_out(held[0], header):
                        held = None
                        raise NoBatchError(position, "two batches that contradict each other")
                    self._take(segment, *held)
                    held = None
                self._require_in_order(segment, position, header, next_base)
                held = header, batch
        except NoBatchError as found:
            fault = found.reason
        if held is not None:
            if fault is None and following is not None and not self._bears_out(held[0], following):
                return self._end_offset, "the next segment contradicts the last batch"
            if following is None:
                self._doubt_epoch(segment, held[0])
            self._take(segment, *held)
        return self._end_offset, fault

    def _doubt_epoch(self, segment: Segment, last: BatchHeader) -> None:
        """Nothing bears out the last batch's leader epoch but the checkpoint, which may have been
        lost with the power: the batch stays, as in Apache Kafka, but it is told of."""
        epoch = last.partition_leader_epoch
        if 0 <= self._known_epoch < epoch and self._epoch < epoch:
            _LOG.warning(
                "%s: only the last batch, at offset %d, speaks of leader epoch %d",
                segment.path(LOG_SUFFIX),
                last.base_offset,
                epoch,
            )

    def _bears_out(self, header: BatchHeader, following: BatchHeader) -> bool:
        """False if the batch leapt in offset or epoch and the one behind it knows nothing of it."""
        leapt = header.base_offset > self._end_offset
        rose = header.partition_leader_epoch > self._epoch
        return not (
            (leapt and following.base_offset < header.next_offset)
            or (rose and following.partition_leader_epoch < header.partition_leader_epoch)
        )

    def _require_in_order(
        self, segment: Segment, position: int, header: BatchHeader, next_base: int
    ) -> None:
        expected = self._end_offset
        offset = header.base_offset
        distance = header.last_offset - segment.base_offset
        if (
            offset < expected
            or (offset > expected and not self._may_have_gaps)
            or distance > MAX_RELATIVE_OFFSET
            or header.next_offset > next_base
        ):
            raise NoBatchError(position, f"offset {offset} where {expected} is the next")
        epoch = header.partition_leader_epoch
        if epoch < self._epoch:
            raise NoBatchError(position, f"leader epoch {epoch} after {self._epoch}")

    def _take(self, segment: Segment, header: BatchHeader, batch: memoryview) -> None:
        self._end_offset = header.next_offset
        self._epoch = header.partition_leader_epoch
        epochs, producers = self._loaded.leader_epochs, self._loaded.producers
        if self._epoch > epochs.latest:
            epochs.assign(self._epoch, header.base_offset)
        completed = producers.update(header, header.base_offset, read_marker(header, batch))
        segment.note(
            header.last_offset, header.max_timestamp, len(batch), self._index_interval_bytes
        )
        if completed is not None and completed.aborted:
            segment.add_aborted(producers.aborted_entry(completed))
