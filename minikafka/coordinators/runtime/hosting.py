"""What a host of coordinators needs of a machine, of a partition and of the broker around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from minikafka.coordinators.decision import Decision, Moment, Record, Waiter
from minikafka.protocol.coordinator_records import Schemas
from minikafka.records.batch import BatchHeader


class Machine(Protocol):
    """A coordinator's state machine."""

    @property
    def schemas(self) -> Schemas:
        """The record types of its topic."""
        ...

    def replay(self, record: Record, wall_ms: int) -> None:
        """Take one record in."""
        ...

    def replay_in_transaction(self, producer_id: int, record: Record) -> None:
        """Take one record of an open transaction in."""
        ...

    def end_transaction(self, producer_id: int, wall_ms: int, *, committed: bool) -> None:
        """The marker of a transaction has come."""
        ...

    def activate(self, now: Moment) -> None:
        """All is loaded."""
        ...

    def waiters(self) -> Iterator[Waiter]:
        """Every request that the machine has parked."""
        ...

    def next_look_ms(self) -> int | None:
        """When `time_passed` should be called at the latest, in loop time."""
        ...

    def time_passed(self, decision: Decision, now: Moment) -> None:
        """Do what is due."""
        ...

    def age(self, decision: Decision, now: Moment) -> None:
        """Do what is due by age."""
        ...


class Rules(Protocol):
    """What a topic allows."""

    @property
    def max_message_bytes(self) -> int:
        """The largest batch."""
        ...


class Log(Protocol):
    """What a shard reads when it loads."""

    log_start_offset: int
    log_end_offset: int

    def read(self, offset: int, max_bytes: int, *, max_offset: int, min_one_batch: bool) -> Any:
        """A region of batches from the one that holds `offset`, below `max_offset`."""
        ...


class Replica(Protocol):
    """A partition on this broker."""

    is_leader: bool
    leader_epoch: int
    high_watermark: int
    log: Any
    rules: Any
    waiting_produces: dict[Any, None]

    def append(self, batch: memoryview, header: BatchHeader, *, acks: int, wall_ms: int) -> Any:
        """Append as the leader; raises KafkaError, OSError."""
        ...


class Parking(Protocol):
    """The purgatory: who waits for a high watermark is tried again when it has moved."""

    def park(self, waiting: Any, wait_ms: int) -> None:
        """Keep `waiting`; its `expire` is called after `wait_ms`."""
        ...

    def release(self, waiting: Any) -> None:
        """`waiting` waits no more."""
        ...

    def changed(self, partition: Any) -> None:
        """The partition has new records."""
        ...


class Replicas(Protocol):
    """The partitions of this broker."""

    def partition(self, topic: str, index: int) -> Any:
        """A replica by name; raises KafkaError when it is not here."""
        ...

    def storage_failed(self, partition: Any, error: OSError) -> None:
        """A read or write of this partition's log failed."""
        ...
