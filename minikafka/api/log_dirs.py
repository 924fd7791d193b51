"""DescribeLogDirs (key 35, v1-5; KIP-113) and AlterReplicaLogDirs (key 34, v1-2).

DescribeLogDirs v3 error of the whole request · v4 space of the volume (KIP-827) · v5 cordoned
directories (KIP-1066). A replica stays in the directory that it was made in: asking for that very
directory succeeds, and moving it to another one is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles, per_item
from minikafka.log.directory import LogDirectory
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from minikafka.protocol.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)

_WITH_TOP_LEVEL_ERROR = 3


def refuse_description(
    context: RequestContext, request: DescribeLogDirsRequest, error: KafkaError
) -> DescribeLogDirsResponse:
    """The error of the whole; before v3 at every directory of this broker."""
    if context.version >= _WITH_TOP_LEVEL_ERROR:
        return DescribeLogDirsResponse(error_code=int(error.code))
    paths = context.services.settings.log_dirs
    return DescribeLogDirsResponse(results=[_failed(path, error) for path in paths])


@handles(ApiKey.DESCRIBE_LOG_DIRS, refusal=refuse_description)
def describe_log_dirs(
    context: RequestContext, request: DescribeLogDirsRequest
) -> DescribeLogDirsResponse:
    """Every log directory with the partitions asked for (null: all) that lie in it."""
    wanted = (
        None
        if request.topics is None
        else {(topic.topic, index) for topic in request.topics for index in topic.partitions}
    )
    online = {directory.path: directory for directory in context.services.replicas.online}

    def describe(path: str) -> DescribeLogDirsResult:
        directory = online.get(path)
        if directory is None:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        return _describe(context, directory, wanted)

    # A directory that has failed is still one of the broker's.
    paths = dict.fromkeys([*online, *context.services.settings.log_dirs])
    return DescribeLogDirsResponse(results=per_item(paths, describe, _failed))


def _describe(
    context: RequestContext, directory: LogDirectory, wanted: set[tuple[str, int]] | None
) -> DescribeLogDirsResult:
    topics: dict[str, DescribeLogDirsTopic] = {}
    for (topic, index), log in directory.logs.items():
        if wanted is not None and (topic, index) not in wanted:
            continue
        described = topics.setdefault(topic, DescribeLogDirsTopic(name=topic))
        described.partitions.append(
            DescribeLogDirsPartition(
                partition_index=index,
                partition_size=log.size_bytes,
                offset_lag=_offset_lag(context, topic, index),
            )
        )
    try:
        total_bytes, usable_bytes = directory.space()
    except OSError as error:
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR) from error
    broker = context.services.image.brokers.get(context.services.node_id)
    cordoned = (broker.cordoned_log_dirs or []) if broker is not None else []
    return DescribeLogDirsResult(
        log_dir=directory.path,
        topics=list(topics.values()),
        total_bytes=total_bytes,
        usable_bytes=usable_bytes,
        is_cordoned=directory.meta.directory_id in cordoned,
    )


def _offset_lag(context: RequestContext, topic: str, index: int) -> int:
    """How far the log is behind what is known to be committed; 0 on a leader."""
    try:
        partition = context.services.replicas.partition(topic, index)
    except KafkaError:
        # Its directory is still on the disk, but the partition has just gone from here.
        return 0
    return max(partition.high_watermark - partition.log.log_end_offset, 0)


def _failed(path: str, error: KafkaError) -> DescribeLogDirsResult:
    return DescribeLogDirsResult(error_code=int(error.code), log_dir=path)


def refuse_moves(
    context: RequestContext, request: AlterReplicaLogDirsRequest, error: KafkaError
) -> AlterReplicaLogDirsResponse:
    """The error at every replica."""
    return _moved(request, lambda path, topic, index: int(error.code))


@handles(ApiKey.ALTER_REPLICA_LOG_DIRS, refusal=refuse_moves)
def alter_replica_log_dirs(
    context: RequestContext, request: AlterReplicaLogDirsRequest
) -> AlterReplicaLogDirsResponse:
    """Say of each replica whether it is where it is wanted."""
    replicas = context.services.replicas
    online = {directory.path: directory for directory in replicas.online}

    def move(path: str, topic: str, index: int) -> int:
        if path not in context.services.settings.log_dirs:
            return ErrorCode.LOG_DIR_NOT_FOUND
        if path not in online:
            return ErrorCode.KAFKA_STORAGE_ERROR
        try:
            replicas.partition(topic, index)
        except KafkaError as error:
            return int(error.code)
        if (topic, index) in online[path].logs:
            return ErrorCode.NONE
        return ErrorCode.UNSUPPORTED_VERSION

    return _moved(request, move)


def _moved(
    request: AlterReplicaLogDirsRequest, move: Callable[[str, str, int], int]
) -> AlterReplicaLogDirsResponse:
    """One answer for each replica; the last directory named for it is the one that counts."""
    wanted = {
        (topic.name, index): directory.path
        for directory in request.dirs
        for topic in directory.topics
        for index in topic.partitions
    }
    topics: dict[str, AlterReplicaLogDirTopicResult] = {}
    for (topic, index), path in wanted.items():
        result = topics.setdefault(topic, AlterReplicaLogDirTopicResult(topic_name=topic))
        result.partitions.append(
            AlterReplicaLogDirPartitionResult(
                partition_index=index, error_code=move(path, topic, index)
            )
        )
    return AlterReplicaLogDirsResponse(results=list(topics.values()))
