"""Transactions as a pass of compaction meets them, batch by batch in the order of the log.

Data of an aborted transaction goes at once. A marker stays as long as the pass still meets a batch
of its transaction: without it, readers would take aborted data for committed, and a restart would
find a transaction that never ended. From then on it is a tombstone: it gets a delete horizon, and
goes when that has passed (KIP-534).
"""

from collections.abc import Iterable
from heapq import heappop, heappush

from minikafka.log.markers import read_marker
from minikafka.log.transaction_index import AbortedTransaction
from minikafka.records.batch import BatchHeader
from minikafka.runtime.buffers import Buffer


class CleanedTransactions:
    """What is open at the point that the pass has reached.

    `still_needed` collects the aborted transactions of which a batch was met: entries of the
    cleaned segment's transaction index. Whoever takes them empties the list.
    """

    __slots__ = ("_aborted", "_awaited", "_committed", "still_needed")

    def __init__(self) -> None:
        # By first offset: aborted transactions that the pass has not reached yet.
        self._awaited: list[tuple[int, AbortedTransaction]] = []
        # Producer id → (transaction, whether one of its batches was met).
        self._aborted: dict[int, tuple[AbortedTransaction, bool]] = {}
        # Producer ids of other open transactions of which a batch was met.
        self._committed: set[int] = set()
        self.still_needed: list[AbortedTransaction] = []

    def expect(self, aborted: Iterable[AbortedTransaction]) -> None:
        """Entries of transaction indexes that overlap what comes next; more than once is fine."""
        for entry in aborted:
            heappush(self._awaited, (entry.first_offset, entry))

    def meet_data(self, header: BatchHeader) -> bool:
        """A batch of records comes by; whether its transaction was aborted."""
        self._advance(header.last_offset)
        if not header.is_transactional:
            return False
        found = self._aborted.get(header.producer_id)
        if found is None:
            self._committed.add(header.producer_id)
            return False
        self._aborted[header.producer_id] = (found[0], True)
        return True

    def meet_control(self, header: BatchHeader, batch: Buffer) -> bool:
        """A control batch comes by; whether it has served its purpose."""
        self._advance(header.last_offset)
        if not header.record_count:
            return True  # emptied by an earlier pass
        marker = read_marker(header, batch)
        if marker is None:
            return False
        if marker.committed:
            was_met = header.producer_id in self._committed
            self._committed.discard(header.producer_id)
            return not was_met
        entry, was_met = self._aborted.pop(header.producer_id, (None, False))
        if entry is not None and was_met:
            self.still_needed.append(entry)
            return False
        return True

    def _advance(self, offset: int) -> None:
        while self._awaited and self._awaited[0][0] <= offset:
            _, entry = heappop(self._awaited)
            self._aborted.setdefault(entry.producer_id, (entry, False))
