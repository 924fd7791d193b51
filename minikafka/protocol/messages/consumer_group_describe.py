"""ConsumerGroupDescribe (api key 69): tells state, members and assignments of consumer groups
(KIP-848).

v1: adds MemberType field (KIP-1099).
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
)


class ConsumerGroupDescribeRequest(Message, api_key=69, versions=(0, 1), flexible=0):
    group_ids: list[String] = FRESH
    include_authorized_operations: Bool = False


class ConsumerGroupDescribeResponse(Message, api_key=69, versions=(0, 1), flexible=0):
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
    instance_id: String | None = None
    rack_id: String | None = None
    member_epoch: Int32 = 0
    client_id: String = ""
    client_host: String = ""
    subscribed_topic_names: list[String] = FRESH
    # the subscribed topic regex otherwise or null of not provided
    subscribed_topic_regex: String | None = None
    assignment: Assignment = FRESH
    target_assignment: Assignment = FRESH
    # -1 for unknown. 0 for classic member. +1 for consumer member
    member_type: Annotated[Int8, since(1), ignorable] = -1


class Assignment(Struct):
    topic_partitions: list[TopicPartitions] = FRESH


class TopicPartitions(Struct):
    topic_id: Uuid = ZERO_UUID
    topic_name: String = ""
    partitions: list[Int32] = FRESH
