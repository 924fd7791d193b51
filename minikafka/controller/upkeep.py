"""What the active controller does by itself, as time goes by.

Brokers whose sessions have run out are fenced, one at a time: what the next one's partitions come
to depends on this one's absence. Leadership goes back to preferred replicas every
`leader.imbalance.check.interval.seconds`. Partitions that have no leader, and whose topic allows
an unclean one, are looked at every five minutes, for the topic may have been allowed it since. And
a no-op record each `metadata.max.idle.interval.ms` keeps offsets moving where others read the log.
"""

from __future__ import annotations

from itertools import islice
from math import inf
from typing import TYPE_CHECKING, Final

from minikafka.controller.brokers import fence
from minikafka.controller.decision import Decision
from minikafka.controller.leadership import elections_due
from minikafka.controller.partition_change import Election
from minikafka.metadata.topic_image import NO_LEADER
from minikafka.protocol.records.metadata.no_op_record import NoOpRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.topic_image import PartitionImage
    from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

UNCLEAN_INTERVAL_MS: Final = 300_000
ELECTIONS_AT_ONCE: Final = 1000
"""More than these are made in several decisions, so that requests are decided in between."""


class Upkeep:
    """When which of these is due next; of the active controller's process only."""

    __slots__ = ("_balance_ms", "_no_op_ms", "_state", "_unclean_ms")

    def __init__(self, state: ControllerState) -> None:
        self._state = state
        self.begin(0)

    def begin(self, now_ms: int) -> None:
        """This controller has become active."""
        self._balance_ms = now_ms + self._balance_interval_ms
        self._unclean_ms = now_ms + UNCLEAN_INTERVAL_MS
        self._no_op_ms = now_ms + self._idle_interval_ms

    def next_due_ms(self, *, read_by_others: bool) -> float:
        """When to come back; infinite if there is nothing to wait for."""
        image = self._state.image
        expiry_ms = self._state.sessions.next_expiry_ms(image.brokers.values())
        no_op_ms = self._no_op_ms if read_by_others else inf
        return min(expiry_ms, self._balance_ms, self._unclean_ms, no_op_ms)

    def decide(self, now_ms: int, *, read_by_others: bool) -> Decision[bool]:
        """The next of these that is due; its response says whether to come back at once."""
        state = self._state
        broker = state.sessions.expired(state.image.brokers.values(), now_ms)
        if broker is not None:
            return Decision(fence(state, broker), True, atomic=False)
        if now_ms >= self._balance_ms:
            records = list(islice(_balance(state), ELECTIONS_AT_ONCE))
            if len(records) < ELECTIONS_AT_ONCE:
                self._balance_ms = now_ms + self._balance_interval_ms
            return Decision(records, True, atomic=False)
        if now_ms >= self._unclean_ms:
            records = list(islice(_unclean(state), ELECTIONS_AT_ONCE))
            if len(records) < ELECTIONS_AT_ONCE:
                self._unclean_ms = now_ms + UNCLEAN_INTERVAL_MS
            return Decision(records, True, atomic=False)
        if read_by_others and now_ms >= self._no_op_ms:
            self._no_op_ms = now_ms + self._idle_interval_ms
            return Decision([NoOpRecord()], False)
        return Decision([], False)

    @property
    def _balance_interval_ms(self) -> float:
        settings = self._state.settings
        if not settings.auto_leader_rebalance_enable:
            return inf
        return settings.leader_imbalance_check_interval_seconds * 1000

    @property
    def _idle_interval_ms(self) -> float:
        return self._state.settings.metadata_max_idle_interval_ms or inf


def _balance(state: ControllerState) -> Iterator[PartitionChangeRecord]:
    """The preferred replica takes over where it may and does not lead."""

    def concerned(partition: PartitionImage) -> bool:
        return partition.leader != partition.replicas[0]

    return elections_due(state, concerned, Election.PREFERRED)


def _unclean(state: ControllerState) -> Iterator[PartitionChangeRecord]:
    """Whoever is up leads, where nobody does and the topic allows it."""
    return elections_due(state, lambda p: p.leader == NO_LEADER, None)
