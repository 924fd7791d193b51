"""AlterPartitionReassignments (45): which brokers hold a partition (KIP-455).

A reassignment first adds the new replicas to the old ones, and drops those that are to go when all
new ones are in sync. Where they are in sync already (the same replicas in another order, or fewer)
it is complete with the record that begins it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.leadership import has_directory
from minikafka.controller.partition_change import change_partition
from minikafka.controller.partitions import check_assignment, choose_directory
from minikafka.metadata.replay import LEADER_UNCHANGED
from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import TopicImage


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
    size = len([r for r in partition.replicas if r not in partition.adding_replicas])
    if not may_resize and len(asked.replicas) != size:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"The replication factor is changed from {size} to {len(asked.replicas)}",
        )
    removing = [r for r in partition.replicas if r not in asked.replicas]
    adding = [r for r in asked.replicas if r not in partition.replicas]
    remaining = [replica for replica in partition.isr if replica not in removing]
    if not adding and remaining:
        return _change(state, topic, index, partition, asked.replicas, isr=remaining)
    replicas = [*asked.replicas, *removing]
    return _change(
        state, topic, index, partition, replicas, partition.isr, adding=adding, removing=removing
    )


def _cancel(
    state: ControllerState, topic: TopicImage, index: int, partition: PartitionImage
) -> PartitionChangeRecord | None:
    """Back to the replicas from before. KafkaError 85, 39 if records could be lost by it."""
    if not partition.is_reassigning:
        raise KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    adding = partition.adding_replicas
    replicas = [replica for replica in partition.replicas if replica not in adding]
    isr = [replica for replica in partition.isr if replica not in adding]
    if not isr:
        rules = state.partition_rules(topic, state.topic_defaults())
        if not rules.unclean:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"Unable to revert partition assignment for {topic.name}:{index} because it would "
                "require an unclean leader election.",
            )
    return _change(state, topic, index, partition, replicas, isr)


def _change(
    state: ControllerState,
    topic: TopicImage,
    index: int,
    partition: PartitionImage,
    replicas: Sequence[int],
    isr: Sequence[int],
    *,
    adding: Sequence[int] = (),
    removing: Sequence[int] = (),
) -> PartitionChangeRecord | None:
    """The record to these replicas, with the leader that they lead to."""
    fields = {name: getattr(partition, name) for name in PartitionImage.__slots__}
    fields["replicas"] = list(replicas)
    if state.directories_known:
        fields["directories"] = [
            partition.directory_of(r) or choose_directory(state, r) for r in replicas
        ]
    target = PartitionImage(**fields)

    def may_lead(replica: int) -> bool:
        return state.is_active(replica) and has_directory(state, target, replica)

    rules = state.partition_rules(topic, state.topic_defaults())
    record = change_partition(
        topic.topic_id, index, target, isr=isr, may_lead=may_lead, rules=rules
    ) or PartitionChangeRecord(partition_id=index, topic_id=topic.topic_id)
    if target.replicas != partition.replicas:
        record.replicas = target.replicas
        if state.directories_known:
            record.directories = target.directories
    if list(adding) != partition.adding_replicas:
        record.adding_replicas = list(adding)
    if list(removing) != partition.removing_replicas:
        record.removing_replicas = list(removing)
    is_smaller = not set(partition.replicas) <= set(replicas)
    if is_smaller and record.leader == LEADER_UNCHANGED:
        # Whoever is dropped learns by a new epoch that its fetches count no more.
        record.leader = partition.leader
    unchanged = PartitionChangeRecord(partition_id=index, topic_id=topic.topic_id)
    return None if record == unchanged else record


def _unknown(text: str) -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text)
