"""The usual Fetch of a follower: its session is open, and one partition has moved since the last.

A partition that is written to is fetched like this again and again: the follower tells where its
log ends by now, waits until there is more, and gets that. As in `fetch_single` the request is read
in place and the answer written around what is read of the log.

Whatever is not quite like this (other partitions with news, an error, a log that parts from the
leader's, a throttle) is left to `fetch`, also while the request waits.

Measured (`produce-16k` of the cluster's benchmark, acks=all, three brokers together, beside other
work): 14-15 -> 10-12 CPU-seconds per GB, with `usual_fetch` on the follower's side.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from minikafka.api.context import Services
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.primitives import put_uvarint
from minikafka.replication.fetch_session import FetchEntry, FetchSession, Waiting
from minikafka.replication.usual_fetch import FIRST_VERSION, UsualFetch, decode_usual

if TYPE_CHECKING:
    from minikafka.network.connection import Exchange
    from minikafka.replication.partition import Partition
    from minikafka.runtime.disk import FileRegion

_ONE = 2  # a compact array of one element

# correlation, tags, throttle, error, session, one topic, its id, one partition: index, error, high
# watermark, last stable offset, log start, no aborted list, no other replica to ask
_ANSWER = Struct(">iBihiB16sBihqqqBi")
_NO_MORE_TAGS = b"\0\0\0"

_NOW_BYTES = 256 << 10
"""Up to so much is read while the request is served; more is for sendfile."""


class Asked(NamedTuple):
    """What is asked for besides a position, and how to answer."""

    version: int
    correlation_id: int
    wait_ms: int
    min_bytes: int
    max_bytes: int


InGeneral = Callable[[Services, "Exchange", FetchSession, Asked], Waiting]
"""Parks a `PendingFetch` for what a follower has asked."""


def serve_replica(
    services: Services,
    exchange: Exchange,
    frame: memoryview,
    position: int,
    version: int,
    correlation_id: int,
    in_general: InGeneral,
) -> bool:
    """Serve a follower's request of the usual shape; False, and nothing has happened, when it is
    not one.

    `position` is where the body begins.
    """
    usual = decode_usual(frame, position) if version >= FIRST_VERSION else None
    if usual is None or usual.max_wait_ms <= 0:
        return False
    session = services.fetch_sessions.get(usual.session_id)
    if session is None or not session.goes_on(
        usual.session_epoch, usual.replica_id, usual.broker_epoch
    ):
        return False
    entry = session.entries.get((int.from_bytes(usual.topic_id, "big"), usual.partition))
    if (
        entry is None
        or not session.moves_only(entry)
        or usual.leader_epoch != entry.current_leader_epoch
    ):
        return False
    partition = _partition(entry)
    if partition is None or not _is_level(partition, usual):
        return False
    leading = services.replicas.leading
    try:
        leading.admit(partition, usual.replica_id, usual.broker_epoch, usual.leader_epoch)
    except KafkaError:
        return False
    services.fetch_sessions.use(
        usual.session_id, usual.session_epoch, uses_topic_ids=True, now_ms=leading.now_ms()
    )
    entry.move_to(
        usual.fetch_offset,
        usual.last_fetched_epoch,
        usual.log_start_offset,
        usual.partition_max_bytes,
    )
    leading.fetched(
        partition,
        usual.replica_id,
        usual.fetch_offset,
        broker_epoch=usual.broker_epoch,
        log_start_offset=usual.log_start_offset,
    )
    # It stays dirty: when its time is over, it is told the high watermark at least.
    session.dirty[entry.key] = entry
    max_bytes = min(usual.max_bytes, usual.partition_max_bytes)
    asked = Asked(version, correlation_id, usual.max_wait_ms, usual.min_bytes, max_bytes)
    ReplicaFetch(services, exchange, session, entry, usual.topic_id, asked, in_general).start()
    return True


def _partition(entry: FetchEntry) -> Partition | None:
    """The entry's partition if this broker leads it in the follower's epoch, without a throttle."""
    partition = entry.partition
    if (
        partition is None
        or not partition.is_leader
        or partition.leader_epoch != entry.current_leader_epoch
        or partition.throttled_as_leader
    ):
        return None
    return partition


def _is_level(partition: Partition, usual: UsualFetch) -> bool:
    """Whether the follower's log is a part of this one."""
    log = partition.log
    return (
        usual.last_fetched_epoch == log.latest_epoch
        and log.log_start_offset <= usual.fetch_offset <= log.log_end_offset
    )


