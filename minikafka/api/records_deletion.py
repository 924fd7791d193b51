"""DeleteRecords (key 21, v0-2; KIP-107): the beginning of a partition is given up.

The log start offset moves forward; what lies below it can no longer be read, and its segments go
with the next retention check. Offset -1 stands for the high watermark.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, per_item
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

_NO_OFFSET = -1


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
def delete_records(context: RequestContext, request: DeleteRecordsRequest) -> DeleteRecordsResponse:
    """Move the log start of each partition; of several offsets for one the last counts."""

    def answer(topic: DeleteRecordsTopic) -> DeleteRecordsTopicResult:
        return DeleteRecordsTopicResult(
            name=topic.name,
            partitions=per_item(
                {p.partition_index: p for p in topic.partitions}.values(),
                lambda wanted: _delete(context, topic.name, wanted),
                _failed,
            ),
        )

    return DeleteRecordsResponse(topics=[answer(topic) for topic in request.topics])


def _delete(
    context: RequestContext, topic: str, wanted: DeleteRecordsPartition
) -> DeleteRecordsPartitionResult:
    """Raises `KafkaError`: 1, 3, 6, 17 internal topic, 44 when records are only compacted."""
    if topic in INTERNAL_TOPICS:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    replicas = context.services.replicas
    partition = replicas.leader(topic, wanted.partition_index)
    if partition.log.settings.cleanup_policy == frozenset({"compact"}):
        raise KafkaError(ErrorCode.POLICY_VIOLATION)
    try:
        low_watermark = partition.delete_records(wanted.offset)
    except OSError as error:
        replicas.storage_failed(partition, error)
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR) from error
    context.services.purgatory.changed(partition)
    return DeleteRecordsPartitionResult(
        partition_index=wanted.partition_index, low_watermark=low_watermark
    )


def _failed(wanted: DeleteRecordsPartition, error: KafkaError) -> DeleteRecordsPartitionResult:
    return DeleteRecordsPartitionResult(
        partition_index=wanted.partition_index,
        low_watermark=_NO_OFFSET,
        error_code=int(error.code),
    )
