"""ShareGroupDescribe (api key 77): tells state, members and assignments of share groups
(KIP-932).
"""

from __future__ import annotations

from minikafka.protocol.types import (
    FRESH,
    ZERO_UUID,
    Bool,
    Int16,
    Int32,
    Message,
    String,
    Struct,
    Uuid,
)


class ShareGroupDescribeRequest(Message, api_key=77, versions=(1, 1), flexible=0):
    group_ids: list[String] = FRESH
    include_authorized_operations: Bool = False


class ShareGroupDescribeResponse(Message, api_key=77, versions=(1, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    groups: list[DescribedGroup] = FRESH


class DescribedGroup(Struct):
    error_code: Int16 = 0
    error_message: String | None = None
    group_id: String = ""
    group_state: String = ""
    group_epoch: Int32 = 0
    assignment_epoch: Int32 = 0
    assignor_name: String = ""
    members: list[Member] = FRESH
    # 32-bit bitfield to represent authorized operations for this group
    authorized_operations: Int32 = -0x80000000


class Member(Struct):
    member_id: String = ""
    rack_id: String | None = None
    member_epoch: Int32 = 0
    client_id: String = ""
    client_host: String = ""
    subscribed_topic_names: list[String] = FRESH
    assignment: Assignment = FRESH


class Assignment(Struct):
    topic_partitions: list[TopicPartitions] = FRESH


class TopicPartitions(Struct):
    topic_id: Uuid = ZERO_UUID
    topic_name: String = ""
    partitions: list[Int32] = FRESH
