"""StreamsGroupCurrentMemberAssignmentValue (record type 22): the tasks that a member has, and
those it must give up.
"""

from __future__ import annotations

from typing import Annotated

from minikafka.protocol.types import FRESH, Int8, Int32, Message, String, Struct, tag


class StreamsGroupCurrentMemberAssignmentValue(Message, api_key=22, versions=(0, 0), flexible=0):
    # current member epoch that is expected from the member in the heartbeat request
    member_epoch: Int32 = 0
    # if the last epoch bump is lost before reaching the member, the member will retry with
    # the previous epoch
    previous_member_epoch: Int32 = 0
    # member state. See StreamsGroupMember.MemberState for the possible values
    state: Int8 = 0
    # currently assigned active tasks for this streams client
    active_tasks: list[TaskIds] = FRESH
    # currently assigned standby tasks for this streams client
    standby_tasks: list[TaskIds] = FRESH
    # currently assigned warm-up tasks for this streams client
    warmup_tasks: list[TaskIds] = FRESH
    # active tasks that must be revoked by this member
    active_tasks_pending_revocation: list[TaskIds] = FRESH
    # standby tasks that must be revoked by this member
    standby_tasks_pending_revocation: list[TaskIds] = FRESH
    # warmup tasks that must be revoked by this member
    warmup_tasks_pending_revocation: list[TaskIds] = FRESH


class TaskIds(Struct):
    subtopology_id: String = ""
    partitions: list[Int32] = FRESH
    # epoch at which the partition was assigned to the member. Used to fence zombie commits
    # requests. Of the same length as Partitions. Only defined for active tasks
    assignment_epochs: Annotated[list[Int32] | None, tag(0, 0)] = FRESH
