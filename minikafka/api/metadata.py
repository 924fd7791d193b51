"""Metadata (key 3, v0-13): the brokers, and who leads the partitions of the topics asked for.

v1 rack, controller, internal flag, null for all topics · v2 cluster id · v3 throttle time · v4
creation may be forbidden · v5 offline replicas · v7 leader epoch · v8 authorized operations
(KIP-430; those of the cluster until v10) · v9 flexible · v10 topic ids in answers · v12 topics by
id (KIP-516) · v13 a top-level error.

A topic that nobody knows is created on the way, unless the request or `auto.create.topics.enable`
says no. Creation is not waited for: the client is told that the topic is unknown, asks again some
moments later, and finds it.
"""

from __future__ import annotations

from collections.abc import Iterable

from minikafka.api.authorized_operations import (
    ALL_TOPIC_OPERATIONS,
    NOT_ASKED,
    cluster_operations,
)
from minikafka.api.auto_creation import create_topics
from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.api.listener_view import NO_LEADER, ListenerView, alive_controller_id
from minikafka.metadata.image import PartitionImage, TopicImage
from minikafka.metadata.topic_names import INTERNAL_TOPICS, illegal_name_reason
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from minikafka.protocol.types import ZERO_UUID

_VERSION_OF_NULL_FOR_ALL = 1
_VERSION_OF_LISTENER_ERRORS = 6
_VERSION_OF_TOPICS_BY_ID = 12


def refuse_metadata(
    context: RequestContext, request: MetadataRequest, error: KafkaError
) -> MetadataResponse:
    """No broker and no cluster id, and the error at every topic asked for."""
    return MetadataResponse(
        error_code=int(error.code),
        topics=[
            MetadataResponseTopic(
                error_code=int(error.code), name=topic.name or "", topic_id=topic.topic_id
            )
            for topic in request.topics or ()
        ],
    )


@handles(ApiKey.METADATA, refusal=refuse_metadata)
def metadata(context: RequestContext, request: MetadataRequest) -> MetadataResponse:
    """Describe the brokers on the client's listener and the topics asked for.

    Raises `KafkaError` 42 for topic ids before v12, -1 for a topic with neither name nor id.
    """
    view = ListenerView(context)
    return MetadataResponse(
        brokers=[
            MetadataResponseBroker(node_id=broker.broker_id, host=host, port=port, rack=broker.rack)
            for broker, (host, port) in view.listed()
        ],
        cluster_id=context.services.cluster_id,
        controller_id=alive_controller_id(context),
        topics=_topics(context, request, view),
        cluster_authorized_operations=cluster_operations(
            asked=request.include_cluster_authorized_operations
        ),
    )


def _topics(
    context: RequestContext, request: MetadataRequest, view: ListenerView
) -> list[MetadataResponseTopic]:
    """Known topics in the order asked for, unknown ids before them and unknown names behind."""
    image = context.services.image
    operations = ALL_TOPIC_OPERATIONS if request.include_topic_authorized_operations else NOT_ASKED
    asked = request.topics
    if asked is None or (not asked and context.version < _VERSION_OF_NULL_FOR_ALL):
        return [_known(context, topic, view, operations) for topic in image.topics.values()]
    _check_names(context, asked)
    unknown: list[MetadataResponseTopic] = []
    names: Iterable[str]
    topic_ids = dict.fromkeys(t.topic_id for t in asked if t.topic_id != ZERO_UUID)
    if topic_ids:
        # One id in a request means that all of it goes by id; names are not looked at.
        by_id = image.topics_by_id
        names = [by_id[topic_id].name for topic_id in topic_ids if topic_id in by_id]
        unknown = [
            MetadataResponseTopic(
                error_code=int(ErrorCode.UNKNOWN_TOPIC_ID), name=None, topic_id=topic_id
            )
            for topic_id in topic_ids
            if topic_id not in by_id
        ]
    else:
        names = dict.fromkeys(topic.name for topic in asked if topic.name is not None)
    known = [
        _known(context, image.topics[name], view, operations)
        for name in names
        if name in image.topics
    ]
    missing = [name for name in names if name not in image.topics]
    return unknown + known + _missing(context, missing, request, operations)


def _check_names(context: RequestContext, asked: list[MetadataRequestTopic]) -> None:
    for topic in asked:
        if context.version < _VERSION_OF_TOPICS_BY_ID:
            if topic.name is None or topic.topic_id != ZERO_UUID:
                raise KafkaError(ErrorCode.INVALID_REQUEST)
        elif topic.name is None and topic.topic_id == ZERO_UUID:
            # Kafka 4.3 falls over it, and clients know the answer.
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)


def _missing(
    context: RequestContext, names: list[str], request: MetadataRequest, operations: int
) -> list[MetadataResponseTopic]:
    """Names without a topic: illegal (17), or unknown (3), in which case it may be created."""
    answers = []
    creatable = []
    for name in names:
        code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if illegal_name_reason(name) is not None:
            code = ErrorCode.INVALID_TOPIC_EXCEPTION
        else:
            creatable.append(name)
        answers.append(
            MetadataResponseTopic(
                error_code=int(code),
                name=name,
                is_internal=name in INTERNAL_TOPICS,
                topic_authorized_operations=operations,
            )
        )
    settings = context.services.settings
    if creatable and settings.auto_create_topics_enable and request.allow_auto_topic_creation:
        create_topics(context, creatable)
    return answers


def _known(
    context: RequestContext, topic: TopicImage, view: ListenerView, operations: int
) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name in INTERNAL_TOPICS,
        partitions=[
            _partition(context, index, partition, view)
            for index, partition in sorted(topic.partitions.items())
        ],
        topic_authorized_operations=operations,
    )


def _partition(
    context: RequestContext, index: int, partition: PartitionImage, view: ListenerView
) -> MetadataResponsePartition:
    replicas, isr = partition.replicas, partition.isr
    if context.version == 0:
        # The first clients wanted to see nodes that are there, and an error for the others.
        replicas = [broker_id for broker_id in replicas if broker_id in view.addresses]
        isr = [broker_id for broker_id in isr if broker_id in view.addresses]
    leader = view.leader(partition)
    return MetadataResponsePartition(
        error_code=int(_partition_error(context, partition, leader, replicas, isr, view)),
        partition_index=index,
        leader_id=leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=replicas,
        isr_nodes=isr,
        offline_replicas=view.offline_replicas(partition),
    )


def _partition_error(
    context: RequestContext,
    partition: PartitionImage,
    leader: int,
    replicas: list[int],
    isr: list[int],
    view: ListenerView,
) -> ErrorCode:
    if leader == NO_LEADER:
        if partition.leader in view.brokers and context.version >= _VERSION_OF_LISTENER_ERRORS:
            return ErrorCode.LISTENER_NOT_FOUND
        return ErrorCode.LEADER_NOT_AVAILABLE
    if len(replicas) < len(partition.replicas) or len(isr) < len(partition.isr):
        return ErrorCode.REPLICA_NOT_AVAILABLE
    return ErrorCode.NONE
