"""Fetch sessions (KIP-227): a fetcher names its partitions once, then only what changes.

A session keeps a *dirty set*: the partitions that may have something to tell. A partition enters
it when it is added or changed by a request and when its own state moves; it leaves when a read
found that there is nothing beyond what was told (`FetchEntry.drained`). So a fetch over ten
thousand quiet partitions touches none of them.

The same `FetchInterest`, without an id, is what a sessionless fetch waits with.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.replication.partition import Partition

if TYPE_CHECKING:
    from random import Random

CONSUMER = -1
NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
# A session nobody used for this long makes room for another, as in Kafka.
IDLE_EVICTION_MS = 120_000
_EPOCH_MAX = 2**31 - 1

# Resolves (topic name, topic id, index) to the replica here; raises `KafkaError` 3, 100 or 6.
Resolve = Callable[[str, UUID, int], Partition]


class Waiting(Protocol):
    """A parked request (see `purgatory`)."""

    def try_complete(self) -> None:
        """Something changed: answer, or go on waiting."""
        ...

    def expire(self) -> None:
        """The deadline has come: answer with what there is."""
        ...

    def fail(self, error: Exception) -> None:
        """One of the above has raised: answer that."""
        ...


class FetchEntry:
    """One partition of a fetch: what the fetcher wants, and what it was told last.

    `drained`: the last read found the fetcher at the end of what it may read.
    """

    __slots__ = (
        "current_leader_epoch",
        "drained",
        "fetch_offset",
        "index",
        "key",
        "last_fetched_epoch",
        "log_start_offset",
        "max_bytes",
        "partition",
        "told_high_watermark",
        "told_log_start_offset",
        "topic",
        "topic_id",
    )

    def __init__(self, topic: str, topic_id: UUID, index: int) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.index = index
        self.key: Hashable = key_of(topic, topic_id, index)
        self.fetch_offset = 0
        self.max_bytes = 0
        self.current_leader_epoch = -1
        self.last_fetched_epoch = -1
        # A follower's.
        self.log_start_offset = -1
        self.partition: Partition | None = None
        self.drained = False
        self.told_high_watermark = -1
        self.told_log_start_offset = -1

    def move_to(
        self, fetch_offset: int, last_fetched_epoch: int, log_start_offset: int, max_bytes: int
    ) -> None:
        """A follower is somewhere else now. It may have cut its log and passed over what it was
        told with that.
        """
        self.fetch_offset = fetch_offset
        self.last_fetched_epoch = last_fetched_epoch
        self.log_start_offset = log_start_offset
        self.max_bytes = max_bytes
        self.told_high_watermark = -1


def key_of(topic: str, topic_id: UUID, index: int) -> Hashable:
    """What names a partition in requests: by name, or by an id as a number, which hashes fast."""
    return (topic_id.int or topic, index)


class FetchInterest:
    """A set of partitions somebody fetches, and which of them are worth reading now.

    One of its own is what a sessionless fetch waits with: it hears of its partitions only while it
    is parked (`is_watching`). `replica_id` is that of a follower, -1 for a consumer.
    """

    __slots__ = ("dirty", "entries", "is_watching", "replica_id", "waiting")

    def __init__(self, replica_id: int = CONSUMER) -> None:
        self.replica_id = replica_id
        self.entries: dict[Hashable, FetchEntry] = {}
        self.dirty: dict[Hashable, FetchEntry] = {}
        self.is_watching = False
        # The parked fetch to be told, if there is one.
        self.waiting: Waiting | None = None

    def add(self, entry: FetchEntry) -> None:
        """Take a partition in, or its new position; the last mention in a request counts."""
        key = entry.key
        known = self.entries.get(key)
        if known is None:
            self.entries[key] = known = entry
        else:
            known.current_leader_epoch = entry.current_leader_epoch
            told = known.told_high_watermark
            known.move_to(
                entry.fetch_offset,
                entry.last_fetched_epoch,
                entry.log_start_offset,
                entry.max_bytes,
            )
            if self.replica_id == CONSUMER:
                known.told_high_watermark = told
        self.dirty[key] = known

    def partition_of(self, entry: FetchEntry, resolve: Resolve) -> Partition:
        """The entry's partition, looked up again when there was none or it left this broker."""
        partition = entry.partition
        if partition is None or partition.retired:
            entry.partition = None
            partition = entry.partition = resolve(entry.topic, entry.topic_id, entry.index)
            if self.is_watching:
                self._watchers(partition)[self] = entry
        return partition

    def _watchers(self, partition: Partition) -> dict[Any, Any]:
        return partition.watchers if self.replica_id == CONSUMER else partition.replica_watchers

    def watch(self) -> None:
        """Hear of every change of a partition from now on, until `close`."""
        self.is_watching = True
        for entry in self.entries.values():
            if entry.partition is not None:
                self._watchers(entry.partition)[self] = entry

    def forget(self, key: Hashable) -> None:
        """Drop a partition and stop hearing of it."""
        entry = self.entries.pop(key, None)
        self.dirty.pop(key, None)
        if entry is not None and entry.partition is not None:
            self._watchers(entry.partition).pop(self, None)

    def to_end(self, entry: FetchEntry) -> None:
        """Move a partition that had data behind the others: everyone gets a turn."""
        key = entry.key
        if key in self.entries:
            self.entries[key] = self.entries.pop(key)
        if key in self.dirty:
            self.dirty[key] = self.dirty.pop(key)

    def mark(self, entry: FetchEntry) -> None:
        """The entry's partition changed."""
        self.dirty[entry.key] = entry

    def settle(self, entry: FetchEntry) -> None:
        """The entry has been read and, if there was news, told: is it worth reading again?"""
        if entry.drained:
            self.dirty.pop(entry.key, None)

    def close(self) -> None:
        """Stop hearing of all partitions."""
        self.is_watching = False
        for entry in self.entries.values():
            if entry.partition is not None:
                self._watchers(entry.partition).pop(self, None)
        self.dirty.clear()


