"""ListPartitionReassignments (api key 46): lists partition moves that are under way (KIP-455)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Message, String, Struct


class ListPartitionReassignmentsRequest(Message, api_key=46, versions=(0, 0), flexible=0):
    timeout_ms: Int32 = 60000
    # topics to list partition reassignments for, or null to list everything
    topics: list[ListPartitionReassignmentsTopics] | None = None


class ListPartitionReassignmentsTopics(Struct):
    name: String = ""
    partition_indexes: list[Int32] = FRESH


class ListPartitionReassignmentsResponse(Message, api_key=46, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
    topics: list[OngoingTopicReassignment] = FRESH


class OngoingTopicReassignment(Struct):
    name: String = ""
    partitions: list[OngoingPartitionReassignment] = FRESH


class OngoingPartitionReassignment(Struct):
    partition_index: Int32 = 0
    replicas: list[Int32] = FRESH
    adding_replicas: list[Int32] = FRESH
    removing_replicas: list[Int32] = FRESH
