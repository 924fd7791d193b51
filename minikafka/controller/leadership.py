"""What the coming and going of a broker does to the partitions of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.partition_change import PartitionTarget, change_partition
from minikafka.metadata.topic_image import NO_LEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from uuid import UUID

    from minikafka.controller.partition_change import Election, PartitionRules
    from minikafka.controller.state import ControllerState
    from minikafka.metadata.image import BrokerImage
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import PartitionImage, TopicImage
    from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord


UNASSIGNED = 0
MIGRATING = 2
"""Directory ids that stand for a directory yet to be told (KIP-858); 1, a lost one, does not."""


def broker_comes(state: ControllerState, broker_id: int) -> Iterator[MetadataRecord]:
    """Leaders for partitions that have none, now that this broker is up."""
    for topic, index, partition, rules in _partitions(state, lambda p: p.leader == NO_LEADER):

        def elected(replica: int, partition: PartitionImage = partition) -> bool:
            return (replica == broker_id or state.is_active(replica)) and has_directory(
                state, partition, replica
            )

        record = change_partition(
            topic.topic_id, index, PartitionTarget(partition), may_lead=elected, rules=rules
        )
        if record is not None:
            yield record


def elections_due(
    state: ControllerState,
    concerned: Callable[[PartitionImage], bool],
    election: Election | None,
) -> Iterator[PartitionChangeRecord]:
    """The elections that change something for these partitions; by the rules of each if None."""
    for topic, index, partition, rules in _partitions(state, concerned):

        def elected(replica: int, partition: PartitionImage = partition) -> bool:
            return may_lead(state, partition, replica)

        record = change_partition(
            topic.topic_id,
            index,
            PartitionTarget(partition),
            may_lead=elected,
            rules=rules,
            election=election,
        )
        if record is not None:
            yield record


def broker_goes(
    state: ControllerState, broker_id: int, *, unclean: bool = False
) -> Iterator[MetadataRecord]:
    """The broker leaves every ISR; what it led is led by others, or by nobody.

    `unclean` when it comes back having stopped without a word: what it did not flush may be lost,
    so it is not eligible to lead either.
    """
    return _replicas_go(
        state,
        broker_id,
        lambda p: broker_id in p.isr or (unclean and broker_id in p.elr),
        unclean_shutdown=broker_id if unclean else None,
    )


def directories_go(
    state: ControllerState, broker_id: int, directories: Collection[UUID]
) -> Iterator[MetadataRecord]:
    """Log directories of a broker have failed: it leaves the ISRs of the partitions in them."""
    return _replicas_go(
        state,
        broker_id,
        lambda p: broker_id in p.isr and p.directory_of(broker_id) in directories,
    )


def _replicas_go(
    state: ControllerState,
    broker_id: int,
    concerned: Callable[[PartitionImage], bool],
    unclean_shutdown: int | None = None,
) -> Iterator[MetadataRecord]:
    for topic, index, partition, rules in _partitions(state, concerned):

        def elected(replica: int, partition: PartitionImage = partition) -> bool:
            return replica != broker_id and may_lead(state, partition, replica)

        target = PartitionTarget(partition)
        target.isr = [replica for replica in partition.isr if replica != broker_id]
        record = change_partition(
            topic.topic_id,
            index,
            target,
            may_lead=elected,
            rules=rules,
            unclean_shutdown=unclean_shutdown,
        )
        if record is not None:
            yield record


def may_lead(state: ControllerState, partition: PartitionImage, replica: int) -> bool:
    """Whether this replica is on a broker that is up, and in a directory that is."""
    return state.is_active(replica) and has_directory(state, partition, replica)


def has_directory(state: ControllerState, partition: PartitionImage, replica: int) -> bool:
    """Whether the directory that holds this replica is one that its broker has in use."""
    directory = partition.directory_of(replica)
    return directory is None or is_in_use(state.image.brokers[replica], directory)


def is_in_use(broker: BrokerImage, directory: UUID) -> bool:
    """Whether a replica that is said to be in this directory can be reached there."""
    if directory.int in (UNASSIGNED, MIGRATING):
        return True
    return not broker.log_dirs or directory in broker.log_dirs


def _partitions(
    state: ControllerState, concerned: Callable[[PartitionImage], bool]
) -> Iterator[tuple[TopicImage, int, PartitionImage, PartitionRules]]:
    """The partitions concerned with the rules of their topic, which are worked out once."""
    defaults = state.topic_defaults()
    for topic in state.image.topics.values():
        rules: PartitionRules | None = None
        for index, partition in topic.partitions.items():
            if concerned(partition):
                if rules is None:
                    rules = state.partition_rules(topic, defaults)
                yield topic, index, partition, rules
