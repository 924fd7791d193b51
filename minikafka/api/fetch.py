"""Fetch (key 1, v4-18): regions of the log for consumers, at once or when there is enough.

v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch of the client (KIP-320) · v10 zstd ·
v11 rack (KIP-392) · v12 last fetched epoch and divergence (KIP-595) · v13 topic ids (KIP-516) ·
v15 replica state · v16 node endpoints (KIP-951) · v17, v18 fields of the metadata quorum.

An answer carries whole regions of segment files; nothing of a batch is decoded. Below `min.bytes`
the request waits in purgatory. Errors found while reading answer at once, and so does a partition
that leaves while the fetch waits; names that could not be resolved wait beside those that could.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from minikafka.api.context import RequestContext, Services
from minikafka.api.dispatch import answer, handles, refused
from minikafka.api.fetch_replica import Asked, serve_replica
from minikafka.api.fetch_single import serve_single
from minikafka.api.leader_hints import leader_endpoints
from minikafka.network.connection import Exchange
from minikafka.protocol.apis import ApiKey, response_header_version
from minikafka.protocol.codec import encoder
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
    ReplicaState,
)
from minikafka.protocol.types import ZERO_UUID
from minikafka.replication.fetch_session import (
    CONSUMER,
    FINAL_EPOCH,
    INITIAL_EPOCH,
    NO_SESSION,
    FetchEntry,
    FetchInterest,
    FetchSession,
    key_of,
)
from minikafka.replication.followers import UNKNOWN
from minikafka.replication.nearest_replica import NO_PREFERENCE, nearest_replica
from minikafka.replication.partition import NO_EPOCH, Partition
from minikafka.runtime.disk import FileRegion

READ_UNCOMMITTED = 0
READ_COMMITTED = 1
_UNRESOLVED = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID)
_LEADER_MOVED = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH)
_SESSION_ERRORS = (
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
)
_VERSION_OF_FOLLOWER_FETCH = 11
_VERSION_OF_TOPIC_IDS = 13
_VERSION_OF_ENDPOINTS = 16


def refuse_fetch(
    context: RequestContext, request: FetchRequest, error: KafkaError
) -> FetchResponse:
    """The error stands at the top (v7+) and, unless it is the session's, at each partition that
    the request names; requests by id name none.
    """
    response = FetchResponse(error_code=int(error.code), responses=[])
    if error.code not in _SESSION_ERRORS and context.version < _VERSION_OF_TOPIC_IDS:
        for topic in filter(lambda topic: topic.partitions, request.topics):
            failures = [_failure(wanted.partition, error) for wanted in topic.partitions]
            response.responses.append(
                FetchableTopicResponse(topic=topic.topic, partitions=failures)
            )
    return response


def _serve_usual(
    services: Services,
    exchange: Exchange,
    frame: memoryview,
    position: int,
    version: int,
    correlation_id: int,
) -> bool:
    """A follower's, or a consumer's of one partition."""
    request = (services, exchange, frame, position, version, correlation_id)
    return serve_replica(*request, _wait_in_general) or serve_single(*request)


def _wait_in_general(
    services: Services, exchange: Exchange, session: FetchSession, asked: Asked
) -> PendingFetch:
    """What a follower waits for, as any other fetch of its session."""
    state = ReplicaState(replica_id=session.replica_id, replica_epoch=session.broker_epoch)
    request = FetchRequest(
        min_bytes=asked.min_bytes,
        max_bytes=asked.max_bytes,
        replica_state=state,
    )
    context = RequestContext(
        services,
        exchange,
        ApiKey.FETCH,
        asked.version,
        asked.correlation_id,
        None,
        response_header_version(ApiKey.FETCH, asked.version),
        encoder(FetchResponse, asked.version),
    )
    fetch = PendingFetch(context, request, session, incremental=True)
    fetch.wait(asked.wait_ms)
    return fetch


@handles(ApiKey.FETCH, refusal=refuse_fetch, shortcut=_serve_usual)
def fetch(context: RequestContext, request: FetchRequest) -> None:
    """Answer at once or park; the exchange is answered by `PendingFetch`."""
    interest, incremental = _open(context, request)
    if request.isolation_level not in (READ_UNCOMMITTED, READ_COMMITTED):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)  # Nothing better, says Kafka.
    PendingFetch(context, request, interest, incremental=incremental).start()


def _open(context: RequestContext, request: FetchRequest) -> tuple[FetchInterest, bool]:
    """(what to read, whether only changes are told), by session id and epoch (KIP-227)."""
    sessions = context.services.fetch_sessions
    now_ms = context.now_ms()
    by_id = context.version >= _VERSION_OF_TOPIC_IDS
    session_id, epoch = request.session_id, request.session_epoch
    replica_id = _replica_id(request)
    interest: FetchInterest
    if epoch in (INITIAL_EPOCH, FINAL_EPOCH):
        if session_id != NO_SESSION:
            sessions.remove(session_id)
        interest = FetchInterest(replica_id)
        if epoch == INITIAL_EPOCH:
            created = sessions.create(replica_id=replica_id, uses_topic_ids=by_id, now_ms=now_ms)
            interest = created or interest
        _add_requested(interest, request)
        return interest, False
    if session_id == NO_SESSION:
        raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    session = sessions.use(session_id, epoch, uses_topic_ids=by_id, now_ms=now_ms)
    session.now_as(_broker_epoch(request))
    interest = session
    _add_requested(interest, request)
    for topic in request.forgotten_topics_data:
        for index in topic.partitions:
            interest.forget(key_of(topic.topic, topic.topic_id, index))
    if interest.entries:
        return interest, True
    # Nothing is left of the session: it ends, and what the request names is fetched without one.
    sessions.remove(session_id)
    interest = FetchInterest(replica_id)
    _add_requested(interest, request)
    return interest, False


def _add_requested(interest: FetchInterest, request: FetchRequest) -> None:
    for topic in request.topics:
        for wanted in topic.partitions:
            entry = FetchEntry(topic.topic, topic.topic_id, wanted.partition)
            entry.fetch_offset = wanted.fetch_offset
            entry.max_bytes = wanted.partition_max_bytes
            # Anything below 0 is none, in a fetch.
            entry.current_leader_epoch = max(wanted.current_leader_epoch, NO_EPOCH)
            entry.last_fetched_epoch = wanted.last_fetched_epoch
            entry.log_start_offset = wanted.log_start_offset
            interest.add(entry)


def _replica_id(request: FetchRequest) -> int:
    """The fetching replica, or -1 for a consumer (v15 moved it into a tagged struct)."""
    state = request.replica_state
    if state is not None and state.replica_id >= 0:
        return state.replica_id
    return max(request.replica_id, CONSUMER)


def _broker_epoch(request: FetchRequest) -> int:
    """The registration of the fetching replica, -1 if it does not tell."""
    return NO_EPOCH if request.replica_state is None else request.replica_state.replica_epoch


class Reading(NamedTuple):
    """One try at a fetch: (entry, its answer) pairs, their bytes, and whether it must be sent."""

    answers: list[tuple[FetchEntry, PartitionData]]
    size_bytes: int
    urgent: bool


class PendingFetch:
    """A fetch between its request and its answer; `Waiting` while it is parked.

    `is_arriving` during the first read: what a follower asks for then is what it acknowledges.
    """

    __slots__ = ("context", "incremental", "interest", "is_arriving", "replica_id", "request")

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
        self.is_arriving = True

    def start(self) -> None:
        """Read once; answer if that is enough, else park until the deadline."""
        reading = self._read()
        self.is_arriving = False
        wait_ms = self.request.max_wait_ms
        if self._enough(reading) or wait_ms <= 0 or not self.interest.entries:
            self._answer(reading)
            return
        self._release(reading)
        self.wait(wait_ms)

    def wait(self, wait_ms: int) -> None:
        """Park, for `wait_ms` at most."""
        self.is_arriving = False
        self.interest.waiting = self
        if not self.interest.is_watching:
            self.interest.watch()
        services = self.context.services
        if self.replica_id != CONSUMER:
            wait_ms = services.replicas.leading.longest_wait_ms(self.replica_id, wait_ms)
            services.replicas.leading.parked(self.replica_id, self)
        self.context.exchange.when_closed(self._lost)
        services.purgatory.park(self, wait_ms)

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

    def fail(self, error: Exception) -> None:
        """Trying again has failed: a fault of ours."""
        self._leave()
        response = refused(self.context, self.request, refuse_fetch, error)
        assert response is not None, "a fetch is always answered"
        answer(self.context, response)

    def _lost(self) -> None:
        self._leave()

    def _leave(self) -> None:
        services, interest = self.context.services, self.interest
        services.purgatory.release(self)
        if self.replica_id != CONSUMER:
            services.replicas.leading.unparked(self.replica_id, self)
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
        unresolved_count = 0
        entries = interest.dirty if self.incremental else interest.entries
        for entry in list(entries.values()):
            if self.incremental and remaining <= 0 and total and not self.is_arriving:
                break  # The rest stays dirty and comes first in the next answer.
            was_here = entry.partition is not None
            entry.drained = False
            try:
                partition = interest.partition_of(entry, self._resolve)
                data = self._read_partition(entry, partition, remaining, total == 0)
            except KafkaError as error:
                answers.append((entry, self._failure_at(entry, error)))
                if error.code in _UNRESOLVED and not was_here:
                    unresolved_count += 1
                else:
                    urgent = True
                continue
            size = _size_of(data.records)
            total += size
            remaining -= size
            goes_elsewhere = data.diverging_epoch is not None or data.preferred_read_replica >= 0
            urgent = urgent or goes_elsewhere
            if not self.incremental or size or goes_elsewhere or _has_news(entry, data):
                answers.append((entry, data))
            else:
                interest.settle(entry)
        if unresolved_count and unresolved_count == len(interest.entries):
            urgent = True
        return Reading(answers, total, urgent)

    def _resolve(self, topic: str, topic_id: UUID, index: int) -> Partition:
        """The partition that a request of this version names; raises `KafkaError`."""
        if self.context.version >= _VERSION_OF_TOPIC_IDS and topic_id == ZERO_UUID:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
        return self.context.services.replicas.resolve(topic, topic_id, index)

    def _read_partition(
        self, entry: FetchEntry, partition: Partition, remaining: int, first: bool
    ) -> PartitionData:
        """The partition's answer. Raises `KafkaError` 1, 6, 56, 74, 75."""
        self._check(entry, partition)
        log = partition.log
        divergence = partition.diverges(entry.fetch_offset, entry.last_fetched_epoch)
        if divergence is not None:
            data = self._data(entry, partition)
            data.diverging_epoch = EpochEndOffset(epoch=divergence[0], end_offset=divergence[1])
            return data
        preferred = self._preferred_replica(entry, partition)
        if preferred != NO_PREFERENCE:
            data = self._data(entry, partition)
            data.preferred_read_replica = preferred
            return data
        committed = self.request.isolation_level == READ_COMMITTED
        is_held_back = False
        if self.replica_id != CONSUMER:
            leading = self.context.services.replicas.leading
            is_held_back = leading.holds_back(partition, self.replica_id)
            bound = entry.fetch_offset if is_held_back else log.log_end_offset
        elif committed:
            bound = partition.last_stable_offset()
        else:
            bound = partition.high_watermark
        limit = max(min(entry.max_bytes, remaining), 0)
        try:
            read = log.read(
                entry.fetch_offset,
                limit,
                max_offset=bound,
                min_one_batch=first,
                min_bytes=self.request.min_bytes,
            )
        except OSError as error:
            self.context.services.replicas.storage_failed(partition, error)
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR) from error
        if self.replica_id != CONSUMER and (self.is_arriving or self._is_unheard(partition)):
            self.context.services.replicas.leading.fetched(
                partition,
                self.replica_id,
                entry.fetch_offset,
                broker_epoch=_broker_epoch(self.request),
                log_start_offset=entry.log_start_offset,
            )
        data = self._data(entry, partition)
        if read.size:
            data.records = read.region
        entry.drained = entry.fetch_offset >= bound and not is_held_back
        if committed:
            data.aborted_transactions = [
                AbortedTransaction(producer_id=found.producer_id, first_offset=found.first_offset)
                for found in log.aborted_transactions(entry.fetch_offset, bound)
            ]
        return data

    def _is_unheard(self, partition: Partition) -> bool:
        """Whether the leader has heard of the partition while the fetch that names it waited."""
        return partition.followers[self.replica_id].end_offset == UNKNOWN

    def _preferred_replica(self, entry: FetchEntry, partition: Partition) -> int:
        """The replica that this consumer should ask instead (KIP-392), -1 if there is none."""
        services, rack = self.context.services, self.request.rack_id
        if (
            not rack
            or services.settings.replica_selector_class is None
            or self.replica_id != CONSUMER
            or not partition.is_leader
        ):
            return NO_PREFERENCE
        return nearest_replica(
            partition, entry.fetch_offset, rack, services.replicas.leading.rack_of
        )

    def _check(self, entry: FetchEntry, partition: Partition) -> None:
        """Whether this broker may serve the partition to whoever asks. Raises `KafkaError`."""
        if self.replica_id != CONSUMER:
            partition.check_leader(entry.current_leader_epoch)
            self.context.services.replicas.leading.admit(
                partition,
                self.replica_id,
                _broker_epoch(self.request),
                entry.current_leader_epoch,
            )
        elif self.context.version < _VERSION_OF_FOLLOWER_FETCH:
            partition.check_leader(entry.current_leader_epoch)
        else:
            partition.check_epoch(entry.current_leader_epoch)
            if partition.retired:
                raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    @staticmethod
    def _data(entry: FetchEntry, partition: Partition) -> PartitionData:
        """An answer without records."""
        high_watermark = partition.high_watermark
        return PartitionData(
            partition_index=entry.index,
            high_watermark=high_watermark,
            last_stable_offset=partition.log.last_stable_offset(high_watermark),
            log_start_offset=partition.log.log_start_offset,
            records=b"",
            aborted_transactions=None,
        )

    def _failure_at(self, entry: FetchEntry, error: KafkaError) -> PartitionData:
        """The answer for a partition that failed, with the way to its leader."""
        data = _failure(entry.index, error)
        if error.code in _LEADER_MOVED and self.context.version >= _VERSION_OF_ENDPOINTS:
            topic = self.context.services.image.topics_by_id.get(entry.topic_id)
            known = None if topic is None else topic.partitions.get(entry.index)
            if known is not None:
                data.current_leader = LeaderIdAndEpoch(
                    leader_id=known.leader, leader_epoch=known.leader_epoch
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
            size = _size_of(data.records)
            if size:
                interest.to_end(entry)
                if self.replica_id != CONSUMER and entry.partition is not None:
                    self.context.services.replicas.leading.sent(entry.partition, size)
            interest.settle(entry)
        session_id = interest.session_id if isinstance(interest, FetchSession) else NO_SESSION
        response = FetchResponse(session_id=session_id, responses=list(topics.values()))
        if leaders and self.replica_id == CONSUMER:  # A follower has its leaders from the metadata.
            response.node_endpoints = leader_endpoints(self.context, leaders, NodeEndpoint)
        answer(self.context, response)

    @staticmethod
    def _release(reading: Reading) -> None:
        """Unpin the regions of a try that is not sent."""
        for _, data in reading.answers:
            if isinstance(data.records, FileRegion):
                data.records.release()


def _failure(index: int, error: KafkaError) -> PartitionData:
    """What is told of a partition that cannot be read: nothing but why."""
    return PartitionData(
        partition_index=index,
        error_code=int(error.code),
        high_watermark=-1,
        last_stable_offset=-1,
        log_start_offset=-1,
        records=b"",
        aborted_transactions=[] if error.code in _UNRESOLVED else None,
    )


def _size_of(records: Any) -> int:
    """Bytes of a records field: empty bytes, or a region of a segment."""
    return records.size if records else 0


def _has_news(entry: FetchEntry, data: PartitionData) -> bool:
    """An incremental answer names a partition without data only when its offsets moved."""
    return (
        data.high_watermark != entry.told_high_watermark
        or data.log_start_offset != entry.told_log_start_offset
    )
