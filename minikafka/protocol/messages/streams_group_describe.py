"""StreamsGroupDescribe (api key 89): tells state, topology, members and tasks of streams groups
(KIP-1071).
"""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int16,
    Int32,
    Int64,
    Message,
    String,
    Struct,
    Uint16,
)


class StreamsGroupDescribeRequest(Message, api_key=89, versions=(0, 0), flexible=0):
    group_ids: list[String] = FRESH
    include_authorized_operations: Bool = False


class StreamsGroupDescribeResponse(Message, api_key=89, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    groups: list[DescribedGroup] = FRESH


class DescribedGroup(Struct):
    error_code: Int16 = 0
    error_message: String | None = None
    group_id: String = ""
    group_state: String = ""
    group_epoch: Int32 = 0
    assignment_epoch: Int32 = 0
    # topology metadata currently initialized for the streams application. Can be null in
    # case of a describe error
    topology: Topology | None = None
    members: list[Member] = FRESH
    # 32-bit bitfield to represent authorized operations for this group
    authorized_operations: Int32 = -0x80000000


class Topology(Struct):
    # epoch of the currently initialized topology for this group
    epoch: Int32 = 0
    # subtopologies of the streams application
    subtopologies: list[Subtopology] | None = None


class Subtopology(Struct):
    subtopology_id: String = ""
    source_topics: list[String] = FRESH
    repartition_sink_topics: list[String] = FRESH
    state_changelog_topics: list[TopicInfo] = FRESH
    repartition_source_topics: list[TopicInfo] = FRESH


class TopicInfo(Struct):
    name: String = ""
    # number of partitions in the topic. Can be 0 if no specific number of partitions is
    # enforced. Always 0 for changelog topics
    partitions: Int32 = 0
    # replication factor of the topic. Can be 0 if the default replication factor should be
    # used
    replication_factor: Int16 = 0
    topic_configs: list[KeyValue] = FRESH


class KeyValue(Struct):
    key: String = ""
    value: String = ""


class Member(Struct):
    member_id: String = ""
    member_epoch: Int32 = 0
    # member instance ID for static membership
    instance_id: String | None = None
    rack_id: String | None = None
    client_id: String = ""
    client_host: String = ""
    topology_epoch: Int32 = 0
    process_id: String = ""
    # user-defined endpoint for Interactive Queries. Null if not defined for this client
    user_endpoint: Endpoint | None = None
    # used for rack-aware assignment algorithm
    client_tags: list[KeyValue] = FRESH
    # cumulative changelog offsets for tasks
    task_offsets: list[TaskOffset] = FRESH
    # cumulative changelog end offsets for tasks
    task_end_offsets: list[TaskOffset] = FRESH
    assignment: Assignment = FRESH
    target_assignment: Assignment = FRESH
    # true for classic members that have not been upgraded yet
    is_classic: Bool = False


class Endpoint(Struct):
    host: String = ""
    port: Uint16 = 0


class TaskOffset(Struct):
    subtopology_id: String = ""
    partition: Int32 = 0
    offset: Int64 = 0


class Assignment(Struct):
    active_tasks: list[TaskIds] = FRESH
    standby_tasks: list[TaskIds] = FRESH
    # warm-up tasks for this client
    warmup_tasks: list[TaskIds] = FRESH


class TaskIds(Struct):
    subtopology_id: String = ""
    partitions: list[Int32] = FRESH
