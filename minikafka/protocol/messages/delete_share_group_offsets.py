"""DeleteShareGroupOffsets (api key 92): deletes the offsets of a share group's topics (KIP-932)."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int16, Int32, Message, String, Struct, Uuid


class DeleteShareGroupOffsetsRequest(Message, api_key=92, versions=(0, 0), flexible=0):
    group_id: String = ""
    topics: list[DeleteShareGroupOffsetsRequestTopic] = FRESH


class DeleteShareGroupOffsetsRequestTopic(Struct):
    topic_name: String = ""


class DeleteShareGroupOffsetsResponse(Message, api_key=92, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: String | None = None
    responses: list[DeleteShareGroupOffsetsResponseTopic] = FRESH


class DeleteShareGroupOffsetsResponseTopic(Struct):
    topic_name: String = ""
    topic_id: Uuid = ZERO_UUID
    error_code: Int16 = 0
    error_message: String | None = None
