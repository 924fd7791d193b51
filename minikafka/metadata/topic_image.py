"""A topic and its partitions, as the metadata records say they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

NO_LEADER = -1


class PartitionImage:
    """One partition as the controller decided it (PartitionRecord with its changes folded in).

    `replicas` in preferred order, `directories` in the same order, `leader` -1 when there is
    none, `leader_recovery_state` 1 while a leader elected uncleanly recovers. `leader_epoch`
    counts elections, `partition_epoch` counts changes of any kind.
    """

    __slots__ = (
        "adding_replicas",
        "directories",
        "elr",
        "isr",
        "last_known_elr",
        "leader",
        "leader_epoch",
        "leader_recovery_state",
        "partition_epoch",
        "removing_replicas",
        "replicas",
    )

    def __init__(
        self,
        *,
        replicas: Sequence[int],
        isr: Sequence[int],
        leader: int,
        leader_epoch: int = 0,
        partition_epoch: int = 0,
        directories: Sequence[UUID] = (),
        removing_replicas: Sequence[int] = (),
        adding_replicas: Sequence[int] = (),
        elr: Sequence[int] = (),
        last_known_elr: Sequence[int] = (),
        leader_recovery_state: int = 0,
    ) -> None:
        self.replicas = list(replicas)
        self.directories = list(directories)
        self.isr = list(isr)
        self.removing_replicas = list(removing_replicas)
        self.adding_replicas = list(adding_replicas)
        self.elr = list(elr)
        self.last_known_elr = list(last_known_elr)
        self.leader = leader
        self.leader_recovery_state = leader_recovery_state
        self.leader_epoch = leader_epoch
        self.partition_epoch = partition_epoch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PartitionImage) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]  # equal by content, and the content has lists

    def __repr__(self) -> str:
        return (
            f"PartitionImage(leader {self.leader} epoch {self.leader_epoch}, "
            f"replicas {self.replicas}, isr {self.isr}, elr {self.elr}, "
            f"partition epoch {self.partition_epoch})"
        )

    @property
    def is_reassigning(self) -> bool:
        return bool(self.adding_replicas or self.removing_replicas)

    def directory_of(self, broker_id: int) -> UUID | None:
        """The log directory that the replica on this broker was put in; None when not told."""
        if broker_id not in self.replicas or not self.directories:
            return None
        return self.directories[self.replicas.index(broker_id)]


class TopicImage:
    """A topic and its partitions by index."""

    __slots__ = ("name", "partitions", "topic_id")

    def __init__(
        self, name: str, topic_id: UUID, partitions: dict[int, PartitionImage] | None = None
    ) -> None:
        self.name = name
        self.topic_id = topic_id
        self.partitions: dict[int, PartitionImage] = {} if partitions is None else partitions

    def copy(self) -> TopicImage:
        return TopicImage(self.name, self.topic_id, self.partitions.copy())

    def __repr__(self) -> str:
        return f"TopicImage({self.name}, {len(self.partitions)} partitions)"
