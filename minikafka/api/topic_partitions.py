"""DescribeTopicPartitions (key 75, v0; KIP-966): partitions with their eligible leaders, by pages.

Topics come in the order of their names. An answer holds at most `response_partition_limit`
partitions (and never more than `max.request.partition.size.limit`); `next_cursor` says where the
next request goes on.
"""

from __future__ import annotations

from minikafka.api.authorized_operations import ALL_TOPIC_OPERATIONS
from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.api.listener_view import ListenerView
from minikafka.metadata.image import PartitionImage, TopicImage
from minikafka.metadata.topic_names import INTERNAL_TOPICS, illegal_name_reason
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)


def refuse_description(
    context: RequestContext, request: DescribeTopicPartitionsRequest, error: KafkaError
) -> DescribeTopicPartitionsResponse:
    """The error at every topic asked for."""
    return DescribeTopicPartitionsResponse(
        topics=[
            DescribeTopicPartitionsResponseTopic(error_code=int(error.code), name=topic.name)
            for topic in request.topics
        ]
    )


@handles(ApiKey.DESCRIBE_TOPIC_PARTITIONS, refusal=refuse_description)
def describe_topic_partitions(
    context: RequestContext, request: DescribeTopicPartitionsRequest
) -> DescribeTopicPartitionsResponse:
    """Describe the topics asked for (none: all), from the cursor on.

    Raises `KafkaError` 42 for a cursor that is below 0 or at a topic that is not asked for.
    """
    image = context.services.image
    names = {topic.name for topic in request.topics} or image.topics.keys()
    start_topic, start_index = "", 0
    if request.cursor is not None:
        start_topic, start_index = request.cursor.topic_name, request.cursor.partition_index
        if start_index < 0 or (request.topics and start_topic not in names):
            raise KafkaError(ErrorCode.INVALID_REQUEST)
    limit = min(
        request.response_partition_limit,
        context.services.settings.max_request_partition_size_limit,
    )
    page = _Page(ListenerView(context), max(1, limit))
    for name in sorted(name for name in names if name >= start_topic):
        first = start_index if name == start_topic else 0
        if not page.add(name, image.topics.get(name), first):
            break
    return page.response


class _Page:
    """One answer, filled topic by topic until the limit is reached."""

    __slots__ = ("remaining", "response", "view")

    def __init__(self, view: ListenerView, limit: int) -> None:
        self.view = view
        self.remaining = limit
        self.response = DescribeTopicPartitionsResponse()

    def add(self, name: str, topic: TopicImage | None, first: int) -> bool:
        """Add partitions from index `first` on; False when the page is full."""
        if self.remaining == 0:
            self._continue_at(name, first)
            return False
        if topic is None:
            self.response.topics.append(_unknown(name))
            return True
        indexes = sorted(index for index in topic.partitions if index >= first)
        here, later = indexes[: self.remaining], indexes[self.remaining :]
        self.remaining -= len(here)
        self.response.topics.append(self._describe(topic, here))
        if later:
            self._continue_at(name, later[0])
        return not later

    def _continue_at(self, name: str, index: int) -> None:
        self.response.next_cursor = Cursor(topic_name=name, partition_index=index)

    def _describe(
        self, topic: TopicImage, indexes: list[int]
    ) -> DescribeTopicPartitionsResponseTopic:
        return DescribeTopicPartitionsResponseTopic(
            name=topic.name,
            topic_id=topic.topic_id,
            is_internal=topic.name in INTERNAL_TOPICS,
            partitions=[self._partition(index, topic.partitions[index]) for index in indexes],
            topic_authorized_operations=ALL_TOPIC_OPERATIONS,
        )

    def _partition(
        self, index: int, partition: PartitionImage
    ) -> DescribeTopicPartitionsResponsePartition:
        """A partition without a leader is no error here, unlike in Metadata."""
        return DescribeTopicPartitionsResponsePartition(
            partition_index=index,
            leader_id=self.view.leader(partition),
            leader_epoch=partition.leader_epoch,
            replica_nodes=partition.replicas,
            isr_nodes=partition.isr,
            eligible_leader_replicas=partition.elr,
            last_known_elr=partition.last_known_elr,
            offline_replicas=self.view.offline_replicas(partition),
        )


def _unknown(name: str) -> DescribeTopicPartitionsResponseTopic:
    code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if illegal_name_reason(name) is not None:
        code = ErrorCode.INVALID_TOPIC_EXCEPTION
    return DescribeTopicPartitionsResponseTopic(
        error_code=int(code), name=name, topic_authorized_operations=ALL_TOPIC_OPERATIONS
    )
