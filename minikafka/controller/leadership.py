"""What the coming and going of a broker does to the partitions of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.partition_change import PartitionRules, change_partition
from minikafka.metadata.topic_image import NO_LEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.metadata.topic_image import PartitionImage, TopicImage


def broker_comes(state: ControllerState, broker_id: int) -> Iterator[MetadataRecord]:
    """Leaders for partitions that have none, now that this broker is up."""

    def may_lead(replica: int) -> bool:
        return replica == broker_id or state.is_active(replica)

    for topic, index, partition, rules in _partitions(state, lambda p: p.leader == NO_LEADER):
        record = change_partition(
            topic.topic_id, index, partition, isr=partition.isr, may_lead=may_lead, rules=rules
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

    def may_lead(replica: int) -> bool:
        return replica != broker_id and state.is_active(replica)

    def concerned(partition: PartitionImage) -> bool:
        return broker_id in partition.isr or (unclean and broker_id in partition.elr)

    for topic, index, partition, rules in _partitions(state, concerned):
        record = change_partition(
            topic.topic_id,
            index,
            partition,
            isr=[replica for replica in partition.isr if replica != broker_id],
            may_lead=may_lead,
            rules=rules,
            unclean_shutdown=broker_id if unclean else None,
        )
        if record is not None:
            yield record


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
