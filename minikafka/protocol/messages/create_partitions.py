"""CreatePartitions (api key 37): adds partitions to topics.

v3: may return a THROTTLING_QUOTA_EXCEEDED error in the response if the partitions creation is
    throttled (KIP-599).
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Bool, Int16, Int32, Message, String, Struct


class CreatePartitionsRequest(Message, api_key=37, versions=(0, 3), flexible=2):
    topics: list[CreatePartitionsTopic] = FRESH
    timeout_ms: Int32 = 0
    # if true, then validate the request, but don't actually increase the number of
    # partitions
    validate_only: Bool = False


class CreatePartitionsTopic(Struct):
    name: String = ""
    count: Int32 = 0
    assignments: list[CreatePartitionsAssignment] | None = FRESH


class CreatePartitionsAssignment(Struct):
    broker_ids: list[Int32] = FRESH


class CreatePartitionsResponse(Message, api_key=37, versions=(0, 3), flexible=2):
    throttle_time_ms: Int32 = 0
    results: list[CreatePartitionsTopicResult] = FRESH


class CreatePartitionsTopicResult(Struct):
    name: String = ""
    error_code: Int16 = 0
    error_message: String | None = None
