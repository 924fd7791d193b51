"""All shards of one internal topic on this broker: which key is whose, who leads what.

A shard is loaded when this broker becomes the leader of its partition. Until the first request of
this kind comes after a start nothing is: most brokers of a test never hear one, and a machine with
its messages is a tenth of the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from minikafka.coordinators.decision import Decision, Moment, Waiter
    from minikafka.coordinators.runtime.hosting import Machine, Replica, Replicas
    from minikafka.coordinators.runtime.shard import Shard
    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import MetadataImage
    from minikafka.runtime.clock import AgeClock

MachineT = TypeVar("MachineT", bound="Machine")


def java_hash(text: str) -> int:
    """`String.hashCode` of Java, as a signed 32-bit number: over UTF-16 code units."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for index in range(0, len(units), 2):
        value = (31 * value + (units[index] << 8 | units[index + 1])) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def partition_for(key: str, count: int) -> int:
    """The partition of an internal topic that is responsible for `key`."""
    return (java_hash(key) & 0x7FFFFFFF) % count


class CoordinatorHost(Generic[MachineT]):
    """The shards of `topic`; `begin` says how they are made, and loads what is led here."""

    __slots__ = (
        "_age_clock",
        "_closed",
        "_image",
        "_make_shard",
        "_replicas",
        "_shards",
        "topic",
    )

    def __init__(
        self, topic: str, *, image: MetadataImage, replicas: Replicas, age_clock: AgeClock
    ) -> None:
        self.topic = topic
        self._image = image
        self._replicas = replicas
        self._age_clock = age_clock
        self._shards: dict[int, Shard[MachineT]] = {}
        self._make_shard: Callable[[str, Replica], Shard[MachineT]] | None = None
        self._closed = False

    @property
    def has_begun(self) -> bool:
        """Whether `begin` has been called."""
        return self._make_shard is not None

    def begin(
        self, make_shard: Callable[[str, Replica], Shard[MachineT]], age_interval_ms: int
    ) -> None:
        """Load every shard that is led here, and follow leadership from now on.

        `make_shard(name, replica)` makes one that loads itself; `age_interval_ms` is how often the
        machines are told that they have grown older.
        """
        assert self._make_shard is None, "begun twice"
        self._make_shard = make_shard
        for index in range(self.partition_count):
            self._follow(index)
        self._age_later(age_interval_ms)

    @property
    def partition_count(self) -> int:
        """Partitions of the topic, 0 until it exists."""
        topic = self._image.topics.get(self.topic)
        return 0 if topic is None else len(topic.partitions)

    def partition_of(self, key: str) -> int | None:
        """The partition responsible for `key`; None until the topic exists."""
        count = self.partition_count
        return partition_for(key, count) if count else None

    def submit(
        self, key: str, waiter: Waiter, command: Callable[[MachineT, Decision, Moment], None]
    ) -> None:
        """Have the machine responsible for `key` decide.

        `waiter` fails with 14 (loading), 15 (the topic does not exist), 16 (led elsewhere).
        """
        index = self.partition_of(key)
        if index is None:
            waiter.fail(KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE))
            return
        shard = self._shards.get(index)
        if shard is None:
            waiter.fail(KafkaError(ErrorCode.NOT_COORDINATOR))
            return
        shard.submit(waiter, command)

    def shards(self) -> Iterator[Shard[MachineT]]:
        """Every shard that is led here."""
        return iter(list(self._shards.values()))

    # -- leadership -------------------------------------------------------------------------------

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Follow a committed change of the metadata; after the replicas have."""
        if self._make_shard is None:
            return
        if self.topic in delta.deleted_topics:
            for index in list(self._shards):
                self._stop(index)
        for name, index in delta.changed_partitions:
            if name == self.topic:
                self._follow(index)

    def _follow(self, index: int) -> None:
        try:
            replica = self._replicas.partition(self.topic, index)
        except KafkaError:
            self._stop(index)
            return
        shard = self._shards.get(index)
        if shard is not None:
            unmoved = shard.replica is replica and shard.epoch == replica.leader_epoch
            if unmoved and replica.is_leader:
                return
            self._stop(index)
        if replica.is_leader and not self._closed:
            assert self._make_shard is not None
            self._shards[index] = self._make_shard(f"{self.topic}-{index}", replica)

    def _stop(self, index: int) -> None:
        shard = self._shards.pop(index, None)
        if shard is not None:
            shard.stop()

    # -- age and end ------------------------------------------------------------------------------

    def _age_later(self, interval_ms: int) -> None:
        def grow_older() -> None:
            for shard in self.shards():
                shard.age()
            self._age_later(interval_ms)

        if not self._closed:
            self._age_clock.call_later(interval_ms, grow_older)

    def close(self) -> None:
        """The broker stops: whoever is parked is sent away."""
        self._closed = True
        for index in list(self._shards):
            self._stop(index)
