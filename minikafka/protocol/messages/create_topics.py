"""CreateTopics (api key 19): creates topics with partitions, placement and configs.

v4: -1 asks for the broker's default partition count and replication factor (KIP-464).
v5: the response tells the configs of each topic (KIP-525).
v6: THROTTLING_QUOTA_EXCEEDED may be returned (KIP-599).
v7: the response tells topic ids (KIP-516).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int8,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uuid,
    ignorable,
    since,
    tag,
)


class CreateTopicsRequest(Message, api_key=19, versions=(2, 7), flexible=5):
    topics: list[CreatableTopic] = FRESH
    timeout_ms: Int32 = 60000
    # if true, check that the topics can be created as specified, but don't create anything
    validate_only: Bool = False


class CreatableTopic(Struct):
    name: String = ""
    # number of partitions to create in the topic, or -1 if we are either specifying a
    # manual partition assignment or using the default partitions
    num_partitions: Int32 = 0
    # number of replicas to create for each partition in the topic, or -1 if we are either
    # specifying a manual partition assignment or using the default replication factor
    replication_factor: Int16 = 0
    # manual partition assignment, or the empty array if we are using automatic assignment
    assignments: list[CreatableReplicaAssignment] = FRESH
    configs: list[CreatableTopicConfig] = FRESH


class CreatableReplicaAssignment(Struct):
    partition_index: Int32 = 0
    broker_ids: list[Int32] = FRESH


class CreatableTopicConfig(Struct):
    name: String = ""
    value: String | None = ""


class CreateTopicsResponse(Message, api_key=19, versions=(2, 7), flexible=5):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    topics: list[CreatableTopicResult] = FRESH


class CreatableTopicResult(Struct):
    name: String = ""
    topic_id: Annotated[Uuid, since(7), ignorable] = ZERO_UUID
    error_code: Int16 = 0
    error_message: Annotated[String | None, ignorable] = ""
    # optional topic config error returned if configs are not returned in the response
    topic_config_error_code: Annotated[Int16, tag(0, 5), ignorable] = 0
    num_partitions: Annotated[Int32, since(5), ignorable] = -1
    replication_factor: Annotated[Int16, since(5), ignorable] = -1
    configs: Annotated[list[CreatableTopicConfigs] | None, since(5), ignorable] = FRESH


class CreatableTopicConfigs(Struct):
    name: String = ""
    value: String | None = ""
    read_only: Bool = False
    config_source: Annotated[Int8, ignorable] = -1
    is_sensitive: Bool = False
