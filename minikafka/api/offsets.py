"""ListOffsets (key 2, v1-11) and OffsetForLeaderEpoch (key 23, v2-4): finding places in a log.

ListOffsets: v2 isolation level · v4 leader epochs (KIP-320) · v7 offset of the largest timestamp
(KIP-734) · v8 earliest local, v9 latest tiered (KIP-405), v11 earliest not yet uploaded: without
tiered storage the first is the log start and the others do not exist.
OffsetForLeaderEpoch (KIP-101, KIP-320): where an epoch ended; a client or follower that has more
of that epoch than the leader has something that was never committed, and cuts it off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, per_item
from minikafka.log.partition_log import PartitionLog
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from minikafka.protocol.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
    OffsetForLeaderTopicResult,
)
from minikafka.replication.partition import Partition

CONSUMER = -1
"""The replica id of a consumer; anything else is a broker, or a tool that debugs one."""
READ_UNCOMMITTED, READ_COMMITTED = 0, 1

LATEST = -1
EARLIEST = -2
MAX_TIMESTAMP = -3
EARLIEST_LOCAL = -4
LATEST_TIERED = -5
EARLIEST_PENDING_UPLOAD = -6
# The first version that knows a special timestamp.
_VERSION_OF_SPECIAL = {
    LATEST: 1,
    EARLIEST: 1,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}
_NEVER = 32767
_VERSION_OF_EPOCHS = 4
_VERSION_OF_OFFSET_NOT_AVAILABLE = 5


class Found(NamedTuple):
    """A place in a log; `NOTHING` when no record answers the question, which is no error."""

    offset: int
    timestamp: int
    leader_epoch: int


NOTHING = Found(-1, -1, -1)


def refuse_list_offsets(
    context: RequestContext, request: ListOffsetsRequest, error: KafkaError
) -> ListOffsetsResponse:
    """The error at every partition asked for."""
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[_failed_offset(wanted, error) for wanted in topic.partitions],
            )
            for topic in request.topics
        ]
    )


@handles(ApiKey.LIST_OFFSETS, refusal=refuse_list_offsets)
def list_offsets(context: RequestContext, request: ListOffsetsRequest) -> ListOffsetsResponse:
    """Find the offset of a timestamp, or of a special one, in each partition.

    An answer names a partition once: one that is asked for twice gets neither offset, but 42.
    """
    if request.isolation_level not in (READ_UNCOMMITTED, READ_COMMITTED):
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    topics: dict[str, dict[int, ListOffsetsPartition]] = {}
    repeated: set[tuple[str, int]] = set()
    for topic in request.topics:
        for wanted in topic.partitions:
            partitions = topics.setdefault(topic.name, {})
            if wanted.partition_index in partitions:
                repeated.add((topic.name, wanted.partition_index))
            partitions[wanted.partition_index] = wanted

    def answer(name: str, partitions: dict[int, ListOffsetsPartition]) -> ListOffsetsTopicResponse:
        return ListOffsetsTopicResponse(
            name=name,
            partitions=per_item(
                partitions.values(),
                lambda wanted: _offset(context, request, name, wanted, repeated),
                _failed_offset,
            ),
        )

    return ListOffsetsResponse(topics=[answer(*item) for item in topics.items()])


def _offset(
    context: RequestContext,
    request: ListOffsetsRequest,
    topic: str,
    wanted: ListOffsetsPartition,
    repeated: set[tuple[str, int]],
) -> ListOffsetsPartitionResponse:
    """Raises `KafkaError`: 42 asked twice, 35 unknown special timestamp, 3, 6, 74, 75, 5 or 78."""
    if (topic, wanted.partition_index) in repeated:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    timestamp = wanted.timestamp
    if timestamp < 0 and context.version < _VERSION_OF_SPECIAL.get(timestamp, _NEVER):
        raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
    partition = context.services.replicas.leader(
        topic, wanted.partition_index, wanted.current_leader_epoch
    )
    try:
        found = _find(context, request, partition, timestamp)
    except OSError as error:
        context.services.replicas.storage_failed(partition, error)
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR) from error
    return ListOffsetsPartitionResponse(
        partition_index=wanted.partition_index,
        timestamp=found.timestamp,
        offset=found.offset,
        leader_epoch=found.leader_epoch if context.version >= _VERSION_OF_EPOCHS else -1,
    )


def _find(
    context: RequestContext, request: ListOffsetsRequest, partition: Partition, timestamp: int
) -> Found:
    log = log_of(partition)
    if timestamp in (EARLIEST, EARLIEST_LOCAL):
        return Found(log.log_start_offset, -1, _epoch_of_log_start(partition))
    if timestamp in (LATEST_TIERED, EARLIEST_PENDING_UPLOAD):
        return NOTHING
    end = _readable_end(request, partition)
    lags = request.replica_id == CONSUMER and _lags_behind_its_epoch(partition)
    if timestamp == LATEST:
        if lags:
            raise _not_available(context.version)
        return Found(end, -1, partition.leader_epoch)
    entry = (
        log.max_timestamp_entry()
        if timestamp == MAX_TIMESTAMP
        else log.lookup_timestamp(timestamp, log.log_end_offset)
    )
    if entry is not None and entry[0] < end:
        return Found(*entry)
    if lags:
        raise _not_available(context.version)
    return NOTHING


def _readable_end(request: ListOffsetsRequest, partition: Partition) -> int:
    if request.replica_id != CONSUMER:
        return partition.log.log_end_offset
    if request.isolation_level == READ_COMMITTED:
        return partition.last_stable_offset()
    return partition.high_watermark


def _lags_behind_its_epoch(partition: Partition) -> bool:
    """Whether the high watermark is still below where this leader's epoch began.

    Just after an election it may be older than the former leader's; telling it as the end would
    let the end move backwards for a consumer.
    """
    log = log_of(partition)
    epochs = log.leader_epochs.entries()
    began = log.log_end_offset
    if epochs and epochs[-1][0] == partition.leader_epoch:
        began = epochs[-1][1]
    return partition.high_watermark < began


def log_of(partition: Partition) -> PartitionLog:
    """A replica's log with all that it can look up, beyond what a partition needs of it."""
    log = partition.log
    assert isinstance(log, PartitionLog)
    return log