class ReplicaFetch:
    """A follower's fetch of one partition, from its position until it is answered."""

    __slots__ = ("asked", "entry", "exchange", "in_general", "services", "session", "topic_id")

    def __init__(
        self,
        services: Services,
        exchange: Exchange,
        session: FetchSession,
        entry: FetchEntry,
        topic_id: bytes,
        asked: Asked,
        in_general: InGeneral,
    ) -> None:
        self.services = services
        self.exchange = exchange
        self.session = session
        self.entry = entry
        self.topic_id = topic_id
        self.asked = asked
        self.in_general = in_general

    def start(self) -> None:
        """Answer, or wait for more."""
        session, leading = self.session, self.services.replicas.leading
        session.waiting = self
        self.try_complete()
        if session.waiting is not self:
            return
        wait_ms = leading.longest_wait_ms(session.replica_id, self.asked.wait_ms)
        leading.parked(session.replica_id, self)
        self.exchange.when_closed(self._leave)
        self.services.purgatory.park(self, wait_ms)

    def try_complete(self) -> None:
        """There may be enough by now."""
        entry = self.entry
        partition = _partition(entry)
        if partition is None or not self.session.moves_only(entry):
            self._in_general().try_complete()
        elif entry.fetch_offset < partition.log.log_end_offset:
            try:
                records = self._read(partition)
            except (KafkaError, OSError):
                self._in_general().try_complete()
                return
            if records is not None:
                self._answer(partition, records)

    def expire(self) -> None:
        """The time is over."""
        self._in_general().expire()

    def fail(self, error: Exception) -> None:
        """Trying again has failed: a fault of ours."""
        self._in_general().fail(error)

    def _read(self, partition: Partition) -> bytes | FileRegion | None:
        """What there is, None if it is less than the minimum. Raises KafkaError and OSError."""
        offset, log, asked = self.entry.fetch_offset, partition.log, self.asked
        limit = max(min(asked.max_bytes, self.services.settings.fetch_max_bytes), 0)
        end, least = log.log_end_offset, asked.min_bytes
        data = log.read_now(offset, limit, max_offset=end, min_bytes=least, at_most=_NOW_BYTES)
        if isinstance(data, bytes):
            return data if len(data) >= least else None
        read = log.read(offset, limit, max_offset=end, min_one_batch=True, min_bytes=least)
        region: FileRegion | None = read.region
        if region is not None and region.size < least:
            region.release()
            return None
        return region

    def _answer(self, partition: Partition, records: bytes | FileRegion) -> None:
        entry, log, high_watermark = self.entry, partition.log, partition.high_watermark
        entry.told_high_watermark = high_watermark
        entry.told_log_start_offset = log.log_start_offset
        size = len(records) if isinstance(records, bytes) else records.size
        head = _ANSWER.pack(
            self.asked.correlation_id,
            0,
            0,
            0,
            self.session.session_id,
            _ONE,
            self.topic_id,
            _ONE,
            entry.index,
            0,
            high_watermark,
            log.last_stable_offset(high_watermark),
            log.log_start_offset,
            0,
            -1,
        )
        self._leave()
        self.exchange.answer((head + put_uvarint(size + 1), records, _NO_MORE_TAGS))

    def _in_general(self) -> Waiting:
        """The same, parked as any other fetch."""
        self._leave()
        return self.in_general(self.services, self.exchange, self.session, self.asked)

    def _leave(self) -> None:
        session = self.session
        self.services.purgatory.release(self)
        self.services.replicas.leading.unparked(session.replica_id, self)
        if session.waiting is self:
            session.waiting = None
