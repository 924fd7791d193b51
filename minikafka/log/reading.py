"""Reading a log: regions of batches by offset, records by time, epochs, aborted transactions."""

from minikafka.log.batches import PEEK, is_whole_batch
from minikafka.log.integrity import check_inherited, offset_bound, true_aborted
from minikafka.log.leader_epochs import LeaderEpochs
from minikafka.log.lookups import RecordPosition, first_at_or_after, latest
from minikafka.log.producer_snapshots import ProducerSnapshots
from minikafka.log.producer_state import ProducerStates
from minikafka.log.segment import Segment
from minikafka.log.segments import Segments
from minikafka.log.transaction_index import AbortedTransaction
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.runtime.disk import FileRegion
from minikafka.settings.kinds import LONG_MAX


class LogRead:
    """What a read found: `region` is None and `size` 0 when there is nothing (yet).

    `segment_base_offset` and `position` say where the region begins; `upper_bound_offset` asks
    `PartitionLog.upper_bound_offset`. Whoever receives the read releases the region.
    """

    __slots__ = ("position", "region", "segment_base_offset", "size")

    def __init__(
        self, region: FileRegion | None, size: int, segment_base_offset: int, position: int
    ) -> None:
        self.region = region
        self.size = size
        self.segment_base_offset = segment_base_offset
        self.position = position


NOTHING = LogRead(None, 0, -1, -1)

NO_TAIL: tuple[int, int] = (-1, 0)
NO_BOUND: tuple[int, Segment | None, int] = (-1, None, 0)


