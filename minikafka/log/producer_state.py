"""What a log knows of its producers: sequences, duplicates, open and aborted transactions.

An idempotent producer numbers its records; the log keeps, for each producer id, its epoch and its
last five batches. A batch that repeats one of them is answered with the old offset, the next one in
sequence is appended, anything else is refused (KIP-98). Transactional batches open a transaction
that a marker, a control batch, ends; the first offset of the oldest open one bounds what
read-committed consumers see: the last stable offset.

The state follows from the log alone. Leader and followers update it with every batch appended, and
a restart rebuilds it from a snapshot and the batch headers behind it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from minikafka.log.transaction_index import AbortedTransaction
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import CONTROL_BIT, TRANSACTIONAL_BIT, BatchHeader

NO_SEQUENCE = -1
NO_OFFSET = -1
NO_COORDINATOR_EPOCH = -1

_WINDOW = 5
"""Batches kept of a producer: as many as clients may have in flight."""

_MAX_SEQUENCE = 2**31 - 1


class DuplicateBatch(NamedTuple):
    """The first copy of a batch that was sent again: where it lies, and its timestamp (ms)."""

    base_offset: int
    timestamp: int


class CachedBatch(NamedTuple):
    """One of a producer's last batches."""

    first_sequence: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_offset(self) -> int:
        """Offset of its first record."""
        return self.last_offset - self.offset_delta


class EndMarker(NamedTuple):
    """The control record that ends a transaction in this partition."""

    committed: bool
    coordinator_epoch: int


class CompletedTransaction(NamedTuple):
    """A transaction that a marker has ended; `last_offset` is the marker's."""

    producer_id: int
    first_offset: int
    last_offset: int
    aborted: bool


class ProducerState:
    """One producer id: `batches` oldest first, -1 where there is nothing yet.

    `last_timestamp` is that of the last batch or marker and decides about expiry.
    `transaction_first_offset` is where its open transaction began.
    """

    __slots__ = (
        "batches",
        "coordinator_epoch",
        "epoch",
        "last_timestamp",
        "producer_id",
        "transaction_first_offset",
    )

    def __init__(self, producer_id: int, epoch: int) -> None:
        self.producer_id = producer_id
        self.epoch = epoch
        self.batches: list[CachedBatch] = []
        self.coordinator_epoch = NO_COORDINATOR_EPOCH
        self.last_timestamp = -1
        self.transaction_first_offset = NO_OFFSET

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record, -1 if this epoch has sent none."""
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    @property
    def last_offset(self) -> int:
        """Offset of the last data record, -1 if this epoch has sent none."""
        return self.batches[-1].last_offset if self.batches else NO_OFFSET

    def enter_epoch(self, epoch: int) -> None:
        """Another epoch starts its sequences anew."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.batches.clear()