class FetchSession(FetchInterest):
    """An interest that lives from one request to the next and watches all the time."""

    __slots__ = ("broker_epoch", "epoch", "last_used_ms", "session_id", "uses_topic_ids")

    def __init__(
        self, session_id: int, *, replica_id: int, uses_topic_ids: bool, now_ms: int
    ) -> None:
        super().__init__(replica_id)
        self.is_watching = True
        self.session_id = session_id
        self.epoch = 1
        self.broker_epoch = -1
        self.uses_topic_ids = uses_topic_ids
        self.last_used_ms = now_ms

    def goes_on(self, epoch: int, replica_id: int, broker_epoch: int) -> bool:
        """Whether that is the next request of the same follower, which has got its last answer."""
        return (
            self.epoch == epoch
            and self.replica_id == replica_id
            and self.broker_epoch == broker_epoch
            and self.uses_topic_ids
            and self.waiting is None
        )

    def moves_only(self, entry: FetchEntry) -> bool:
        """Whether no other partition has something to tell."""
        dirty = self.dirty
        return not dirty or (len(dirty) == 1 and entry.key in dirty)

    def advance_epoch(self) -> None:
        """The epoch the next request must carry; 0 and -1 are reserved."""
        self.epoch = 1 if self.epoch == _EPOCH_MAX else self.epoch + 1

    @property
    def privileged(self) -> bool:
        """A follower's session is worth more than a consumer's."""
        return self.replica_id != CONSUMER

    def mark(self, entry: FetchEntry) -> None:
        """The entry's partition changed; until then a follower had all there was."""
        if self.replica_id != CONSUMER and entry.key not in self.dirty:
            partition = entry.partition
            follower = None if partition is None else partition.followers.get(self.replica_id)
            if follower is not None and follower.end_offset == entry.fetch_offset:
                follower.caught_up_ms = max(follower.caught_up_ms, self.last_used_ms)
        self.dirty[entry.key] = entry

    def now_as(self, broker_epoch: int) -> None:
        """A follower tells its broker epoch; with a new one all it has must be told anew."""
        if broker_epoch != self.broker_epoch:
            self.broker_epoch = broker_epoch
            self.dirty.update(self.entries)


class FetchSessionCache:
    """The sessions of one broker, at most `max.incremental.fetch.session.cache.slots`."""

    __slots__ = ("_by_id", "_random", "_slots")

    def __init__(self, slots: int, random_source: Random) -> None:
        self._slots = slots
        self._random = random_source
        self._by_id: dict[int, FetchSession] = {}  # least recently used first

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[FetchSession]:
        return iter(self._by_id.values())

    def get(self, session_id: int) -> FetchSession | None:
        """A session, as it is."""
        return self._by_id.get(session_id)

    def create(
        self, *, replica_id: int = CONSUMER, uses_topic_ids: bool, now_ms: int
    ) -> FetchSession | None:
        """A new session, or None when there is no slot: the fetcher goes on without one."""
        privileged = replica_id != CONSUMER
        if len(self._by_id) >= self._slots and not self._make_room(privileged, now_ms):
            return None
        session_id = 0
        while session_id == 0 or session_id in self._by_id:
            session_id = self._random.getrandbits(31)
        session = FetchSession(
            session_id, replica_id=replica_id, uses_topic_ids=uses_topic_ids, now_ms=now_ms
        )
        self._by_id[session_id] = session
        return session

    def use(
        self, session_id: int, epoch: int, *, uses_topic_ids: bool, now_ms: int
    ) -> FetchSession:
        """The session of an incremental fetch, its epoch advanced.

        Raises `KafkaError` 70 (unknown), 71 (not the next epoch), 106 (names and ids mixed).
        """
        session = self._by_id.get(session_id)
        if session is None:
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_topic_ids != uses_topic_ids:
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        session.advance_epoch()
        session.last_used_ms = now_ms
        self._by_id[session_id] = self._by_id.pop(session_id)
        return session

    def remove(self, session_id: int) -> None:
        """End a session; an unknown id is no error."""
        session = self._by_id.pop(session_id, None)
        if session is not None:
            session.close()

    def _make_room(self, privileged: bool, now_ms: int) -> bool:
        oldest = next(iter(self._by_id.values()), None)
        if oldest is None:
            return False
        if now_ms - oldest.last_used_ms > IDLE_EVICTION_MS:
            self.remove(oldest.session_id)
            return True
        if privileged:
            for session in self._by_id.values():
                if not session.privileged:
                    self.remove(session.session_id)
                    return True
        return False
