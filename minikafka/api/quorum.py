"""DescribeQuorum (key 55, v0-2; KIP-595, KIP-836): the metadata quorum and how far each voter is.

v1 time of the last fetch · v2 directory ids, listeners of the nodes, messages (KIP-853). Only the
active controller knows; any broker asks it, a controller that is not active refuses.

AddRaftVoter (80, v0-1) and RemoveRaftVoter (81, v0): who votes (KIP-853). v1 may be answered before
the change is committed.
"""

from __future__ import annotations

from typing import Any

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.metadata.topic_names import METADATA_TOPIC
from minikafka.protocol.apis import ApiKey, response_class
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.add_raft_voter import AddRaftVoterRequest
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumResponsePartitionData,
    DescribeQuorumResponseTopicData,
)
from minikafka.protocol.messages.remove_raft_voter import RemoveRaftVoterRequest
from minikafka.protocol.types import Message


def refuse_description(
    context: NodeContext, request: DescribeQuorumRequest, error: KafkaError
) -> DescribeQuorumResponse:
    """The error of the whole; that somebody else leads is said of each partition."""
    if error.code is not ErrorCode.NOT_CONTROLLER:
        return DescribeQuorumResponse(error_code=int(error.code), error_message=error.message)
    asked = [(t.topic_name, p.partition_index) for t in request.topics for p in t.partitions]
    has_quorum = asked == [(METADATA_TOPIC, 0)]
    code = ErrorCode.NOT_LEADER_OR_FOLLOWER if has_quorum else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return DescribeQuorumResponse(
        topics=[
            DescribeQuorumResponseTopicData(
                topic_name=topic.topic_name,
                partitions=[
                    DescribeQuorumResponsePartitionData(
                        partition_index=partition.partition_index,
                        error_code=code,
                        error_message=code.message,
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


def refuse_change(context: NodeContext, request: Message, error: KafkaError) -> Message:
    """Whoever does not lead says so as a member of the quorum does."""
    code, text = error.code, error.message
    if code is ErrorCode.NOT_CONTROLLER:
        code, text = ErrorCode.NOT_LEADER_OR_FOLLOWER, ""
    refusal: Any = response_class(request.api_key)()
    refusal.error_code = int(code)
    refusal.error_message = text
    return refusal  # type: ignore[no-any-return]  # the class is known by its key alone


@handles(ApiKey.ADD_RAFT_VOTER, refusal=refuse_change)
@handles(ApiKey.REMOVE_RAFT_VOTER, refusal=refuse_change)
async def change_voters(
    context: NodeContext, request: AddRaftVoterRequest | RemoveRaftVoterRequest
) -> Message:
    """Have the leader of the quorum do it, which is the active controller."""
    cluster_id = context.services.cluster_id
    if request.cluster_id not in (None, cluster_id):
        raise KafkaError(
            ErrorCode.INCONSISTENT_CLUSTER_ID,
            f'The given id "{request.cluster_id}" doesn\'t match the cluster id "{cluster_id}"',
        )
    return await context.ask_controller(request)
