"""DescribeQuorum (key 55, v0-2; KIP-595, KIP-836): the metadata quorum and how far each voter is.

v1 time of the last fetch · v2 directory ids, listeners of the nodes, messages (KIP-853). Only the
active controller knows; any broker asks it, a controller that is not active refuses.
"""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumResponsePartitionData,
    DescribeQuorumResponseTopicData,
)
from minikafka.protocol.types import Message


def refuse_description(
    context: NodeContext, request: DescribeQuorumRequest, error: KafkaError
) -> DescribeQuorumResponse:
    """The error of the whole; that somebody else leads is said of each partition."""
    if error.code is not ErrorCode.NOT_CONTROLLER:
        return DescribeQuorumResponse(error_code=int(error.code), error_message=error.message)
    code = ErrorCode.NOT_LEADER_OR_FOLLOWER
    return DescribeQuorumResponse(
        topics=[
            DescribeQuorumResponseTopicData(
                topic_name=topic.topic_name,
                partitions=[
                    DescribeQuorumResponsePartitionData(
                        partition_index=partition.partition_index, error_code=code
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


@handles(ApiKey.DESCRIBE_QUORUM, refusal=refuse_description)
async def describe_quorum(context: NodeContext, request: DescribeQuorumRequest) -> Message:
    """Have the active controller tell."""
    return await context.ask_controller(request)
