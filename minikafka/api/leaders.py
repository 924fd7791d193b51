"""ElectLeaders (key 43, v0-2; KIP-183): the controller elects again.

v0 preferred leaders only · v1 type of the election (KIP-460), error of the whole request.
"""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)
from minikafka.protocol.types import Message


def refuse_elections(
    context: NodeContext, request: ElectLeadersRequest, error: KafkaError
) -> ElectLeadersResponse:
    """The error at every partition asked for, and at the top where there is a field for it."""
    code = int(error.code)
    # As in Kafka, a text that says no more than the code is not sent.
    message = None if error.message == error.code.message else error.message
    return ElectLeadersResponse(
        error_code=code if context.version >= 1 else 0,
        replica_election_results=[
            ReplicaElectionResult(
                topic=topic.topic,
                partition_result=[
                    PartitionResult(partition_id=index, error_code=code, error_message=message)
                    for index in topic.partitions
                ],
            )
            for topic in request.topic_partitions or []
        ],
    )


@handles(ApiKey.ELECT_LEADERS, refusal=refuse_elections)
async def elect_leaders(context: NodeContext, request: ElectLeadersRequest) -> Message:
    """Have the controller elect."""
    return await context.ask_controller(request)
