"""The arithmetic of a reassignment (KIP-455): from one list of replicas to another.

While it goes on a partition has both: those wanted first, in their order, then those that are to
go. It is complete when those that are new are in sync and somebody in sync remains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.metadata.topic_image import PartitionImage


class Plan(NamedTuple):
    """`replicas` while it goes on, of which some are new and some are to go."""

    replicas: list[int]
    adding: list[int]
    removing: list[int]


def plan(partition: PartitionImage, wanted: Sequence[int]) -> Plan:
    """The way to the replicas wanted, also while another reassignment goes on.

    New are those that the partition did not have before either began. (Kafka counts from the
    replicas of the moment, so that one is stuck that is taken back by hand before it is complete.)
    """
    removing = sorted(set(partition.replicas).difference(wanted))
    return Plan(
        [*wanted, *removing],
        adding=sorted(set(wanted).difference(original_replicas(partition))),
        removing=removing,
    )


def complete(
    replicas: Sequence[int], adding: Sequence[int], removing: Sequence[int], isr: Sequence[int]
) -> tuple[list[int], list[int]] | None:
    """Replicas and ISR once it is complete; None when there is none, or it is not yet.

    One that shrinks the partition waits for all that remain, so that fewer are no weaker.
    """
    if not adding and not removing:
        return None
    remaining = [replica for replica in replicas if replica not in removing]
    in_sync = [replica for replica in isr if replica not in removing]
    awaited = remaining if len(adding) < len(removing) else adding
    if not in_sync or not remaining or not set(awaited) <= set(in_sync):
        return None
    return remaining, in_sync


def original_replicas(partition: PartitionImage) -> list[int]:
    """Those from before it began, for going back."""
    return [r for r in partition.replicas if r not in partition.adding_replicas]


def target_size(partition: PartitionImage) -> int:
    """How many replicas it will have, or has if nothing goes on."""
    return len(set(partition.replicas).difference(partition.removing_replicas))
