"""New partitions: who gets them, by hand or by placement, and CreatePartitions (37)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.controller.placement import place_replicas
from minikafka.metadata.snapshot import partition_record
from minikafka.metadata.topic_image import PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from minikafka.protocol.types import ZERO_UUID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord


def create_partitions(
    state: ControllerState, request: CreatePartitionsRequest
) -> Decision[CreatePartitionsResponse]:
    """More partitions for existing topics; each topic fails by itself."""
    records: list[MetadataRecord] = []
    results = []
    for name in dict.fromkeys(topic.name for topic in request.topics):
        wanted = [topic for topic in request.topics if topic.name == name]
        result = CreatePartitionsTopicResult(name=name)
        try:
            if len(wanted) > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            added = _more_partitions(state, wanted[0])
        except KafkaError as error:
            result.error_code = error.code
            # An unknown topic is told by its code alone.
            if error.code is not ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                result.error_message = error.message
        else:
            if not request.validate_only:
                records += added
        results.append(result)
    return Decision(records, CreatePartitionsResponse(results=results))


def _more_partitions(state: ControllerState, wanted: CreatePartitionsTopic) -> list[MetadataRecord]:
    topic = state.image.topics.get(wanted.name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    present = len(topic.partitions)
    if wanted.count == present:
        raise _invalid_count(f"Topic already has {present} partition(s).")
    if wanted.count < present:
        raise _invalid_count(
            f"The topic {wanted.name} currently has {present} partition(s); "
            f"{wanted.count} would not be an increase."
        )
    additional = wanted.count - present
    assignments = wanted.assignments
    if assignments is not None and len(assignments) != additional:
        raise invalid_assignment(
            f"Attempted to add {additional} additional partition(s), but only "
            f"{len(assignments)} assignment(s) were specified."
        )
    replication_factor = len(next(iter(topic.partitions.values())).replicas)
    if assignments is None:
        chosen = placed_partitions(state, additional, replication_factor)
    else:
        chosen = []
        for offset, assignment in enumerate(assignments):
            replicas = assignment.broker_ids
            check_assignment(state, replicas, replication_factor)
            chosen.append(assigned_partition(state, present + offset, replicas))
    return partition_records(state, topic.topic_id, chosen, first_index=present)


def placed_partitions(
    state: ControllerState, count: int, replication_factor: int
) -> list[PartitionImage]:
    """`count` new partitions where the placement wants them."""
    placed = place_replicas(state.image.brokers, count, replication_factor, state.random)
    return [_new_partition(state, replicas) for replicas in placed]


def assigned_partition(
    state: ControllerState, index: int, replicas: Sequence[int]
) -> PartitionImage:
    """A new partition on brokers named in the request (checked before)."""
    if not any(state.is_active(replica) for replica in replicas):
        raise invalid_assignment(
            "All brokers specified in the manual partition assignment for partition "
            f"{index} are fenced or in controlled shutdown."
        )
    return _new_partition(state, replicas)


def check_assignment(
    state: ControllerState, replicas: Sequence[int], replication_factor: int | None
) -> None:
    """Whether these brokers can hold a partition; `replication_factor` is that of the others."""
    if not replicas:
        raise invalid_assignment("The manual partition assignment includes an empty replica list.")
    ordered = sorted(replicas)
    for position, replica in enumerate(ordered):
        if replica not in state.image.brokers:
            raise invalid_assignment(
                f"The manual partition assignment includes broker {replica}, but no such broker "
                "is registered."
            )
        if position and replica == ordered[position - 1]:
            raise invalid_assignment(
                f"The manual partition assignment includes the broker {replica} more than once."
            )
    if replication_factor is not None and len(replicas) != replication_factor:
        raise invalid_assignment(
            f"The manual partition assignment includes a partition with {len(replicas)} "
            "replica(s), but this is not consistent with previous partitions, which have "
            f"{replication_factor} replica(s)."
        )


def partition_records(
    state: ControllerState,
    topic_id: UUID,
    partitions: Sequence[PartitionImage],
    first_index: int = 0,
) -> list[MetadataRecord]:
    return [
        partition_record(topic_id, first_index + offset, partition, state.directories_known)
        for offset, partition in enumerate(partitions)
    ]


def invalid_assignment(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, text)


def _invalid_count(text: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_PARTITIONS, text)


def _new_partition(state: ControllerState, replicas: Sequence[int]) -> PartitionImage:
    """All replicas that are up are in sync (with an empty log); the first of them leads."""
    isr = [replica for replica in replicas if state.is_active(replica)]
    assert isr, "a replica that is up was asked for"
    return PartitionImage(
        replicas=replicas,
        directories=[choose_directory(state, replica) for replica in replicas],
        isr=isr,
        leader=isr[0],
    )


def choose_directory(state: ControllerState, broker_id: int) -> UUID:
    """Where the replica goes on its broker: of the directories that take new ones (KIP-858) the one
    with the fewest partitions.

    Kafka leaves it open when there are several and has the broker choose so, and report its choice.
    """
    broker = state.image.brokers[broker_id]
    cordoned = broker.cordoned_log_dirs or ()
    usable = [directory for directory in broker.log_dirs if directory not in cordoned]
    if len(usable) < 2:
        return usable[0] if usable else ZERO_UUID
    counts = state.partitions_by_directory()
    chosen = min(usable, key=lambda directory: counts[directory])
    counts[chosen] += 1
    return chosen
