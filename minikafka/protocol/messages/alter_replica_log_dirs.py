"""AlterReplicaLogDirs (api key 34): moves replicas to other log directories of their broker."""

from __future__ import annotations

from minikafka.protocol.types import FRESH, Int16, Int32, Message, String, Struct


class AlterReplicaLogDirsRequest(Message, api_key=34, versions=(1, 2), flexible=2):
    # alterations to make for each directory
    dirs: list[AlterReplicaLogDir] = FRESH


class AlterReplicaLogDir(Struct):
    path: String = ""
    topics: list[AlterReplicaLogDirTopic] = FRESH


class AlterReplicaLogDirTopic(Struct):
    name: String = ""
    partitions: list[Int32] = FRESH


class AlterReplicaLogDirsResponse(Message, api_key=34, versions=(1, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    results: list[AlterReplicaLogDirTopicResult] = FRESH


class AlterReplicaLogDirTopicResult(Struct):
    topic_name: String = ""
    partitions: list[AlterReplicaLogDirPartitionResult] = FRESH


class AlterReplicaLogDirPartitionResult(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
