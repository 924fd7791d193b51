"""Fetch (key 1, v4-18): regions of the log for consumers, at once or when there is enough.

v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch of the client (KIP-320) · v10 zstd ·
v11 rack (KIP-392) · v12 last fetched epoch and divergence (KIP-595) · v13 topic ids (KIP-516) ·
v15 replica state · v16 node endpoints (KIP-951) · v17, v18 fields of the metadata quorum.

An answer carries whole regions of segment files; nothing of a batch is decoded. Below `min.bytes`
the request waits in purgatory. Errors found while reading answer at once; names that could not be
resolved wait beside partitions that could.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import answer, handles
from minikafka.api.fetch_single import serve_single
from minikafka.api.leader_hints import leader_endpoints
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)
from minikafka.protocol.types import ZERO_UUID
from minikafka.records.compression import Codec
from minikafka.replication.fetch_session import (
    FINAL_EPOCH,
    INITIAL_EPOCH,
    NO_SESSION,
    FetchEntry,
    FetchInterest,
    FetchSession,
)
from minikafka.replication.partition import Partition

READ_COMMITTED = 1
_UNRESOLVED = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID)
_LEADER_MOVED = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH)
_VERSION_OF_TOPIC_IDS = 13
_VERSION_OF_ENDPOINTS = 16
_VERSION_OF_ZSTD = 10


def refuse_fetch(context: RequestContext, request: Any, error: KafkaError) -> FetchResponse:
    """A refused fetch names no partition: session errors stand at the top (v7+)."""
    return FetchResponse(error_code=int(error.code))


@handles(ApiKey.FETCH, refusal=refuse_fetch, shortcut=serve_single)
def fetch(context: RequestContext, request: FetchRequest) -> None:
    """Answer at once or park; the exchange is answered by `PendingFetch`."""
    interest, incremental = _open(context, request)
    PendingFetch(context, request, interest, incremental=incremental).start()


def _open(context: RequestContext, request: FetchRequest) -> tuple[FetchInterest, bool]:
    """(what to read, whether only changes are told), by session id and epoch (KIP-227)."""
    sessions = context.services.fetch_sessions
    now_ms = context.now_ms()
    by_id = context.version >= _VERSION_OF_TOPIC_IDS
    session_id, epoch = request.session_id, request.session_epoch
    interest: FetchInterest
    if epoch in (INITIAL_EPOCH, FINAL_EPOCH):
        if session_id != NO_SESSION:
            sessions.remove(session_id)
        interest = FetchInterest()
        if epoch == INITIAL_EPOCH and request.topics:
            created = sessions.create(
                privileged=_replica_id(request) >= 0, uses_topic_ids=by_id, now_ms=now_ms
            )
            interest = created or interest
        _add_requested(interest, request)
        return interest, False
    if session_id == NO_SESSION:
        raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    interest = sessions.use(session_id, epoch, uses_topic_ids=by_id, now_ms=now_ms)
    for topic in request.forgotten_topics_data:
        name = topic.topic_id if topic.topic_id != ZERO_UUID else topic.topic
        for index in topic.partitions:
            interest.forget((name, index))
    _add_requested(interest, request)
    return interest, True


def _add_requested(interest: FetchInterest, request: FetchRequest) -> None:
    seen: set[Any] = set()
    for topic in request.topics:
        for wanted in topic.partitions:
            entry = FetchEntry(topic.topic, topic.topic_id, wanted.partition)
            if entry.key in seen:
                continue
            seen.add(entry.key)
            entry.fetch_offset = wanted.fetch_offset
            entry.max_bytes = wanted.partition_max_bytes
            entry.current_leader_epoch = wanted.current_leader_epoch
            entry.last_fetched_epoch = wanted.last_fetched_epoch
            interest.add(entry)


def _replica_id(request: FetchRequest) -> int:
    """The fetching replica, or -1 for a consumer (v15 moved it into a tagged struct)."""
    state = request.replica_state
    if state is not None and state.replica_id >= 0:
        return state.replica_id
    return request.replica_id


class Reading(NamedTuple):
    """One try at a fetch: (entry, its answer) pairs, their bytes, and whether it must be sent."""

    answers: list[tuple[FetchEntry, PartitionData]]
    size_bytes: int
    urgent: bool


class PendingFetch:
    """A fetch between its request and its answer; `Waiting` while it is parked."""

    __slots__ = ("context", "incremental", "interest", "replica_id", "request")

    def __init__(
        self,
        context: RequestContext,
        request: FetchRequest,
        interest: FetchInterest,
        *,
        incremental: bool,
    ) -> None:
        self.context = context
        self.request = request
        self.interest = interest
        self.incremental = incremental
        self.replica_id = _replica_id(request)

    def start(self) -> None:
        """Read once; answer if that is enough, else park until the deadline."""
        reading = self._read()
        wait_ms = self.request.max_wait_ms
        if self._enough(reading) or wait_ms <= 0 or not self.interest.entries:
            self._answer(reading)
            return
        self._release(reading)
        self.interest.waiting = self
        for entry in self.interest.entries.values():
            self.interest.watch(entry)
        self.context.exchange.when_closed(self._lost)
        self.context.services.purgatory.park(self, wait_ms)

    def try_complete(self) -> None:
        """A partition changed: answer if that made it enough."""
        reading = self._read()
        if self._enough(reading):
            self._leave()
            self._answer(reading)
        else:
            self._release(reading)

    def expire(self) -> None:
        """`max.wait.ms` is over."""
        self._leave()
        self._answer(self._read())

    def _lost(self) -> None:
        self._leave()

    def _leave(self) -> None:
        self.context.services.purgatory.release(self)
        interest = self.interest
        if interest.waiting is self:
            interest.waiting = None
        if not isinstance(interest, FetchSession):
            interest.close()

    def _enough(self, reading: Reading) -> bool:
        return reading.urgent or reading.size_bytes >= max(self.request.min_bytes, 0)

    def _read(self) -> Reading:
        request, services = self.request, self.context.services
        interest = self.interest
        remaining = min(request.max_bytes, services.settings.fetch_max_bytes)
        answers: list[tuple[FetchEntry, PartitionData]] = []
        total = 0
        urgent = False
        unresolved = 0
        entries = interest.dirty if self.incremental else interest.entries
        for entry in list(entries.values()):
            if self.incremental and remaining <= 0 and total:
                break  # The rest stays dirty and comes first in the next answer.
            try:
                partition = entry.resolve(services.replicas.resolve)
                data, pressing = self._read_partition(entry, partition, remaining, total == 0)
            except KafkaError as error:
                data = self._error_answer(entry, error)
                answers.append((entry, data))
                if error.code in _UNRESOLVED:
                    unresolved += 1
                else:
                    urgent = True
                continue
            size = _size_of(data.records)
            total += size
            remaining -= size
            urgent = urgent or pressing
            if not self.incremental or size or pressing or _has_news(entry, data):
                answers.append((entry, data))
            else:
                interest.dirty.pop(entry.key, None)
        if unresolved and unresolved == len(interest.entries):
            urgent = True
        return Reading(answers, total, urgent)

    def _read_partition(
        self, entry: FetchEntry, partition: Partition, remaining: int, first: bool
    ) -> tuple[PartitionData, bool]:
        """(the partition's answer, whether it must be told at once).

        Raises `KafkaError` 1, 6, 74, 75, 76.
        """
        partition.check_leader(entry.current_leader_epoch)
        if self.replica_id >= 0 and self.replica_id not in partition.replicas:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        if self.context.version < _VERSION_OF_ZSTD and partition.rules.codec == Codec.ZSTD:
            raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
        log = partition.log
        high_watermark = partition.high_watermark
        last_stable_offset = log.last_stable_offset(high_watermark)
        data = PartitionData(
            partition_index=entry.index,
            high_watermark=high_watermark,
            last_stable_offset=last_stable_offset,
            log_start_offset=log.log_start_offset,
            records=b"",
            aborted_transactions=None,
        )
        divergence = partition.diverges(entry.fetch_offset, entry.last_fetched_epoch)
        if divergence is not None:
            data.diverging_epoch = EpochEndOffset(epoch=divergence[0], end_offset=divergence[1])
            return data, True
        committed = self.request.isolation_level == READ_COMMITTED
        bound = last_stable_offset if committed else high_watermark
        if self.replica_id >= 0:
            bound = log.log_end_offset
        limit = min(entry.max_bytes, remaining)
        read = log.read(entry.fetch_offset, max(limit, 0), max_offset=bound, min_one_batch=first)
        if read.size:
            data.records = read.region
        if committed:
            data.aborted_transactions = [
                AbortedTransaction(producer_id=found.producer_id, first_offset=found.first_offset)
                for found in log.aborted_transactions(entry.fetch_offset, bound)
            ]
        return data, False

    def _error_answer(self, entry: FetchEntry, error: KafkaError) -> PartitionData:
        data = PartitionData(
            partition_index=entry.index,
            error_code=int(error.code),
            high_watermark=-1,
            last_stable_offset=-1,
            log_start_offset=-1,
            records=b"",
            aborted_transactions=[] if error.code in _UNRESOLVED else None,
        )
        partition = entry.partition
        if (
            partition is not None
            and error.code in _LEADER_MOVED
            and self.context.version >= _VERSION_OF_ENDPOINTS
        ):
            data.current_leader = LeaderIdAndEpoch(
                leader_id=partition.leader, leader_epoch=partition.leader_epoch
            )
        return data

    def _answer(self, reading: Reading) -> None:
        interest = self.interest
        topics: dict[Any, FetchableTopicResponse] = {}
        leaders: list[int] = []
        for entry, data in reading.answers:
            entry.told_high_watermark = data.high_watermark
            entry.told_log_start_offset = data.log_start_offset
            name = entry.key[0]  # type: ignore[index]  # keys are (topic, index)
            topic = topics.get(name)
            if topic is None:
                topic = topics[name] = FetchableTopicResponse(
                    topic=entry.topic, topic_id=entry.topic_id, partitions=[]
                )
            topic.partitions.append(data)
            if data.current_leader is not None and data.current_leader.leader_id >= 0:
                leaders.append(data.current_leader.leader_id)
            if _size_of(data.records):
                interest.to_end(entry)
            elif data.error_code == 0:
                interest.dirty.pop(entry.key, None)
        session_id = NO_SESSION
        if isinstance(interest, FetchSession):
            session_id = interest.session_id
            for entry, _ in reading.answers:
                interest.watch(entry)
        response = FetchResponse(session_id=session_id, responses=list(topics.values()))
        if leaders:
            response.node_endpoints = leader_endpoints(self.context, leaders, NodeEndpoint)
        answer(self.context, response)

    @staticmethod
    def _release(reading: Reading) -> None:
        """Unpin the regions of a try that is not sent."""
        for _, data in reading.answers:
            release = getattr(data.records, "release", None)
            if release is not None and not isinstance(data.records, memoryview):
                release()


def _size_of(records: Any) -> int:
    """Bytes of a records field: empty bytes, or a region of a segment."""
    return records.size if records else 0


def _has_news(entry: FetchEntry, data: PartitionData) -> bool:
    """An incremental answer names a partition without data only when its offsets moved."""
    return (
        data.high_watermark != entry.told_high_watermark
        or data.log_start_offset != entry.told_log_start_offset
    )
