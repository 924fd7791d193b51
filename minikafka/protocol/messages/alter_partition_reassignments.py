"""AlterPartitionReassignments (api key 45): moves partitions to other replicas, or stops such
moves (KIP-455).

v1: adds the ability to allow/disallow changing the replication factor as part of the request.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    Bool,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    ignorable,
    since,
)


class AlterPartitionReassignmentsRequest(Message, api_key=45, versions=(0, 1), flexible=0):
    timeout_ms: Int32 = 60000
    allow_replication_factor_change: Annotated[Bool, since(1)] = True
    topics: list[ReassignableTopic] = FRESH


class ReassignableTopic(Struct):
    name: String = ""
    partitions: list[ReassignablePartition] = FRESH


class ReassignablePartition(Struct):
    partition_index: Int32 = 0
    # replicas to place the partitions on, or null to cancel a pending reassignment for this
    # partition
    replicas: list[Int32] | None = None


class AlterPartitionReassignmentsResponse(Message, api_key=45, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    allow_replication_factor_change: Annotated[Bool, since(1), ignorable] = True
    error_code: Int16 = 0
    error_message: String | None = ""
    responses: list[ReassignableTopicResponse] = FRESH


class ReassignableTopicResponse(Struct):
    name: String = ""
    partitions: list[ReassignablePartitionResponse] = FRESH


class ReassignablePartitionResponse(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = ""
