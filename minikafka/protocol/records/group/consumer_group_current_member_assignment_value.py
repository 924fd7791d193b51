"""ConsumerGroupCurrentMemberAssignmentValue (record type 8): the partitions that a member has,
and those it must give up.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, ZERO_UUID, Int8, Int32, Message, Struct, Uuid, tag


class ConsumerGroupCurrentMemberAssignmentValue(Message, api_key=8, versions=(0, 0), flexible=0):
    # current member epoch that is expected from the member in the heartbeat request
    member_epoch: Int32 = 0
    # if the last epoch bump is lost before reaching the member, the member will retry with
    # the previous epoch
    previous_member_epoch: Int32 = 0
    # member state. See MemberState for the possible values
    state: Int8 = 0
    assigned_partitions: list[TopicPartitions] = FRESH
    # partitions that must be revoked by this member
    partitions_pending_revocation: list[TopicPartitions] = FRESH


class TopicPartitions(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[Int32] = FRESH
    # epoch at which the partition was assigned to the member. Used to fence zombie commits
    # requests. Of the same length as Partitions
    assignment_epochs: Annotated[list[Int32] | None, tag(0, 0)] = FRESH
