"""DescribeProducers (key 61, v0; KIP-664): who writes idempotently to a partition.

Asked of the partition's leader, which reads it off the producer state of its log.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, per_item
from minikafka.metadata.topic_names import illegal_name_reason
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicRequest,
    TopicResponse,
)


def refuse_producers(
    context: RequestContext, request: DescribeProducersRequest, error: KafkaError
) -> DescribeProducersResponse:
    """The error at every partition."""
    return DescribeProducersResponse(
        topics=[
            TopicResponse(
                name=topic.name,
                partitions=[_failed(index, error) for index in topic.partition_indexes],
            )
            for topic in request.topics
        ]
    )


@handles(ApiKey.DESCRIBE_PRODUCERS, refusal=refuse_producers)
def describe_producers(
    context: RequestContext, request: DescribeProducersRequest
) -> DescribeProducersResponse:
    """List the producers of each partition."""
    return DescribeProducersResponse(
        topics=[
            TopicResponse(name=topic.name, partitions=_partitions(context, topic))
            for topic in request.topics
        ]
    )


def _partitions(context: RequestContext, topic: TopicRequest) -> list[PartitionResponse]:
    reason = illegal_name_reason(topic.name)
    whole_topic: KafkaError | None = None
    if reason is not None:
        whole_topic = KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, reason)
    elif topic.name not in context.services.image.topics:
        whole_topic = KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if whole_topic is not None:
        return [_failed(index, whole_topic) for index in topic.partition_indexes]

    def describe(index: int) -> PartitionResponse:
        return _describe(context, topic.name, index)

    return per_item(
        topic.partition_indexes,
        describe,
        # Of a topic that exists, the code alone tells what is wrong with a partition.
        lambda index, error: PartitionResponse(partition_index=index, error_code=int(error.code)),
    )


def _describe(context: RequestContext, topic: str, index: int) -> PartitionResponse:
    """Raises `KafkaError`: 3 no such partition, 6 not led here, 56 its directory has failed."""
    producers = context.services.replicas.leader(topic, index).log.producers
    return PartitionResponse(
        partition_index=index,
        active_producers=[
            ProducerState(
                producer_id=producer.producer_id,
                producer_epoch=producer.epoch,
                last_sequence=producer.last_sequence,
                last_timestamp=producer.last_timestamp,
                coordinator_epoch=producer.coordinator_epoch,
                current_txn_start_offset=producer.transaction_first_offset,
            )
            for producer in producers.entries.values()
        ],
    )


def _failed(index: int, error: KafkaError) -> PartitionResponse:
    return PartitionResponse(
        partition_index=index, error_code=int(error.code), error_message=error.message or None
    )
