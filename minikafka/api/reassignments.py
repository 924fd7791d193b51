"""AlterPartitionReassignments (key 45, v0-1) and ListPartitionReassignments (key 46, v0): KIP-455.

AlterPartitionReassignments v1 can forbid that the replication factor changes (KIP-860). The
controller decides it; what is under way stands in the metadata, so any broker can list it.
"""

from __future__ import annotations

from collections.abc import Iterable

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.metadata.image import MetadataImage
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)
from minikafka.protocol.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)
from minikafka.protocol.types import Message


def refuse_reassignments(
    context: NodeContext, request: AlterPartitionReassignmentsRequest, error: KafkaError
) -> AlterPartitionReassignmentsResponse:
    """The error of the whole and at every partition."""
    code = int(error.code)
    return AlterPartitionReassignmentsResponse(
        error_code=code,
        error_message=None,
        responses=[
            ReassignableTopicResponse(
                name=topic.name,
                partitions=[
                    ReassignablePartitionResponse(
                        partition_index=partition.partition_index,
                        error_code=code,
                        error_message=None,
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ],
    )


@handles(ApiKey.ALTER_PARTITION_REASSIGNMENTS, refusal=refuse_reassignments)
async def alter_partition_reassignments(
    context: NodeContext, request: AlterPartitionReassignmentsRequest
) -> Message:
    """Have the controller begin, change or cancel reassignments."""
    return await context.ask_controller(request)


@handles(ApiKey.LIST_PARTITION_REASSIGNMENTS)
def list_partition_reassignments(
    context: NodeContext, request: ListPartitionReassignmentsRequest
) -> ListPartitionReassignmentsResponse:
    """What is under way, of the partitions asked for or (null) of all."""
    image = context.services.image
    if request.topics is None:
        asked: Iterable[tuple[str, Iterable[int]]] = (
            (topic.name, topic.partitions) for topic in image.topics.values()
        )
    else:
        asked = ((topic.name, topic.partition_indexes) for topic in request.topics)
    ongoing = (
        OngoingTopicReassignment(name=name, partitions=_ongoing(image, name, indexes))
        for name, indexes in asked
    )
    return ListPartitionReassignmentsResponse(
        error_message=None, topics=[topic for topic in ongoing if topic.partitions]
    )


def _ongoing(
    image: MetadataImage, topic: str, indexes: Iterable[int]
) -> list[OngoingPartitionReassignment]:
    found = ((index, image.partition(topic, index)) for index in indexes)
    return [
        OngoingPartitionReassignment(
            partition_index=index,
            replicas=partition.replicas,
            adding_replicas=partition.adding_replicas,
            removing_replicas=partition.removing_replicas,
        )
        for index, partition in found
        if partition is not None and partition.is_reassigning
    ]
