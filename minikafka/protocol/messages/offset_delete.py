"""OffsetDelete (api key 47): deletes a group's committed offsets of topics it no longer reads
(KIP-496).
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int16, Int32, Message, String, Struct, ignorable


class OffsetDeleteRequest(Message, api_key=47, versions=(0, 0)):
    group_id: String = ""
    topics: list[OffsetDeleteRequestTopic] = FRESH


class OffsetDeleteRequestTopic(Struct):
    name: String = ""
    partitions: list[OffsetDeleteRequestPartition] = FRESH


class OffsetDeleteRequestPartition(Struct):
    partition_index: Int32 = 0


class OffsetDeleteResponse(Message, api_key=47, versions=(0, 0)):
    error_code: Int16 = 0
    throttle_time_ms: Annotated[Int32, ignorable] = 0
    topics: list[OffsetDeleteResponseTopic] = FRESH


class OffsetDeleteResponseTopic(Struct):
    name: String = ""
    partitions: list[OffsetDeleteResponsePartition] = FRESH


class OffsetDeleteResponsePartition(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