class ProducerStates:
    """All producers of one partition, and its transactions. Offsets of updates ascend.

    `entries` maps producer id to state and may be read by describers.
    """

    __slots__ = ("_ended", "_expiration_ms", "_open", "entries")

    def __init__(self, expiration_ms: int) -> None:
        self.entries: dict[int, ProducerState] = {}
        self._expiration_ms = expiration_ms
        # First offset → producer id of open transactions, ascending; the first bounds the LSO.
        self._open: dict[int, int] = {}
        # First offset → marker offset of ended ones that the high watermark has not passed yet.
        self._ended: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.entries)

    # -- what a leader asks before it appends -----------------------------------------------------

    def check(self, header: BatchHeader) -> DuplicateBatch | None:
        """Judge a client's batch: None = append it, a duplicate = answer with the first copy.

        Raises KafkaError 47 for an older epoch, 45 for a sequence that is not the next, 48 for a
        plain batch of a producer whose transaction is open. An unknown producer id may start with
        any sequence: its past may have been deleted.
        """
        entry = self.entries.get(header.producer_id)
        if entry is None:
            return None
        epoch = header.producer_epoch
        first_sequence = header.base_sequence
        if epoch == entry.epoch:
            if not follows(entry.last_sequence, first_sequence):
                duplicate = _find_duplicate(entry.batches, first_sequence, header.last_sequence)
                if duplicate is not None:
                    return DuplicateBatch(duplicate.first_offset, duplicate.timestamp)
                if epoch >= 0:
                    raise _out_of_order(entry, first_sequence)
        elif epoch < entry.epoch:
            raise KafkaError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"producer {entry.producer_id} has epoch {entry.epoch}, the batch has {epoch}",
            )
        elif first_sequence != 0 and entry.epoch >= 0:
            raise _out_of_order(entry, first_sequence)
        if entry.transaction_first_offset >= 0 and not header.attributes & TRANSACTIONAL_BIT:
            raise KafkaError(
                ErrorCode.INVALID_TXN_STATE,
                f"producer {entry.producer_id} has an open transaction, the batch is outside it",
            )
        return None

    def check_marker(self, producer_id: int, epoch: int, coordinator_epoch: int) -> None:
        """Judge a transaction coordinator's marker.

        Raises KafkaError 47 for an older producer epoch, 52 for an older coordinator.
        """
        entry = self.entries.get(producer_id)
        if entry is None:
            return
        if epoch < entry.epoch:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_EPOCH)
        if coordinator_epoch < entry.coordinator_epoch:
            raise KafkaError(ErrorCode.TRANSACTION_COORDINATOR_FENCED)

    # -- what every append does -------------------------------------------------------------------

    def update(
        self, header: BatchHeader, base_offset: int, marker: EndMarker | None = None
    ) -> CompletedTransaction | None:
        """Take in a batch appended at `base_offset`; the transaction it ended, if it did.

        `marker` is the content of a control batch; without it (cleaned away, or no end marker) a
        control batch changes nothing.
        """
        producer_id = header.producer_id
        if producer_id < 0:
            return None
        attributes = header.attributes
        if attributes & CONTROL_BIT:
            return None if marker is None else self._end(header, base_offset, marker)
        entry = self.entries.get(producer_id)
        if entry is None:
            entry = self.entries[producer_id] = ProducerState(producer_id, header.producer_epoch)
        elif header.producer_epoch != entry.epoch:
            entry.enter_epoch(header.producer_epoch)
        delta = header.last_offset_delta
        timestamp = header.max_timestamp
        if header.base_sequence >= 0:
            batches = entry.batches
            if len(batches) == _WINDOW:
                del batches[0]
            batches.append(
                CachedBatch(
                    header.base_sequence,
                    header.last_sequence,
                    base_offset + delta,
                    delta,
                    timestamp,
                )
            )
        entry.last_timestamp = timestamp
        if attributes & TRANSACTIONAL_BIT and entry.transaction_first_offset < 0:
            entry.transaction_first_offset = base_offset
            self._open[base_offset] = producer_id
        return None

    def _end(
        self, header: BatchHeader, offset: int, marker: EndMarker
    ) -> CompletedTransaction | None:
        """Append of an end marker: the epoch it carries, and the end of what was open."""
        producer_id = header.producer_id
        entry = self.entries.get(producer_id)
        if entry is None:
            entry = self.entries[producer_id] = ProducerState(producer_id, header.producer_epoch)
        entry.enter_epoch(header.producer_epoch)
        entry.coordinator_epoch = marker.coordinator_epoch
        entry.last_timestamp = header.max_timestamp
        first_offset = entry.transaction_first_offset
        if first_offset < 0:
            return None
        entry.transaction_first_offset = NO_OFFSET
        self._open.pop(first_offset, None)
        self._ended[first_offset] = offset
        return CompletedTransaction(producer_id, first_offset, offset, not marker.committed)

    # -- transactions -----------------------------------------------------------------------------

    def last_stable_offset(self, high_watermark: int) -> int:
        """The first offset of the oldest transaction that is open, or whose marker the high
        watermark has not passed; the high watermark if there is none below it."""
        if self._ended:
            done = [first for first, last in self._ended.items() if last < high_watermark]
            for first in done:
                del self._ended[first]
            high_watermark = min(high_watermark, *self._ended) if self._ended else high_watermark
        if self._open:
            high_watermark = min(high_watermark, next(iter(self._open)))
        return high_watermark

    def aborted_entry(self, transaction: CompletedTransaction) -> AbortedTransaction:
        """The transaction index entry of an aborted transaction that has just ended.

        Its last stable offset is the next open transaction's first, or the one after the marker.
        """
        stable = next(iter(self._open)) if self._open else transaction.last_offset + 1
        return AbortedTransaction(
            transaction.producer_id, transaction.first_offset, transaction.last_offset, stable
        )

    def forget_ended_below(self, log_start_offset: int) -> None:
        """The log start offset moved: what ended below it bounds nobody."""
        for first in [first for first, last in self._ended.items() if last < log_start_offset]:
            del self._ended[first]

    # -- the life of the state --------------------------------------------------------------------

    def is_expired(self, entry: ProducerState, wall_ms: int) -> bool:
        """Whether a producer may be forgotten: silent for long and not inside a transaction."""
        return (
            entry.transaction_first_offset < 0
            and wall_ms - entry.last_timestamp >= self._expiration_ms
        )

    def expire(self, wall_ms: int) -> int:
        """Forget expired producers; returns how many."""
        gone = [
            producer_id
            for producer_id, entry in self.entries.items()
            if self.is_expired(entry, wall_ms)
        ]
        for producer_id in gone:
            del self.entries[producer_id]
        return len(gone)

    def load(self, entries: Iterable[ProducerState], wall_ms: int) -> None:
        """Start from a snapshot's entries; expired ones are left behind."""
        self.clear()
        for entry in entries:
            if not self.is_expired(entry, wall_ms):
                self.entries[entry.producer_id] = entry
        started = [e for e in self.entries.values() if e.transaction_first_offset >= 0]
        for entry in sorted(started, key=lambda e: e.transaction_first_offset):
            self._open[entry.transaction_first_offset] = entry.producer_id

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self._open.clear()
        self._ended.clear()


def follows(last_sequence: int, first_sequence: int) -> bool:
    """Whether a batch starting with `first_sequence` is the next; 2^31-1 is followed by 0."""
    return first_sequence == last_sequence + 1 or (
        first_sequence == 0 and last_sequence == _MAX_SEQUENCE
    )


def _find_duplicate(
    batches: list[CachedBatch], first_sequence: int, last_sequence: int
) -> CachedBatch | None:
    for cached in batches:
        if cached.first_sequence == first_sequence and cached.last_sequence == last_sequence:
            return cached
    return None


def _out_of_order(entry: ProducerState, sequence: int) -> KafkaError:
    return KafkaError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        f"producer {entry.producer_id} epoch {entry.epoch}: sequence {sequence} came after"
        f" {entry.last_sequence}",
    )
