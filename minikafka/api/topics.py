"""CreateTopics (19), DeleteTopics (20), CreatePartitions (37): the controller decides them.

CreateTopics v2-7 · v4 -1 for the broker's defaults (KIP-464) · v5 the configs of the new topic
(KIP-525) · v7 topic id. DeleteTopics v1-6 · v5 messages · v6 by topic id (KIP-516).
CreatePartitions v0-3. Any broker may be asked: it forwards the request and passes the answer on.
"""

from __future__ import annotations

from minikafka.api.context import NodeContext
from minikafka.api.dispatch import handles
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopicResult,
)
from minikafka.protocol.messages.create_topics import (
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from minikafka.protocol.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
)
from minikafka.protocol.types import Message


def refuse_creation(
    context: NodeContext, request: CreateTopicsRequest, error: KafkaError
) -> CreateTopicsResponse:
    """The error at every topic asked for."""
    return CreateTopicsResponse(
        topics=[
            CreatableTopicResult(
                name=topic.name, error_code=int(error.code), error_message=error.message
            )
            for topic in request.topics
        ]
    )


def refuse_deletion(
    context: NodeContext, request: DeleteTopicsRequest, error: KafkaError
) -> DeleteTopicsResponse:
    """The error at every topic asked for, by name or by id."""
    code, message = int(error.code), error.message
    by_name = [
        DeletableTopicResult(name=name, error_code=code, error_message=message)
        for name in request.topic_names
    ]
    by_state = [
        DeletableTopicResult(
            name=topic.name, topic_id=topic.topic_id, error_code=code, error_message=message
        )
        for topic in request.topics
    ]
    return DeleteTopicsResponse(responses=by_name + by_state)


def refuse_partitions(
    context: NodeContext, request: CreatePartitionsRequest, error: KafkaError
) -> CreatePartitionsResponse:
    """The error at every topic asked for."""
    return CreatePartitionsResponse(
        results=[
            CreatePartitionsTopicResult(
                name=topic.name, error_code=int(error.code), error_message=error.message
            )
            for topic in request.topics
        ]
    )


@handles(ApiKey.CREATE_TOPICS, refusal=refuse_creation)
@handles(ApiKey.DELETE_TOPICS, refusal=refuse_deletion)
@handles(ApiKey.CREATE_PARTITIONS, refusal=refuse_partitions)
async def forward_to_controller(context: NodeContext, request: Message) -> Message:
    """Have the controller decide; the answer comes when the decision is committed."""
    return await context.ask_controller(request)
