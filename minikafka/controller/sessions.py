"""Which brokers are alive: the active controller's own memory, not part of the metadata.

A broker's heartbeats keep its session. A new active controller knows of none and gives every
broker that is up a full session from the moment it takes over. The broker in the controller's own
process has a session that never runs out and never stands in the way of another: it lives and dies
with this process, however late its heartbeat comes. A registration alone begins no session: until
its first heartbeat a process gives way to another that comes with its id.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.metadata.image import BrokerImage


class _Session:
    __slots__ = ("broker_epoch", "contact_ms", "metadata_offset", "shutdown_offset", "was_heard")

    def __init__(self, broker_epoch: int, contact_ms: int) -> None:
        self.broker_epoch = broker_epoch
        self.contact_ms = contact_ms
        self.was_heard = False
        self.metadata_offset = -1
        self.shutdown_offset = -1


class BrokerSessions:
    """Last contact of each broker, in the loop's milliseconds; `own_id` is the broker in here."""

    __slots__ = ("_own_id", "_sessions", "_timeout_ms")

    def __init__(self, timeout_ms: int, own_id: int) -> None:
        self._timeout_ms = timeout_ms
        self._own_id = own_id
        self._sessions: dict[int, _Session] = {}

    def begin(self, brokers: Iterable[BrokerImage], now_ms: int) -> None:
        """This controller has become active."""
        self._sessions = {
            broker.broker_id: _Session(broker.epoch, now_ms)
            for broker in brokers
            if not broker.fenced
        }

    def touch(
        self, broker_id: int, broker_epoch: int, now_ms: int, metadata_offset: int = -1
    ) -> None:
        """The broker has spoken; `metadata_offset` is how far it has applied the metadata."""
        session = self._sessions.get(broker_id)
        if session is None or session.broker_epoch != broker_epoch:
            session = self._sessions[broker_id] = _Session(broker_epoch, now_ms)
        session.contact_ms = now_ms
        session.was_heard = True
        session.metadata_offset = max(session.metadata_offset, metadata_offset)

    def shutting_down(self, broker_id: int, offset: int) -> None:
        """The broker's leaderships are moved away by the record at `offset`; the first counts."""
        session = self._sessions[broker_id]
        if session.shutdown_offset < 0:
            session.shutdown_offset = offset

    def has_session(self, broker_id: int, broker_epoch: int, now_ms: int) -> bool:
        """Whether this process of the broker has spoken to this controller and may be alive.

        What a new controller has only read of does not stand in the way of a process that comes:
        after the loss of all nodes every broker would wait for the session of its own past.
        """
        session = self._sessions.get(broker_id)
        return (
            session is not None
            and session.was_heard
            and broker_id != self._own_id
            and session.broker_epoch == broker_epoch
            and now_ms - session.contact_ms < self._timeout_ms
        )

    def metadata_offset(self, broker_id: int) -> int:
        """The highest offset that the broker has said it applied; -1 before it has."""
        session = self._sessions.get(broker_id)
        return -1 if session is None else session.metadata_offset

    def shutdown_offset(self, broker_id: int) -> int:
        """What others must have applied before the broker may go; -1 for a former controller's."""
        session = self._sessions.get(broker_id)
        return -1 if session is None else session.shutdown_offset

    def end(self, broker_id: int, broker_epoch: int) -> None:
        """This process of the broker is known to be gone: another may take its place at once."""
        session = self._sessions.get(broker_id)
        if session is not None and session.broker_epoch == broker_epoch:
            del self._sessions[broker_id]

    def expired(self, brokers: Iterable[BrokerImage], now_ms: int) -> BrokerImage | None:
        """The first broker that is up without a session, if there is one."""
        for broker in brokers:
            if not broker.fenced and self._expiry_ms(broker) <= now_ms:
                return broker
        return None

    def next_expiry_ms(self, brokers: Iterable[BrokerImage]) -> float:
        """When the next broker that is up has to be fenced if nothing is heard of it."""
        return min(
            (self._expiry_ms(broker) for broker in brokers if not broker.fenced), default=inf
        )

    def _expiry_ms(self, broker: BrokerImage) -> float:
        if broker.broker_id == self._own_id:
            return inf
        session = self._sessions.get(broker.broker_id)
        if session is None or session.broker_epoch != broker.epoch:
            return -inf
        return session.contact_ms + self._timeout_ms
