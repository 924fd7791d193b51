"""DeleteRecords (key 21, v0-2; KIP-107): the beginning of a partition is given up.

The log start offset moves forward; what lies below it can no longer be read, and its segments go
with the next retention check. Offset -1 stands for the high watermark.

Followers learn of it when they fetch, and say so with their next fetch. The answer waits for those
whose brokers are alive: what it calls deleted, none of them would serve as the next leader.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext, Services
from minikafka.api.dispatch import answer, handles, per_item, refused
from minikafka.metadata.topic_names import INTERNAL_TOPICS
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
    DeleteRecordsTopicResult,
)
from minikafka.replication.followers import low_watermark
from minikafka.replication.partition import Partition

_NO_OFFSET = -1

Wait = tuple[Partition, int, DeleteRecordsPartitionResult]
"""A partition, the offset below which no replica may have anything, and the answer then."""


def refuse_deletion(
    context: RequestContext, request: DeleteRecordsRequest, error: KafkaError
) -> DeleteRecordsResponse:
    """The error at every partition asked for."""
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                name=topic.name,
                partitions=[_failed(wanted, error) for wanted in topic.partitions],
            )
            for topic in request.topics
        ]
    )


@handles(ApiKey.DELETE_RECORDS, refusal=refuse_deletion)
def delete_records(
    context: RequestContext, request: DeleteRecordsRequest
) -> DeleteRecordsResponse | None:
    """Move the log start of each partition; of several offsets for one the last counts."""
    waits: list[Wait] = []

    def delete(topic: DeleteRecordsTopic) -> DeleteRecordsTopicResult:
        return DeleteRecordsTopicResult(
            name=topic.name,
            partitions=per_item(
                {p.partition_index: p for p in topic.partitions}.values(),
                lambda wanted: _delete(context, topic.name, wanted, waits),
                _failed,
            ),
        )

    response = DeleteRecordsResponse(topics=[delete(topic) for topic in request.topics])
    if not waits:
        return response
    PendingDeletion(context, request, response, waits).park()
    return None


def _delete(
    context: RequestContext, topic: str, wanted: DeleteRecordsPartition, waits: list[Wait]
) -> DeleteRecordsPartitionResult:
    """Raises `KafkaError`: 1, 3, 6, 17 internal topic, 44 when records are only compacted."""
    if topic in INTERNAL_TOPICS:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    services = context.services
    partition = services.replicas.leader(topic, wanted.partition_index)
    if partition.log.settings.cleanup_policy == frozenset({"compact"}):
        raise KafkaError(ErrorCode.POLICY_VIOLATION)
    required_offset = partition.high_watermark if wanted.offset == -1 else wanted.offset
    try:
        partition.delete_records(wanted.offset)
    except OSError as error:
        services.replicas.storage_failed(partition, error)
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR) from error
    services.purgatory.changed(partition)
    low = _low_watermark(services, partition)
    done = DeleteRecordsPartitionResult(partition_index=wanted.partition_index, low_watermark=low)
    if low < required_offset:
        waits.append((partition, required_offset, done))
        services.replicas.leading.hurry(partition)
    return done


def _low_watermark(services: Services, partition: Partition) -> int:
    brokers = services.image.brokers

    def is_alive(broker_id: int) -> bool:
        broker = brokers.get(broker_id)
        return broker is not None and not broker.fenced

    followers = partition.followers.values()
    return low_watermark(partition.log.log_start_offset, followers, is_alive)


class PendingDeletion:
    """A request that waits until every live replica has given up what it deletes."""

    __slots__ = ("context", "request", "response", "waits")

    def __init__(
        self,
        context: RequestContext,
        request: DeleteRecordsRequest,
        response: DeleteRecordsResponse,
        waits: list[Wait],
    ) -> None:
        self.context = context
        self.request = request
        self.response = response
        self.waits = waits

    def park(self) -> None:
        """Wait for every partition, at most as long as the request says."""
        for partition, _, _ in self.waits:
            partition.waiting_deletions[self] = None
        self.context.services.purgatory.park(self, self.request.timeout_ms)
        self.context.exchange.when_closed(self._leave)

    def try_complete(self) -> None:
        """A follower has moved, or the leader has gone: answer if that was the last one."""
        still = []
        for wait in self.waits:
            partition, required_offset, done = wait
            if not partition.is_leader:
                done.error_code = int(ErrorCode.NOT_LEADER_OR_FOLLOWER)
                done.low_watermark = _NO_OFFSET
            else:
                low = _low_watermark(self.context.services, partition)
                if low < required_offset:
                    still.append(wait)
                    continue
                done.low_watermark = low
            partition.waiting_deletions.pop(self, None)
        self.waits = still
        if not still:
            self._leave()
            answer(self.context, self.response)

    def expire(self) -> None:
        """The timeout is over: the leader's log start has moved, and the others will follow."""
        for _, _, done in self.waits:
            done.error_code = int(ErrorCode.REQUEST_TIMED_OUT)
        self._leave()
        answer(self.context, self.response)

    def fail(self, error: Exception) -> None:
        """Trying again has failed: a fault of ours."""
        self._leave()
        response = refused(self.context, self.request, refuse_deletion, error)
        assert response is not None, "a deletion is always answered"
        answer(self.context, response)

    def _leave(self) -> None:
        for partition, _, _ in self.waits:
            partition.waiting_deletions.pop(self, None)
        self.context.services.purgatory.release(self)


def _failed(wanted: DeleteRecordsPartition, error: KafkaError) -> DeleteRecordsPartitionResult:
    return DeleteRecordsPartitionResult(
        partition_index=wanted.partition_index,
        low_watermark=_NO_OFFSET,
        error_code=int(error.code),
    )
