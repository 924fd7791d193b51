"""ShareGroupCurrentMemberAssignmentValue (record type 14): the partitions that a share group's
member has.
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int8, Int32, Message, Struct, Uuid


class ShareGroupCurrentMemberAssignmentValue(Message, api_key=14, versions=(0, 0), flexible=0):
    # current member epoch that is expected from the member in the heartbeat request
    member_epoch: Int32 = 0
    # if the last epoch bump is lost before reaching the member, the member will retry with
    # the previous epoch
    previous_member_epoch: Int32 = 0
    # member state. See MemberState for the possible values
    state: Int8 = 0
    assigned_partitions: list[TopicPartitions] = FRESH


class TopicPartitions(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[Int32] = FRESH