def _not_available(version: int) -> KafkaError:
    if version >= _VERSION_OF_OFFSET_NOT_AVAILABLE:
        return KafkaError(ErrorCode.OFFSET_NOT_AVAILABLE)
    return KafkaError(ErrorCode.LEADER_NOT_AVAILABLE)


def _epoch_of_log_start(partition: Partition) -> int:
    log = log_of(partition)
    if log.log_start_offset == log.log_end_offset:
        return partition.leader_epoch  # The next record will be there, and of this epoch.
    return log.epoch_at(log.log_start_offset)


def _failed_offset(wanted: ListOffsetsPartition, error: KafkaError) -> ListOffsetsPartitionResponse:
    return ListOffsetsPartitionResponse(
        partition_index=wanted.partition_index,
        error_code=int(error.code),
        timestamp=-1,
        offset=-1,
        leader_epoch=-1,
    )


def refuse_epochs(
    context: RequestContext, request: OffsetForLeaderEpochRequest, error: KafkaError
) -> OffsetForLeaderEpochResponse:
    """The error at every partition asked for."""
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic=topic.topic,
                partitions=[_failed_epoch(wanted, error) for wanted in topic.partitions],
            )
            for topic in request.topics
        ]
    )


@handles(ApiKey.OFFSET_FOR_LEADER_EPOCH, refusal=refuse_epochs)
def offset_for_leader_epoch(
    context: RequestContext, request: OffsetForLeaderEpochRequest
) -> OffsetForLeaderEpochResponse:
    """Tell where each epoch asked for ended in this leader's log."""

    def end_in(topic: OffsetForLeaderTopic) -> Callable[[OffsetForLeaderPartition], EpochEndOffset]:
        return lambda wanted: _end_of_epoch(context, topic.topic, wanted)

    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic=topic.topic,
                partitions=per_item(topic.partitions, end_in(topic), _failed_epoch),
            )
            for topic in request.topics
        ]
    )


def _end_of_epoch(
    context: RequestContext, topic: str, wanted: OffsetForLeaderPartition
) -> EpochEndOffset:
    """(-1, -1) for an epoch that this log does not know; raises `KafkaError` 3, 6, 74, 75."""
    partition = context.services.replicas.leader(
        topic, wanted.partition, wanted.current_leader_epoch
    )
    if wanted.leader_epoch == partition.leader_epoch:
        epoch, end = wanted.leader_epoch, partition.log.log_end_offset
    else:
        epoch, end = partition.log.end_offset_for_epoch(wanted.leader_epoch)
    return EpochEndOffset(partition=wanted.partition, leader_epoch=epoch, end_offset=end)


def _failed_epoch(wanted: OffsetForLeaderPartition, error: KafkaError) -> EpochEndOffset:
    return EpochEndOffset(
        partition=wanted.partition, error_code=int(error.code), leader_epoch=-1, end_offset=-1
    )
