"""OffsetFetch: what a group has committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.offset_fetch import (
    OffsetFetchRequestGroup,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopics,
)
from minikafka.protocol.records.group.offset_commit_key import OffsetCommitKey

if TYPE_CHECKING:
    from minikafka.coordinators.group.state import GroupsState
    from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue

NO_OFFSET = -1


def fetch(
    state: GroupsState, request: OffsetFetchRequestGroup, *, require_stable: bool
) -> OffsetFetchResponseGroup:
    """The offsets of one group: of the partitions asked for, or of all it has (topics null).

    "Nothing committed" and "no such group" are offset -1, not errors. With `require_stable` a
    partition whose next offset is in an open transaction answers 88 (KIP-447).
    """
    committed = state.offsets.get(request.group_id, {})
    unstable = _unstable(state, request.group_id) if require_stable else set()
    if request.topics is None:
        wanted = {name: list(partitions) for name, partitions in committed.items()}
    else:
        wanted = {topic.name: topic.partition_indexes for topic in request.topics}
    return OffsetFetchResponseGroup(
        group_id=request.group_id,
        topics=[
            OffsetFetchResponseTopics(
                name=name,
                partitions=[
                    _unstable_offset(index)
                    if (name, index) in unstable
                    else _offset(index, committed.get(name, {}).get(index))
                    for index in indexes
                ],
            )
            for name, indexes in wanted.items()
        ],
    )


def _offset(index: int, value: OffsetCommitValue | None) -> OffsetFetchResponsePartitions:
    if value is None:
        return OffsetFetchResponsePartitions(partition_index=index, committed_offset=NO_OFFSET)
    return OffsetFetchResponsePartitions(
        partition_index=index,
        committed_offset=value.offset,
        committed_leader_epoch=value.leader_epoch,
        metadata=value.metadata,
    )


def _unstable_offset(index: int) -> OffsetFetchResponsePartitions:
    return OffsetFetchResponsePartitions(
        partition_index=index,
        committed_offset=NO_OFFSET,
        error_code=int(ErrorCode.UNSTABLE_OFFSET_COMMIT),
    )


def _unstable(state: GroupsState, group_id: str) -> set[tuple[str, int]]:
    """Partitions with an offset in an open transaction."""
    return {
        (record.key.topic, record.key.partition)
        for pending in state.pending_offsets.values()
        for record in pending
        if isinstance(record.key, OffsetCommitKey) and record.key.group == group_id
    }
