"""OffsetCommit and OffsetDelete: what a group has consumed, written down and taken back.

The caller has looked topics up: every topic here exists, with its name and its id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.group import records
from minikafka.coordinators.group.classic_group import CONSUMER_PROTOCOL_TYPE, GroupState
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from minikafka.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue

if TYPE_CHECKING:
    from minikafka.coordinators.decision import Decision, Moment, Waiter
    from minikafka.coordinators.group.classic_group import ClassicGroup
    from minikafka.coordinators.group.state import GroupsState

_GROUP_NOT_FOUND_SINCE = 9
_END_OF_TIME_MS = 2**63 - 1
_NO_RETENTION = -1


def commit(
    state: GroupsState,
    request: OffsetCommitRequest,
    version: int,
    waiter: Waiter,
    decision: Decision,
    now: Moment,
) -> None:
    """Decide an OffsetCommit. Raises KafkaError 22, 25, 27, 69, 82 for all of it."""
    group = state.groups.get(request.group_id)
    if group is not None:
        check_committer(group, request)
        member = group.members.get(request.member_id)
        if member is not None:
            # Committing is a sign of life, too.
            state.extend_session(group, member, now.now_ms)
    elif request.generation_id_or_member_epoch >= 0:
        if version >= _GROUP_NOT_FOUND_SINCE:
            raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    expire_timestamp = records.NO_EXPIRY
    if request.retention_time_ms != _NO_RETENTION:
        expire_timestamp = min(now.wall_ms + request.retention_time_ms, _END_OF_TIME_MS)
    longest = state.settings.offset_metadata_max_bytes
    response = OffsetCommitResponse()
    for topic in request.topics:
        answers = []
        for partition in topic.partitions:
            answer = OffsetCommitResponsePartition(partition_index=partition.partition_index)
            answers.append(answer)
            if len((partition.committed_metadata or "").encode()) > longest:
                answer.error_code = int(ErrorCode.OFFSET_METADATA_TOO_LARGE)
                continue
            value = _value(partition, now.wall_ms)
            value.expire_timestamp = expire_timestamp
            value.topic_id = topic.topic_id
            decision.records.append(
                records.offset_commit(
                    request.group_id, topic.name, partition.partition_index, value
                )
            )
        response.topics.append(
            OffsetCommitResponseTopic(name=topic.name, topic_id=topic.topic_id, partitions=answers)
        )
    decision.answer(waiter, response)


def _value(partition: OffsetCommitRequestPartition, wall_ms: int) -> OffsetCommitValue:
    return OffsetCommitValue(
        offset=partition.committed_offset,
        leader_epoch=partition.committed_leader_epoch,
        metadata=partition.committed_metadata or "",
        commit_timestamp=wall_ms,
    )


def check_committer(group: ClassicGroup, request: OffsetCommitRequest) -> None:
    """Only members of the present generation may commit, or anybody while there is none.

    Raises KafkaError 22, 25, 27, 82.
    """
    generation, member_id = request.generation_id_or_member_epoch, request.member_id
    if generation < 0 and group.state is GroupState.EMPTY:
        return
    if generation < 0 and not member_id and request.group_instance_id is None:
        raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
    group.check_member(member_id, request.group_instance_id)
    group.check_generation(generation)
    if group.state is GroupState.COMPLETING_REBALANCE:
        # The generation is right, yet nobody has been assigned anything in it.
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)


def delete(
    state: GroupsState, request: OffsetDeleteRequest, waiter: Waiter, decision: Decision
) -> None:
    """Decide an OffsetDelete. Raises KafkaError 68, 69 for all of it."""
    group = state.groups.get(request.group_id)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
    if group.state is not GroupState.EMPTY and group.protocol_type != CONSUMER_PROTOCOL_TYPE:
        # Nobody can tell what such members read.
        raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
    topics = [_delete_topic(state, group, topic, decision) for topic in request.topics]
    decision.answer(waiter, OffsetDeleteResponse(topics=topics))


def _delete_topic(
    state: GroupsState,
    group: ClassicGroup,
    topic: OffsetDeleteRequestTopic,
    decision: Decision,
) -> OffsetDeleteResponseTopic:
    in_use = group.state is not GroupState.EMPTY and group.reads(topic.name)
    committed = state.offsets.get(group.group_id, {}).get(topic.name, {})
    answers = []
    for partition in topic.partitions:
        index = partition.partition_index
        answer = OffsetDeleteResponsePartition(partition_index=index)
        if in_use:
            answer.error_code = int(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
        elif index in committed:
            decision.records.append(records.offset_tombstone(group.group_id, topic.name, index))
        answers.append(answer)
    return OffsetDeleteResponseTopic(name=topic.name, partitions=answers)