class ReadableLog:
    """What a log answers without changing.

    `log_start_offset` is the first offset a reader may ask for, `log_end_offset` the next to be
    given out.
    """

    __slots__ = (
        "_bound",
        "_segments",
        "_snapshots",
        "_tail",
        "leader_epochs",
        "log_end_offset",
        "log_start_offset",
        "producers",
    )

    def __init__(
        self,
        segments: Segments,
        leader_epochs: LeaderEpochs,
        producers: ProducerStates,
        snapshots: ProducerSnapshots,
        log_end_offset: int,
    ) -> None:
        self._segments = segments
        self._snapshots = snapshots
        self.leader_epochs = leader_epochs
        self.producers = producers
        self.log_end_offset = log_end_offset
        self.log_start_offset = segments.bases[0]
        # Where the last bound asked for lies: (offset, segment, position).
        self._bound = NO_BOUND
        # The batch that was appended last by a leader: (its first offset, position).
        self._tail = NO_TAIL

    @property
    def size_bytes(self) -> int:
        """All bytes of all segments."""
        return sum(segment.size for segment in self._segments.all)

    @property
    def segment_base_offsets(self) -> list[int]:
        """The first offset of each segment, ascending."""
        return list(self._segments.bases)

    @property
    def largest_timestamp(self) -> int:
        """The largest timestamp of all records, -1 without any."""
        for segment in self._segments.all:
            segment.prepare()
        return max(segment.largest.timestamp for segment in self._segments.all)

    @property
    def latest_epoch(self) -> int:
        """The newest leader epoch, -1 without any."""
        return self.leader_epochs.latest

    def read(
        self,
        offset: int,
        max_bytes: int,
        *,
        max_offset: int,
        min_one_batch: bool,
        min_bytes: int = 0,
    ) -> LogRead:
        """Batches from the one that holds `offset` on, below `max_offset` (exclusive).

        Cut at `max_bytes`, inside a batch if need be; or before that batch, where the index tells
        its start and `min_bytes` remain: what is cut is of no use to anybody. A first batch larger
        than `max_bytes` comes whole with `min_one_batch`, and not at all without. Raises KafkaError
        1 outside of [log start, log end].
        """
        end_offset = self.log_end_offset
        if offset < self.log_start_offset or offset > end_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if offset >= max_offset or offset == end_offset:
            return NOTHING
        segment = self._segments.active
        if offset < segment.base_offset:
            segment = self._segments.at(offset)
        position, first_size, first_offset, _ = segment.find(offset)
        if not first_size:
            following = self._next_with(segment, offset)
            if following is None:
                return NOTHING
            segment = following
            position, first_size, first_offset, _ = segment.find(offset)
        if position < segment.inherited_bytes:
            # Where the offset itself is missing, one that claims another may stand for it.
            start = position if first_offset <= offset else 0
            self._check(segment, start, position + first_size)
        size = self._readable_bytes(segment, max_offset) - position
        if size <= 0 or first_offset >= max_offset:
            return NOTHING
        if size > max_bytes:
            size = max_bytes
            if first_size > max_bytes:
                if not min_one_batch:
                    return NOTHING
                size = first_size
            else:
                size = _cut(segment, position, size, max(first_size, min_bytes))
        if position < segment.inherited_bytes:
            self._check(segment, position, position + size)
        return LogRead(segment.file.region(position, size), size, segment.base_offset, position)

    def read_now(
        self,
        offset: int,
        max_bytes: int,
        *,
        max_offset: int,
        min_bytes: int,
        at_most: int = LONG_MAX,
        region_from: int = LONG_MAX,
    ) -> bytes | FileRegion | None:
        """What `read` would find, as bytes, by one system call; None where it takes more than that
        or is more than `at_most`, and where `read` finds nothing or raises an error.

        From `region_from` bytes on a region instead, of which only the header has been read.

        The header that `find` would look at comes with the rest. Measured by `fetch-64k` of the
        benchmark, where that read, the region and its pins were a fifth of a fetch.
        """
        if offset == self._tail[0] and max_offset >= self.log_end_offset:
            return self._read_tail(min(max_bytes, at_most))
        segment = self._segments.active
        if offset < segment.base_offset:
            segment = self._segments.at(offset)
        if not self.log_start_offset <= offset < max_offset:
            return None
        stretch = segment.index.stretch(offset - segment.base_offset, max_bytes)
        if stretch is None:
            return None
        relative, position, whole = stretch
        end = segment.size
        if max_offset < self.log_end_offset:
            end = self._readable_bytes(segment, max_offset)
        if end > position + max_bytes:
            end = whole if whole - position >= max(min_bytes, 1) else position + max_bytes
        if not position < end <= position + at_most:
            return None
        size = end - position
        file = segment.file
        data = file.pread(size if size < region_from else PEEK.size, position)
        if not is_whole_batch(data, size, offset, segment.base_offset + relative):
            return None
        if position < segment.inherited_bytes:
            self._check(segment, position, end)
        if size >= region_from:
            return file.region(position, size)
        return data if len(data) == size else None

    def _read_tail(self, max_bytes: int) -> bytes | None:
        """The last batch, where whoever follows the log has just come to.

        Small ones have no entry in the index, and finding them costs more than reading them.
        """
        offset, position = self._tail
        segment = self._segments.active
        size = segment.size - position
        if not 0 < size <= max_bytes or offset < self.log_start_offset:
            return None
        data = segment.file.pread(size, position)
        return data if is_whole_batch(data, len(data), offset, self.log_end_offset - 1) else None

    def _next_with(self, segment: Segment, offset: int) -> Segment | None:
        """The next segment that holds something at `offset` or behind.

        Compaction may have taken the last batches of `segment`; if they only claim other offsets,
        CorruptLogError says so.
        """
        following: Segment | None = segment
        while following is not None:
            if following.inherited_bytes:
                self._check(following, 0, following.inherited_bytes)
            following = self._segments.after(following)
            if following is not None and following.find(offset)[1]:
                return following
        return None

    def _check(self, segment: Segment, position: int, end: int) -> None:
        following = self._segments.after(segment)
        end_offset = self.log_end_offset if following is None else following.base_offset
        check_inherited(segment, position, end, end_offset, self.leader_epochs)

    def _readable_bytes(self, segment: Segment, max_offset: int) -> int:
        """How far into the segment batches lie wholly below `max_offset`."""
        if max_offset >= self.log_end_offset:
            return segment.size
        bound_offset, bound_segment, position = self._bound
        if bound_offset == max_offset and bound_segment is segment:
            return position
        following = self._segments.after(segment)
        if following is not None and following.base_offset <= max_offset:
            return segment.size
        position, found_size, _, _ = segment.find(max_offset)
        if found_size:
            # Many readers share one high watermark: remember where it lies.
            self._bound = (max_offset, segment, position)
        return position

    def upper_bound_offset(self, read: LogRead) -> int:
        """An offset that nothing in `read` reaches, as near as the index tells without reading."""
        segment = self._segments.at(read.segment_base_offset)
        bound = offset_bound(segment, read.position + read.size)
        if bound is not None:
            return bound
        following = self._segments.after(segment)
        return self.log_end_offset if following is None else following.base_offset

    def aborted_transactions(self, from_offset: int, to_offset: int) -> list[AbortedTransaction]:
        """Aborted transactions that overlap [from, to), in no order that readers may rely on."""
        found: list[AbortedTransaction] = []
        for segment in self._segments.from_offset(from_offset):
            for entry in true_aborted(self._segments.all, segment, self._snapshots):
                if entry.last_offset >= from_offset and entry.first_offset < to_offset:
                    found.append(entry)
                if entry.last_stable_offset >= to_offset:
                    # What was aborted later began at or after this.
                    return found
        return found

    def last_stable_offset(self, high_watermark: int) -> int:
        """Where read-committed readers stop: below every transaction that is open or undecided."""
        stable = self.producers.last_stable_offset(high_watermark)
        return max(stable, self.log_start_offset)

    def lookup_timestamp(self, timestamp: int, max_offset: int) -> RecordPosition | None:
        """The first record at or after `timestamp` (ms), below `max_offset`."""
        found = first_at_or_after(self._segments.all, timestamp, self.log_start_offset)
        return found if found is not None and found.offset < max_offset else None

    def max_timestamp_entry(self) -> RecordPosition | None:
        """The first record with the largest timestamp of the log; None without timestamps."""
        return latest(self._segments.all)

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(largest known epoch ≤ `epoch`, its end offset), (-1, -1) beyond the newest."""
        return self.leader_epochs.end_offset(epoch, self.log_end_offset)

    def epoch_at(self, offset: int) -> int:
        """The leader epoch that wrote `offset`, -1 if unknown."""
        return self.leader_epochs.at(offset)


def _cut(segment: Segment, position: int, size: int, least: int) -> int:
    """How many of the `size` bytes from `position` are worth sending: without the batch that is cut
    at their end, if `least` remain."""
    whole = segment.index.start_of_cut_batch(position + size) - position
    return whole if whole >= least else size
