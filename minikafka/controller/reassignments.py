"""AlterPartitionReassignments (45): which brokers hold a partition (KIP-455).

A reassignment first adds the new replicas to the old ones, and drops those that are to go when the
leader reports that the new ones are in sync (`alter_partition.py`). Where nothing is left to wait
for (the same replicas in another order, or fewer) it is complete with the record that begins it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.leadership import may_lead
from minikafka.controller.partition_change import Election, PartitionTarget, change_partition
from minikafka.controller.partitions import (
    check_assignment,
    choose_directory,
    invalid_assignment,
)
from minikafka.controller.reassignment import original_replicas, plan, target_size
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import PartitionImage, TopicImage
    from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord


def decide(
    state: ControllerState, request: AlterPartitionReassignmentsRequest, version: int
) -> Decision[AlterPartitionReassignmentsResponse]:
    """Begin, change or (replicas null) cancel reassignments; each partition fails by itself."""
    may_resize = request.allow_replication_factor_change
    records: dict[tuple[str, int], MetadataRecord] = {}
    responses = []
    for topic in request.topics:
        results = []
        for asked in topic.partitions:
            result = ReassignablePartitionResponse(
                partition_index=asked.partition_index, error_message=None
            )
            try:
                record = _reassign(state, topic.name, asked, may_resize=may_resize)
            except KafkaError as error:
                result.error_code = error.code
                if error.code is not ErrorCode.NO_REASSIGNMENT_IN_PROGRESS:
                    result.error_message = error.message
            else:
                if record is not None:
                    records[topic.name, asked.partition_index] = record
            results.append(result)
        responses.append(ReassignableTopicResponse(name=topic.name, partitions=results))
    return Decision(
        list(records.values()),
        AlterPartitionReassignmentsResponse(
            allow_replication_factor_change=may_resize,
            error_message=None if responses else "",
            responses=responses,
        ),
    )


def _reassign(
    state: ControllerState, name: str, asked: ReassignablePartition, *, may_resize: bool
) -> PartitionChangeRecord | None:
    """The record that begins or cancels it, None when nothing changes."""
    index = asked.partition_index
    topic = state.image.topics.get(name)
    if topic is None:
        raise _unknown(f"Unable to find a topic named {name}.")
    partition = topic.partitions.get(index)
    if partition is None:
        raise _unknown(f"Unable to find partition {name}:{index}.")
    if asked.replicas is None:
        return _cancel(state, topic, index, partition)
    check_assignment(state, asked.replicas, None)
    size = target_size(partition)
    if not may_resize and len(asked.replicas) != size:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"The replication factor is changed from {size} to {len(asked.replicas)}",
        )
    target = PartitionTarget(partition)
    target.replicas, target.adding, target.removing = plan(partition, asked.replicas)
    return _change(state, topic, index, target, Election.ONLINE)


def _cancel(
    state: ControllerState, topic: TopicImage, index: int, partition: PartitionImage
) -> PartitionChangeRecord | None:
    """Back to the replicas from before. KafkaError 85, 39 if records could be lost by it."""
    if not partition.is_reassigning:
        raise KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    target = PartitionTarget(partition)
    target.adding, target.removing = [], []
    target.replicas = original_replicas(partition)
    target.isr = [replica for replica in partition.isr if replica in target.replicas]
    if not target.replicas:
        raise invalid_assignment(
            "Invalid replica assignment: addingReplicas contains all replicas."
        )
    if not target.isr:
        rules = state.partition_rules(topic, state.topic_defaults())
        if not rules.unclean:
            raise invalid_assignment(
                f"Unable to revert partition assignment for {topic.name}:{index} because it would "
                "require an unclean leader election."
            )
        if not rules.elr:
            target.isr = target.replicas[:1]  # for then an ISR is never empty
    return _change(state, topic, index, target, None)


def _change(
    state: ControllerState,
    topic: TopicImage,
    index: int,
    target: PartitionTarget,
    election: Election | None,
) -> PartitionChangeRecord | None:
    """The record to these replicas, with the leader that they lead to."""
    partition = target.partition
    if state.directories_known:
        target.directories = [
            partition.directory_of(r) or choose_directory(state, r) for r in target.replicas
        ]
    return change_partition(
        topic.topic_id,
        index,
        target,
        may_lead=lambda replica: may_lead(state, partition, replica),
        rules=state.partition_rules(topic, state.topic_defaults()),
        election=election,
    )


def _unknown(text: str) -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text)
