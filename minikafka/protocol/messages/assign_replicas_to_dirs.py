"""AssignReplicasToDirs (api key 73): tells the controller in which log directory each replica
lies (KIP-858).
"""

from __future__ import annotations

from minikafka.protocol.types import FRESH, ZERO_UUID, Int16, Int32, Int64, Message, Struct, Uuid


class AssignReplicasToDirsRequest(Message, api_key=73, versions=(0, 0), flexible=0):
    broker_id: Int32 = 0
    broker_epoch: Int64 = -1
    # directories to which replicas should be assigned
    directories: list[AssignReplicasToDirsRequestDirectoryData] = FRESH


class AssignReplicasToDirsRequestDirectoryData(Struct):
    id: Uuid = ZERO_UUID
    topics: list[AssignReplicasToDirsRequestTopicData] = FRESH


class AssignReplicasToDirsRequestTopicData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[AssignReplicasToDirsRequestPartitionData] = FRESH


class AssignReplicasToDirsRequestPartitionData(Struct):
    partition_index: Int32 = 0


class AssignReplicasToDirsResponse(Message, api_key=73, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    directories: list[AssignReplicasToDirsResponseDirectoryData] = FRESH


class AssignReplicasToDirsResponseDirectoryData(Struct):
    id: Uuid = ZERO_UUID
    topics: list[AssignReplicasToDirsResponseTopicData] = FRESH


class AssignReplicasToDirsResponseTopicData(Struct):
    topic_id: Uuid = ZERO_UUID
    partitions: list[AssignReplicasToDirsResponsePartitionData] = FRESH


class AssignReplicasToDirsResponsePartitionData(Struct):
    partition_index: Int32 = 0
    error_code: Int16 = 0
