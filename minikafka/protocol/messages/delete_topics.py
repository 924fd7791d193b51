"""DeleteTopics (api key 20): deletes topics by name or id.

v3: TOPIC_DELETION_DISABLED may be returned.
v5: error messages; THROTTLING_QUOTA_EXCEEDED may be returned (KIP-599).
v6: topics instead of topic_names: by name or by id (KIP-516).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uuid,
    ignorable,
    null_since,
    since,
    until,
)


class DeleteTopicsRequest(Message, api_key=20, versions=(1, 6), flexible=4):
    topics: Annotated[list[DeleteTopicState], since(6)] = FRESH
    topic_names: Annotated[list[String], until(5), ignorable] = FRESH
    # length of time in milliseconds to wait for the deletions to complete
    timeout_ms: Int32 = 0


class DeleteTopicState(Struct):
    name: String | None = None
    topic_id: Uuid = ZERO_UUID


class DeleteTopicsResponse(Message, api_key=20, versions=(1, 6), flexible=4):
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    responses: list[DeletableTopicResult] = FRESH


class DeletableTopicResult(Struct):
    name: Annotated[String | None, null_since(6)] = ""
    topic_id: Annotated[Uuid, since(6), ignorable] = ZERO_UUID
    error_code: Int16 = 0
    error_message: Annotated[String | None, since(5), ignorable] = None
