"""StreamsGroupTargetAssignmentMemberValue (record type 21): the tasks that a member shall have."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int32, Message, String, Struct


class StreamsGroupTargetAssignmentMemberValue(Message, api_key=21, versions=(0, 0), flexible=0):
    # currently assigned active tasks for this streams client
    active_tasks: list[TaskIds] = FRESH
    # currently assigned standby tasks for this streams client
    standby_tasks: list[TaskIds] = FRESH
    # currently assigned warm-up tasks for this streams client
    warmup_tasks: list[TaskIds] = FRESH


class TaskIds(Struct):
    subtopology_id: String = ""
    partitions: list[Int32] = FRESH
