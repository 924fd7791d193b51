"""CreateTopics (19) and DeleteTopics (20): what may exist, and the records that make it so.

Each topic of a request fails by itself; the texts are Kafka's, as client logs show them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.elr_safety import elr_records
from minikafka.controller.partitions import (
    assigned_partition,
    check_assignment,
    invalid_assignment,
    partition_records,
    placed_partitions,
)
from minikafka.metadata.image import TOPIC_RESOURCE
from minikafka.metadata.topic_names import METADATA_TOPIC, illegal_name_reason
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from minikafka.protocol.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.remove_topic_record import RemoveTopicRecord
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.protocol.types import ZERO_UUID
from minikafka.settings.declare import SettingError
from minikafka.settings.describe import describe_topic
from minikafka.settings.topic import validate_topic_configs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import PartitionImage, TopicImage

DEFAULT = -1
PARTITIONS_PER_REQUEST = 10_000
"""All records of a request are one batch, which followers take up to 8 MiB."""


def create_topics(
    state: ControllerState, request: CreateTopicsRequest
) -> Decision[CreateTopicsResponse]:
    """New topics. Answers come in the order asked for, refused duplicates last."""
    by_name: dict[str, list[CreatableTopic]] = {}
    for topic in request.topics:
        by_name.setdefault(topic.name, []).append(topic)
    records: list[MetadataRecord] = []
    results, refused = [], []
    budget = PARTITIONS_PER_REQUEST
    for name, asked in by_name.items():
        if len(asked) > 1:
            refused.append(_refusal(name, _invalid_request("Duplicate topic name.")))
            continue
        try:
            partitions = _new_topic(state, asked[0])
            budget -= len(partitions)
            if budget < 0:
                raise KafkaError(
                    ErrorCode.POLICY_VIOLATION,
                    "Excessively large number of partitions per request.",
                )
        except KafkaError as error:
            results.append(_refusal(name, error))
        else:
            result = _created(state, asked[0], partitions)
            results.append(result)
            if not request.validate_only:
                records += _topic_records(state, asked[0], result, partitions)
    return Decision(records, CreateTopicsResponse(topics=results + refused))


def _new_topic(state: ControllerState, asked: CreatableTopic) -> list[PartitionImage]:
    """The partitions of the topic asked for; KafkaError if it may not exist."""
    _check_name(state, asked.name)
    configs = {config.name: config.value for config in asked.configs}
    try:
        validate_topic_configs(configs, state.settings)
    except SettingError as error:
        raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from error
    if asked.assignments:
        return _assigned(state, asked)
    replication_factor = asked.replication_factor
    if replication_factor != DEFAULT and replication_factor <= 0:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    count = asked.num_partitions
    if count != DEFAULT and count <= 0:
        raise KafkaError(
            ErrorCode.INVALID_PARTITIONS,
            "Number of partitions was set to an invalid non-positive value.",
        )
    if replication_factor == DEFAULT:
        replication_factor = state.settings.default_replication_factor
    if count == DEFAULT:
        count = state.settings.num_partitions
    return placed_partitions(state, count, replication_factor)


def _check_name(state: ControllerState, name: str) -> None:
    if name == METADATA_TOPIC:
        raise _invalid_request(f"Creation of internal topic {METADATA_TOPIC} is prohibited.")
    reason = illegal_name_reason(name)
    if reason is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, reason)
    if name in state.image.topics:
        raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    other = state.colliding_topic(name)
    if other is not None:
        raise KafkaError(
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            f"Topic '{name}' collides with existing topic: {other}",
        )


def _assigned(state: ControllerState, asked: CreatableTopic) -> list[PartitionImage]:
    """Partitions on the brokers that the request names."""
    if asked.replication_factor != DEFAULT:
        raise _invalid_request(
            "A manual partition assignment was specified, but replication factor was not set to -1."
        )
    if asked.num_partitions != DEFAULT:
        raise _invalid_request(
            "A manual partition assignment was specified, but numPartitions was not set to -1."
        )
    partitions: dict[int, PartitionImage] = {}
    replication_factor: int | None = None
    for assignment in asked.assignments:
        index = assignment.partition_index
        if index in partitions:
            raise invalid_assignment(
                f"Found multiple manual partition assignments for partition {index}"
            )
        check_assignment(state, assignment.broker_ids, replication_factor)
        replication_factor = len(assignment.broker_ids)
        partitions[index] = assigned_partition(state, index, assignment.broker_ids)
    if sorted(partitions) != list(range(len(partitions))):
        raise invalid_assignment("partitions should be a consecutive 0-based integer sequence")
    return [partitions[index] for index in range(len(partitions))]


def _created(
    state: ControllerState, asked: CreatableTopic, partitions: list[PartitionImage]
) -> CreatableTopicResult:
    image = state.image
    described = describe_topic(
        {config.name: config.value or "" for config in asked.configs},
        state.settings,
        image.broker_configs(state.settings.node_id),
        image.cluster_configs,
    )
    return CreatableTopicResult(
        name=asked.name,
        topic_id=state.new_uuid(),
        error_message=None,
        num_partitions=len(partitions),
        replication_factor=len(partitions[0].replicas),
        configs=[
            CreatableTopicConfigs(
                name=entry.name,
                value=entry.value,
                read_only=entry.read_only,
                config_source=entry.source,
                is_sensitive=entry.sensitive,
            )
            for entry in described
        ],
    )


def _topic_records(
    state: ControllerState,
    asked: CreatableTopic,
    result: CreatableTopicResult,
    partitions: list[PartitionImage],
) -> Iterable[MetadataRecord]:
    yield TopicRecord(name=asked.name, topic_id=result.topic_id)
    changed = {config.name: config.value for config in asked.configs}
    for name, value in changed.items():
        yield ConfigRecord(
            resource_type=TOPIC_RESOURCE, resource_name=asked.name, name=name, value=value
        )
    yield from elr_records(state, (TOPIC_RESOURCE, asked.name), changed)
    yield from partition_records(state, result.topic_id, partitions)


def delete_topics(
    state: ControllerState, request: DeleteTopicsRequest, version: int
) -> Decision[DeleteTopicsResponse]:
    """Topics named (up to v5) or named or identified (v6) are removed, with their configs."""
    if not state.settings.delete_topic_enable:
        if version < 3:
            raise _invalid_request("This version does not support topic deletion.")
        raise KafkaError(ErrorCode.TOPIC_DELETION_DISABLED)
    asked = request.topics or [DeleteTopicState(name=name) for name in request.topic_names]
    records: list[MetadataRecord] = []
    responses = []
    for state_asked in _distinct(asked):
        result = DeletableTopicResult(name=state_asked.name, topic_id=state_asked.topic_id)
        try:
            topic = _topic_to_delete(state, state_asked, asked)
        except KafkaError as error:
            result.error_code = error.code
            result.error_message = error.message
        else:
            result.name = topic.name
            result.topic_id = topic.topic_id
            records.append(RemoveTopicRecord(topic_id=topic.topic_id))
        responses.append(result)
    return Decision(records, DeleteTopicsResponse(responses=responses))


def _distinct(asked: list[DeleteTopicState]) -> list[DeleteTopicState]:
    return list({(topic.name, topic.topic_id): topic for topic in asked}.values())


def _topic_to_delete(
    state: ControllerState, wanted: DeleteTopicState, asked: list[DeleteTopicState]
) -> TopicImage:
    if wanted.name is None and wanted.topic_id == ZERO_UUID:
        raise _invalid_request("Neither topic name nor id were specified.")
    if wanted.name is not None and wanted.topic_id != ZERO_UUID:
        raise _invalid_request("You may not specify both topic name and topic id.")
    if asked.count(wanted) > 1:
        what = "name" if wanted.name is not None else "id"
        raise _invalid_request(f"Duplicate topic {what}.")
    if wanted.name is None:
        topic = state.image.topics_by_id.get(wanted.topic_id)
        if topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
        return topic
    topic = state.image.topics.get(wanted.name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if any(other.topic_id == topic.topic_id for other in asked):
        raise _invalid_request("The provided topic name maps to an ID that was already supplied.")
    return topic


def _refusal(name: str, error: KafkaError) -> CreatableTopicResult:
    return CreatableTopicResult(name=name, error_code=error.code, error_message=error.message)


def _invalid_request(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, text)
