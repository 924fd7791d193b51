"""All shards of one internal topic on this broker: which key is whose, who leads what.

A shard is loaded when this broker becomes the leader of its partition, whether somebody asks for
it or not: from then on offsets expire and members time out. Until the topic exists nothing of the
machine is here: most brokers of a test never hear of a group.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    import asyncio
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
    """The partition of an internal topic that is responsible for `key`.

    A negative hash is negated, unlike that of a record's key, whose sign bit is cleared; the one
    number whose absolute value no Java int holds counts as 0.
    """
    value = java_hash(key)
    return 0 if value == -(1 << 31) else abs(value) % count


class CoordinatorHost(Generic[MachineT]):
    """The shards of `topic`, from `start` to `close`. One after the other is loaded.

    `make_shard(name, replica)` makes one that has loaded nothing yet; `age_interval_ms` is how
    often the machines are told that they have grown older.
    """

    __slots__ = (
        "_age_clock",
        "_age_interval_ms",
        "_image",
        "_is_open",
        "_loading",
        "_loop",
        "_make_shard",
        "_replicas",
        "_shards",
        "topic",
    )

    def __init__(
        self,
        topic: str,
        *,
        make_shard: Callable[[str, Replica], Shard[MachineT]],
        image: MetadataImage,
        replicas: Replicas,
        loop: asyncio.AbstractEventLoop,
        age_clock: AgeClock,
        age_interval_ms: int,
    ) -> None:
        self.topic = topic
        self._make_shard = make_shard
        self._image = image
        self._replicas = replicas
        self._loop = loop
        self._age_clock = age_clock
        self._age_interval_ms = age_interval_ms
        self._shards: dict[int, Shard[MachineT]] = {}
        self._loading: deque[Shard[MachineT]] = deque()
        self._is_open = False

    def start(self) -> None:
        """Load every shard that is led here, and follow leadership from now on."""
        assert not self._is_open, "started twice"
        self._is_open = True
        for index in range(self.partition_count):
            self._follow(index)
        self._age_later()

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
        if not self._is_open:
            return
        if self.topic in delta.deleted_topics:
            for index in list(self._shards):
                self._stop(index)
        for name, index in delta.changed_partitions:
            if name == self.topic:
                self._follow(index)

    def replica_started(self, topic: str, index: int) -> None:
        """A replica of this broker is there, perhaps some turns after the metadata said so."""
        if self._is_open and topic == self.topic:
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
        if replica.is_leader:
            shard = self._shards[index] = self._make_shard(f"{self.topic}-{index}", replica)
            self._load(shard)

    def _stop(self, index: int) -> None:
        shard = self._shards.pop(index, None)
        if shard is not None:
            shard.stop()

    # -- loading ----------------------------------------------------------------------------------

    def _load(self, shard: Shard[MachineT]) -> None:
        """Load it at once if that is nothing, or in its turn."""
        if shard.is_empty:
            shard.load_piece()
            return
        self._loading.append(shard)
        if len(self._loading) == 1:
            self._load_piece()

    def _load_piece(self) -> None:
        """A piece of the first in the queue; everybody else has a turn before the next one."""
        loaded = self._loading[0].load_piece()
        self._loop.call_soon(self._go_on_loading, loaded)

    def _go_on_loading(self, loaded: bool) -> None:
        if loaded:
            self._loading.popleft()
        if self._loading:
            self._load_piece()

    # -- age and end ------------------------------------------------------------------------------

    def _age_later(self) -> None:
        def grow_older() -> None:
            for shard in self.shards():
                shard.age()
            self._age_later()

        if self._is_open:
            self._age_clock.call_later(self._age_interval_ms, grow_older)

    def close(self) -> None:
        """The broker stops: whoever is parked is sent away."""
        self._is_open = False
        for index in list(self._shards):
            self._stop(index)
