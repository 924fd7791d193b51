"""One segment: a `.log` file and what finds things in it.

The active segment, the last one, keeps its indexes in memory and is the only one that is written.
A sealed segment is its files: its indexes are loaded when somebody looks and may be dropped again.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

from minikafka.log.batches import NoBatchError, batch_holding, find_batch, walk_headers
from minikafka.log.errors import CorruptLogError
from minikafka.log.indexes import OffsetIndex, TimeEntry, TimeIndex
from minikafka.log.transaction_index import AbortedTransaction, decode_aborted, encode_aborted
from minikafka.records.batch import NO_TIMESTAMP, BatchHeader
from minikafka.runtime.disk import DataFile, Disk

_LOG = logging.getLogger("minikafka.log")

LOG_SUFFIX = ".log"
INDEX_SUFFIX = ".index"
TIME_INDEX_SUFFIX = ".timeindex"
TRANSACTION_INDEX_SUFFIX = ".txnindex"
DELETED_SUFFIX = ".deleted"
SUFFIXES = (LOG_SUFFIX, INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX)

MAX_RELATIVE_OFFSET = 2**31 - 1
ROLL_UNKNOWN = -(2**63) - 1
"""Below any timestamp: the first append after a restart makes the owner work `roll_at` out."""

DEFAULT_INDEX_INTERVAL_BYTES = 4096


class Segment:
    """State of one segment.

    `largest` is the largest timestamp and the last offset of the batch that brought it, (-1, base)
    without any, and `first_timestamp` that of the first batch, from which `segment.ms` counts; both
    hold after `prepare()`. Beyond `roll_at` (ms) or `last_offset_limit` the next batch needs a new
    segment; the owner sets `roll_at` and `index_entries_max` from the topic's settings.
    """

    __slots__ = (
        "_aborted",
        "_disk",
        "_file",
        "_index",
        "_stem",
        "_time_index",
        "aborted_behind",
        "aborted_checked",
        "base_offset",
        "bytes_since_index_entry",
        "checked_from",
        "checked_next",
        "checked_to",
        "created_ms",
        "first_timestamp",
        "has_transaction_index",
        "index_entries_max",
        "indexes_written",
        "inherited_bytes",
        "is_reported",
        "largest",
        "last_offset_limit",
        "prepared",
        "reserved",
        "roll_at",
        "size",
    )

    def __init__(
        self, disk: Disk, directory: str, base_offset: int, size: int, created_ms: int
    ) -> None:
        self._disk = disk
        self._stem = f"{directory}/{base_offset:020d}"
        self._file: DataFile | None = None
        self._index: OffsetIndex | None = None
        self._time_index: TimeIndex | None = None
        self._aborted: list[AbortedTransaction] | None = None
        self.base_offset = base_offset
        self.size = size
        self.created_ms = created_ms
        self.bytes_since_index_entry = 0
        self.largest = TimeEntry(NO_TIMESTAMP, base_offset)
        self.first_timestamp = NO_TIMESTAMP
        self.prepared = size == 0
        self.reserved = False
        # The first so many bytes are an earlier process's work; between `checked_from` and
        # `checked_to` their headers have been looked at, up to `checked_next` (see `integrity`).
        self.inherited_bytes = size
        self.checked_from = self.checked_to = 0
        self.checked_next = base_offset
        self.is_reported = False
        self.aborted_checked = False
        self.has_transaction_index = False
        # Whether the transaction index lacks what `aborted_transactions` tells.
        self.aborted_behind = False
        self.indexes_written = False
        self.roll_at = ROLL_UNKNOWN
        self.last_offset_limit = base_offset + MAX_RELATIVE_OFFSET
        self.index_entries_max = MAX_RELATIVE_OFFSET

    @classmethod
    def create(
        cls, disk: Disk, directory: str, base_offset: int, wall_ms: int, reserved_bytes: int = 0
    ) -> "Segment":
        """A new, empty segment; its `.log` is made now, its indexes at the roll or the close.

        `reserved_bytes` (`preallocate`) are its size on disk until then.
        """
        segment = cls(disk, directory, base_offset, 0, wall_ms)
        segment._file = disk.open(segment.path(LOG_SUFFIX))
        segment._file.truncate(0)
        if reserved_bytes:
            segment._file.reserve(reserved_bytes)
            segment.reserved = True
        return segment

    def path(self, suffix: str) -> str:
        """The path of one of the segment's files."""
        return self._stem + suffix

    @property
    def file(self) -> DataFile:
        """The open `.log`."""
        file = self._file
        if file is None:
            file = self._file = self._disk.open(self._stem + LOG_SUFFIX, create=False)
        return file

    # -- indexes ----------------------------------------------------------------------------------

    @property
    def index(self) -> OffsetIndex:
        """The offset index, loaded from its file or made anew if need be."""
        if self._index is None:
            try:
                data = self._disk.read_bytes(self.path(INDEX_SUFFIX)) if self.size else b""
            except FileNotFoundError:
                return self.rebuild_indexes("it is missing")[0]
            self._index = OffsetIndex.decode(data)
        return self._index

    @property
    def time_index(self) -> TimeIndex:
        """The time index, loaded from its file or made anew if need be."""
        if self._time_index is None:
            try:
                data = self._disk.read_bytes(self.path(TIME_INDEX_SUFFIX)) if self.size else b""
            except FileNotFoundError:
                return self.rebuild_indexes("the time index is missing")[1]
            self._time_index = TimeIndex.decode(data)
        return self._time_index

    def prepare(self) -> None:
        """Know `largest` and `first_timestamp`, from the time index and the first batch."""
        if not self.prepared:
            self.prepared = True
            timestamp, relative_offset = self.time_index.last()
            self.largest = TimeEntry(timestamp, self.base_offset + relative_offset)
            if timestamp >= 0 and not has_time(self, self.largest):
                self.rebuild_indexes(f"no batch of time {timestamp} at {self.largest.offset}")
                return
            for position, header in self.headers():
                if position == 0:
                    self.first_timestamp = header.max_timestamp
                if timestamp >= 0:
                    break
                # A time index without entries: Kafka then goes by the file's age, we look.
                if header.max_timestamp > self.largest.timestamp and is_expressible(self, header):
                    self.largest = TimeEntry(header.max_timestamp, header.last_offset)

    def reset_indexes(self, first_timestamp: int = NO_TIMESTAMP) -> None:
        """Start both indexes and the timestamps anew, for a segment that is empty or re-read."""
        self._index = OffsetIndex()
        self._time_index = TimeIndex()
        self._aborted = []
        self.largest = TimeEntry(NO_TIMESTAMP, self.base_offset)
        self.first_timestamp = first_timestamp
        self.prepared = True
        self.bytes_since_index_entry = 0
        self.indexes_written = False

    def rebuild_indexes(self, reason: str) -> tuple[OffsetIndex, TimeIndex]:
        """Make both indexes anew from the batch headers; they are written at the next close."""
        _LOG.error("%s: rebuilding the index: %s", self.path(INDEX_SUFFIX), reason)
        size, aborted = self.size, self._aborted
        self.reset_indexes()
        self._aborted = aborted
        self.size = 0
        try:
            for position, header in self.headers(end=size):
                self.size = position
                if is_expressible(self, header):
                    self.note(
                        header.last_offset,
                        header.max_timestamp,
                        header.size_bytes,
                        DEFAULT_INDEX_INTERVAL_BYTES,
                    )
        finally:
            self.size = size
        assert self._index is not None
        assert self._time_index is not None
        return self._index, self._time_index

    def forget_indexes(self) -> None:
        """Give back the memory of a sealed segment's indexes."""
        if self.indexes_written:
            self._index = None
            self._time_index = None

    def write_indexes(self) -> list[str]:
        """Leave the files as they must be for a closed segment; returns what was written."""
        if self.reserved:
            self.file.trim()
            self.reserved = False
        index, time_index = self.index, self.time_index
        self.prepare()
        if self.aborted_behind:
            self.replace_aborted(self.aborted_transactions())
        timestamp, offset = self.largest
        time_index.add(timestamp, offset - self.base_offset)
        written = [self.path(INDEX_SUFFIX), self.path(TIME_INDEX_SUFFIX)]
        self._disk.replace(written[0], index.encode())
        self._disk.replace(written[1], time_index.encode())
        self.indexes_written = True
        return written

    # -- writing ----------------------------------------------------------------------------------

    def note(self, last_offset: int, max_timestamp: int, size: int, interval: int) -> None:
        """Bookkeeping for a batch of `size` bytes written at the end.

        Order as in Kafka: the largest timestamp first, then an index entry for this batch if more
        than `interval` bytes have gone by since the last one.
        """
        if not self.size:
            self.first_timestamp = max_timestamp
            if self._index is None or self._time_index is None:
                self.reset_indexes(max_timestamp)  # not before: thousands of logs stay empty
        if max_timestamp > self.largest[0]:
            self.largest = TimeEntry(max_timestamp, last_offset)
        if self.bytes_since_index_entry > interval:
            self.index.add(last_offset - self.base_offset, self.size)
            timestamp, offset = self.largest
            self.time_index.add(timestamp, offset - self.base_offset)
            self.bytes_since_index_entry = 0
            if len(self.index) >= self.index_entries_max:
                self.last_offset_limit = last_offset
        self.indexes_written = False
        self.bytes_since_index_entry += size
        self.size += size

    def add_aborted(self, transaction: AbortedTransaction) -> None:
        """Write a transaction index entry at once, after the marker it speaks of.

        OSError leaves it known here and the file behind, for `replace_aborted` to make whole.
        """
        known = self.aborted_transactions()
        known.append(transaction)
        if self.aborted_behind:
            self.replace_aborted(known)
            return
        self.aborted_behind = True
        file = self._disk.open(self.path(TRANSACTION_INDEX_SUFFIX))
        try:
            file.append((encode_aborted(transaction),))
        finally:
            file.close()
        self.has_transaction_index = True
        self.aborted_behind = False

    def replace_aborted(self, transactions: list[AbortedTransaction]) -> None:
        """Write the transaction index anew; without entries there is no file."""
        path = self.path(TRANSACTION_INDEX_SUFFIX)
        if transactions:
            self._disk.replace(path, b"".join(map(encode_aborted, transactions)))
        elif self.has_transaction_index:
            self._disk.unlink(path)
        self.has_transaction_index = bool(transactions)
        self._aborted = transactions
        self.aborted_behind = False

    def truncate(self, offset: int) -> int:
        """Drop the batches that reach `offset`; returns the new end offset.

        That is `offset`, or the base of a batch that holds it in its middle.
        """
        position, size, base_offset, _ = self.find(offset)
        self.prepare()
        self.index.truncate(offset - self.base_offset)
        self.time_index.truncate(offset - self.base_offset)
        kept = [entry for entry in self.aborted_transactions() if entry.last_offset < offset]
        if len(kept) != len(self.aborted_transactions()):
            self.replace_aborted(kept)
        self.file.truncate(position)
        self.size = position
        self.inherited_bytes = min(self.inherited_bytes, position)
        self.checked_from = self.checked_to = 0
        self.bytes_since_index_entry = 0
        self.roll_at = ROLL_UNKNOWN
        self.last_offset_limit = self.base_offset + MAX_RELATIVE_OFFSET
        self.indexes_written = False
        self._find_largest()
        return min(offset, base_offset) if size else offset

    def _find_largest(self) -> None:
        timestamp, relative_offset = self.time_index.last()
        self.largest = TimeEntry(timestamp, self.base_offset + relative_offset)
        for _, header in self.headers(self.index.lookup(relative_offset)[1]):
            if header.max_timestamp > self.largest.timestamp and is_expressible(self, header):
                self.largest = TimeEntry(header.max_timestamp, header.last_offset)

    # -- reading ----------------------------------------------------------------------------------

    def find(self, offset: int) -> tuple[int, int, int, int]:
        """(position, size, base offset, last offset) of the first batch that reaches `offset`.

        (size of the segment, 0, offset, offset) if none does. An index that does not lead to a
        batch is made anew; CorruptLogError if the log itself is at fault.
        """
        base_offset = self.base_offset
        likely = self.index.batch_reaching(offset - base_offset)
        if likely is not None:  # one small read instead of two
            found = batch_holding(self.file, offset, likely[1], base_offset + likely[0])
            if found is not None:
                return found
        relative, position = self.index.lookup(offset - base_offset)
        expected = base_offset + relative if relative >= 0 else -1
        try:
            return find_batch(self.file, offset, position, self.size, expected)
        except NoBatchError as fault:
            self.rebuild_indexes(str(fault))
        position = self.index.lookup(offset - base_offset)[1]
        try:
            return find_batch(self.file, offset, position, self.size)
        except NoBatchError as fault:
            raise self._corrupt(fault) from fault

    def headers(self, position: int = 0, end: int = -1) -> Iterator[tuple[int, BatchHeader]]:
        """(position, header) of each batch from `position` on; CorruptLogError at a damaged one."""
        try:
            yield from walk_headers(self.file, position, self.size if end < 0 else end)
        except NoBatchError as fault:
            raise self._corrupt(fault) from fault

    def end_offset(self, may_have_gaps: bool = True) -> int:
        """The offset after the last batch, by the index and the headers behind its last entry.

        Raises CorruptLogError if the file does not end with a whole batch, or if offsets are
        missing on the way that may not.
        """
        relative, position = self.index.lookup(MAX_RELATIVE_OFFSET)
        expected = self.base_offset + relative if relative >= 0 else -1
        try:
            return self._end_behind(position, expected, may_have_gaps)
        except NoBatchError as fault:
            if relative < 0 or fault.position > position:
                raise self._corrupt(fault) from fault
            self.rebuild_indexes(str(fault))
        try:
            position = self.index.lookup(MAX_RELATIVE_OFFSET)[1]
            return self._end_behind(position, -1, may_have_gaps)
        except NoBatchError as fault:
            raise self._corrupt(fault) from fault

    def _end_behind(self, position: int, expected_last_offset: int, may_have_gaps: bool) -> int:
        end_offset = self.base_offset
        if expected_last_offset >= 0 and position >= self.size:
            raise NoBatchError(position, f"the file has {self.size} bytes")
        for at, header in walk_headers(self.file, position, self.size):
            is_gap = header.base_offset > end_offset and (at > position or not position)
            if header.base_offset < end_offset or (is_gap and not may_have_gaps):
                raise NoBatchError(at, f"offset {header.base_offset} after {end_offset - 1}")
            end_offset = header.next_offset
            if at == position and 0 <= expected_last_offset != end_offset - 1:
                raise NoBatchError(at, f"a batch ends at {end_offset - 1}, indexed otherwise")
        return end_offset

    def _corrupt(self, fault: NoBatchError) -> CorruptLogError:
        return CorruptLogError(self.path(LOG_SUFFIX), fault.position, fault.reason)

    def aborted_transactions(self) -> list[AbortedTransaction]:
        """The entries of the transaction index, ascending by marker offset.

        Those that an earlier process wrote want to be compared: `integrity.true_aborted`.
        """
        if self._aborted is None:
            path = self.path(TRANSACTION_INDEX_SUFFIX)
            data = self._disk.read_bytes(path) if self.has_transaction_index else b""
            self._aborted = decode_aborted(data)
        return self._aborted

    # -- the end ----------------------------------------------------------------------------------

    def cut(self, position: int) -> None:
        """Cut the `.log` itself; the caller has built the indexes for what remains."""
        self.file.truncate(position)
        self.size = position
        self.inherited_bytes = 0

    def close(self) -> None:
        """Give back the file; it opens again if somebody reads."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def delete(self, *, at_once: bool = False) -> list[str]:
        """Rename the files to `.deleted`, out of every lookup; returns their paths.

        `at_once` removes them instead. Regions being sent stay readable either way.
        """
        self.close()
        renamed = []
        for suffix in SUFFIXES:
            path = self.path(suffix)
            with suppress(FileNotFoundError):
                if at_once:
                    self._disk.unlink(path)
                else:
                    self._disk.rename(path, path + DELETED_SUFFIX)
                    renamed.append(path + DELETED_SUFFIX)
        return renamed


def is_expressible(segment: Segment, header: BatchHeader) -> bool:
    """Whether the segment's indexes can name the batch; a damaged header may say anything."""
    return 0 <= header.last_offset - segment.base_offset <= MAX_RELATIVE_OFFSET


def has_time(segment: Segment, entry: TimeEntry) -> bool:
    """Whether a batch holds the offset of a time index entry and has its timestamp."""
    position, size, base_offset, _ = segment.find(entry.offset)
    if not size or base_offset > entry.offset:
        return False
    _, header = next(segment.headers(position))
    return header.max_timestamp == entry.timestamp


def floor_index(segments: Sequence[Segment], offset: int) -> int:
    """Index of the segment that holds `offset`, -1 below all."""
    at = len(segments) - 1
    while at >= 0 and segments[at].base_offset > offset:
        at -= 1
    return at
