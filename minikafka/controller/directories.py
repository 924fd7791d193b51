"""AssignReplicasToDirs (73): a broker tells in which of its log directories replicas are (KIP-858).

Brokers with one directory need not: the controller places there itself. It is told when replicas
are moved between directories, and by a broker whose disk has been replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.brokers import check_broker_epoch
from minikafka.controller.decision import Decision
from minikafka.controller.leadership import is_in_use, may_lead
from minikafka.controller.partition_change import PartitionTarget, change_partition
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.assign_replicas_to_dirs import (
    AssignReplicasToDirsRequest,
    AssignReplicasToDirsResponse,
    AssignReplicasToDirsResponseDirectoryData,
    AssignReplicasToDirsResponsePartitionData,
    AssignReplicasToDirsResponseTopicData,
)
from minikafka.protocol.types import ZERO_UUID

if TYPE_CHECKING:
    from uuid import UUID

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.image import BrokerImage
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord


def decide(
    state: ControllerState, request: AssignReplicasToDirsRequest, version: int
) -> Decision[AssignReplicasToDirsResponse]:
    """Note the directories; each partition fails by itself.

    KafkaError STALE_BROKER_EPOCH, UNSUPPORTED_VERSION before metadata knows of directories.
    """
    if not state.directories_known:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_VERSION, "Directory assignment is not supported yet."
        )
    broker = check_broker_epoch(state, request.broker_id, request.broker_epoch)
    records: dict[tuple[UUID, int], MetadataRecord] = {}
    directories = []
    for asked in request.directories:
        topics = []
        for topic in asked.topics:
            results = []
            for index in (partition.partition_index for partition in topic.partitions):
                result = AssignReplicasToDirsResponsePartitionData(partition_index=index)
                try:
                    record = _assigned(state, broker, topic.topic_id, index, asked.id)
                except KafkaError as error:
                    result.error_code = error.code
                else:
                    if record is not None:
                        records[topic.topic_id, index] = record
                results.append(result)
            topics.append(
                AssignReplicasToDirsResponseTopicData(topic_id=topic.topic_id, partitions=results)
            )
        directories.append(AssignReplicasToDirsResponseDirectoryData(id=asked.id, topics=topics))
    response = AssignReplicasToDirsResponse(directories=directories)
    return Decision(list(records.values()), response, atomic=False)


def _assigned(
    state: ControllerState, broker: BrokerImage, topic_id: UUID, index: int, directory: UUID
) -> PartitionChangeRecord | None:
    """The change of this partition; a replica in a directory that has failed leaves the ISR."""
    topic = state.image.topics_by_id.get(topic_id)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    partition = topic.partitions.get(index)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    broker_id = broker.broker_id
    if broker_id not in partition.replicas:
        raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    target = PartitionTarget(partition)
    target.directories = list(partition.directories) or [ZERO_UUID] * len(partition.replicas)
    target.directories[partition.replicas.index(broker_id)] = directory
    online = is_in_use(broker, directory)
    if not online:
        target.isr = [replica for replica in partition.isr if replica != broker_id]

    def elected(replica: int) -> bool:
        if replica == broker_id:
            return online and broker.is_active
        return may_lead(state, partition, replica)

    return change_partition(
        topic_id,
        index,
        target,
        may_lead=elected,
        rules=state.partition_rules(topic, state.topic_defaults()),
    )
