"""The batches of one partition between `send` and acknowledgement, in the order of their records.

    open ──full or drained──> ready ──request──> in_flight ──answer──> done
                                                    │ retriable failure
                              retries <─────────────┘

With idempotence a batch keeps its sequence from its first request on, so what was in flight when
something failed must be sent again in that order: nothing leaves while `retries` has batches and
others are still in flight, then `retries` go first. When a sequence number can no longer be filled
(a batch failed for good, or the broker has lost its memory of us) the numbers start again at 0
under a new producer epoch: `restart`. Batches that may have been written are sent again under their
old numbers before that; only when the broker has said that it lacks what was before them
(`unwritten`) they are numbered anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from minikafka.channel.backoff import Backoff
from minikafka.records.batch import next_sequence
from minikafka_client.delivery import Batch


class ProducerIdentity(NamedTuple):
    """Who the broker knows us as; -1 without idempotence."""

    producer_id: int = -1
    epoch: int = -1


class PartitionQueue:
    """A partition's batches; the sender decides when, this decides what."""

    __slots__ = (
        "backoff",
        "hurry",
        "identity",
        "in_flight",
        "next_number",
        "not_before",
        "open",
        "partition",
        "ready",
        "restart",
        "retries",
        "topic",
        "unwritten",
    )

    def __init__(
        self,
        topic: str,
        partition: int,
        identity: ProducerIdentity,
        hurry: Callable[[PartitionQueue], None],
    ) -> None:
        self.topic = topic
        self.hurry = hurry
        """To be called by who waits for a batch that has not been sent."""
        self.partition = partition
        self.open: Batch | None = None
        self.ready: deque[Batch] = deque()
        self.in_flight: list[Batch] = []
        self.retries: list[Batch] = []
        self.not_before = 0.0
        """Loop time before which nothing is sent: the back-off after a failure."""
        self.backoff: Backoff | None = None
        """Since the last success."""
        self.identity = identity
        self.next_number = 0
        self.restart = False
        self.unwritten = False

    @property
    def empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return self.open is None and not self.ready and not self.retries

    def close_open(self) -> None:
        """No more records for the open batch."""
        if self.open is not None:
            self.ready.append(self.open)
            self.open = None

    def held(self, now: float, identity: ProducerIdentity) -> bool:
        """Whether it must wait: for what is in flight, the back-off, or a new identity."""
        if self.not_before > now:
            return True
        if self.restart and (self.unwritten or not self.retries):
            return bool(self.in_flight) or identity is self.identity
        return bool(self.in_flight) and bool(self.retries)

    def ripe(self, ripe_if_created_by: float) -> bool:
        """Whether there is a batch to send: one left over, a full one, or one old enough."""
        if self.retries or self.ready:
            return True
        return self.open is not None and self.open.created <= ripe_if_created_by

    def next_size(self) -> int:
        """Upper bound of the bytes of the batch that `take` would give."""
        batch = self.retries[0] if self.retries else self.ready[0] if self.ready else self.open
        assert batch is not None
        return batch.size

    def take(self, codec: int, identity: ProducerIdentity) -> Batch:
        """The next batch, encoded and numbered; it counts as in flight."""
        # What was sent under the old identity and may have been written must be sent again under
        # it, or it would be written twice.
        undecided = self.in_flight or (self.retries and not self.unwritten)
        if identity is not self.identity and not undecided:
            self._adopt(identity)
        if self.retries:
            batch = self.retries.pop(0)
        else:
            if not self.ready:
                self.close_open()
            batch = self.ready.popleft()
        if not batch.encoded:
            numbered = self.identity.producer_id >= 0
            sequence = self.next_number if numbered else -1
            batch.encode(codec, self.identity.producer_id, self.identity.epoch, sequence)
            if numbered:
                self.next_number = next_sequence(sequence, batch.count)
        batch.sent = True
        self.in_flight.append(batch)
        return batch

    def answered(self, batch: Batch) -> None:
        """It is no longer in flight, whatever the answer."""
        self.in_flight.remove(batch)

    def retry(self, batch: Batch) -> None:
        """Send it again, before all that come after it."""
        self.retries.append(batch)
        self.retries.sort(key=_order)  # not by sequence number, which wraps

    def is_first(self, batch: Batch) -> bool:
        """Whether every batch before this one is decided."""
        return not any(
            not other.done and other.order < batch.order
            for other in (*self.in_flight, *self.retries)
        )

    def drop_done(self) -> None:
        """Forget batches that have failed while they waited here."""
        if self.open is not None and self.open.done:
            self.open = None
        self.ready = deque(batch for batch in self.ready if not batch.done)
        self.retries = [batch for batch in self.retries if not batch.done]

    def _adopt(self, identity: ProducerIdentity) -> None:
        """Start at number 0 under another identity; nothing is in flight."""
        self.identity = identity
        self.restart = self.unwritten = False
        number = 0
        for batch in self.retries:
            batch.renumber(identity.producer_id, identity.epoch, number)
            number = next_sequence(number, batch.count)
        self.next_number = number


def _order(batch: Batch) -> int:
    return batch.order
