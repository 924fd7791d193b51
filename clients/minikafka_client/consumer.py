"""The consumer: records of the partitions that it is assigned, in the order of each partition.

    async with Consumer("localhost:9092", "orders", start="earliest") as consumer:
        async for record in consumer:
            ...

Given topics, it consumes all of their partitions; `assign` chooses partitions by hand. `batches()`
is the cheaper way to read: values are decoded a batch at a time, the rest only when asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, Self, Unpack

from minikafka.protocol.errors import ErrorCode
from minikafka_client.assignors import ASSIGNORS
from minikafka_client.cluster import Cluster
from minikafka_client.config import CallOptions, ClientConfig, at_least, parse_bootstrap
from minikafka_client.consumer_group import ConsumerGroup
from minikafka_client.errors import BrokerError, Closed, ConfigError, NotConnected, Timeout
from minikafka_client.fetched import ConsumerRecord, FetchedBatch, TopicPartition
from minikafka_client.fetcher import (
    READ_COMMITTED,
    READ_UNCOMMITTED,
    Fetcher,
    FetchSettings,
)
from minikafka_client.membership import GroupSettings, Hook
from minikafka_client.offsets import EARLIEST, LATEST, FoundOffset, list_offsets
from minikafka_client.reader import Reader

_STARTS: Final = {"earliest": EARLIEST, "latest": LATEST}
_ISOLATION: Final = {"read_uncommitted": READ_UNCOMMITTED, "read_committed": READ_COMMITTED}

__all__ = ["Consumer", "ConsumerRecord", "FetchedBatch", "FoundOffset", "TopicPartition"]


class Consumer(Reader):
    """A consumer, in a group or without; use it as an async context manager. Durations are in ms.

    With `group` the members share the partitions of `topics`, and positions are committed: every
    `auto_commit_ms` and before partitions go, unless that is None. A record counts as consumed once
    the next one is asked for. The hooks `on_assigned` and `on_revoked` get partitions and are
    awaited: before their first record, and before somebody else may have them.

    `start` says where to begin in partitions without an offset. `on_out_of_range` says what to do
    when the log no longer has (or does not have yet) an offset: go where `start` says (None),
    `earliest`, `latest`, or raise OffsetOutOfRange (`error`).

    With `client_rack` an in-sync replica in that rack is read from, where the brokers have racks
    and the rack-aware `replica.selector.class` (KIP-392).
    """

    def __init__(
        self,
        bootstrap: str | Iterable[str],
        *topics: str,
        start: Literal["earliest", "latest"] = "latest",
        on_out_of_range: Literal["earliest", "latest", "error"] | None = None,
        isolation_level: Literal["read_uncommitted", "read_committed"] = "read_uncommitted",
        fetch_max_wait_ms: int = 500,
        fetch_min_bytes: int = 1,
        fetch_max_bytes: int = 50 << 20,
        partition_max_bytes: int = 1 << 20,
        check_crcs: bool = True,
        client_rack: str | None = None,
        group: str | None = None,
        group_instance_id: str | None = None,
        assignors: Sequence[str] = ("cooperative-sticky",),
        session_timeout_ms: int = 45_000,
        rebalance_timeout_ms: int = 60_000,
        heartbeat_interval_ms: int = 3_000,
        auto_commit_ms: float | None = 5_000,
        on_assigned: Hook | None = None,
        on_revoked: Hook | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        if start not in _STARTS:
            raise ConfigError(f"start is {start!r}: 'earliest' or 'latest'")
        if isolation_level not in _ISOLATION:
            raise ConfigError(f"isolation_level is {isolation_level!r}")
        at_least("fetch_max_bytes", fetch_max_bytes, 1)
        at_least("partition_max_bytes", partition_max_bytes, 1)
        named: CallOptions = {"client_id": "minikafka-consumer", **options}
        self._config = ClientConfig(parse_bootstrap(bootstrap), **named)
        super().__init__()
        self._settings = FetchSettings(
            max_wait_ms=fetch_max_wait_ms,
            min_bytes=fetch_min_bytes,
            max_bytes=fetch_max_bytes,
            partition_max_bytes=partition_max_bytes,
            isolation_level=_ISOLATION[isolation_level],
            check_crcs=check_crcs,
            reset=on_out_of_range or start,
            rack=client_rack or "",
        )
        if not assignors or not set(assignors) <= ASSIGNORS.keys():
            raise ConfigError(f"assignors are {assignors!r}: some of {', '.join(ASSIGNORS)}")
        self._group_id = group
        self._group_settings = GroupSettings(
            assignors=assignors,
            session_timeout_ms=session_timeout_ms,
            rebalance_timeout_ms=rebalance_timeout_ms,
            heartbeat_interval_ms=heartbeat_interval_ms,
            instance_id=group_instance_id,
        )
        self._auto_commit_ms = auto_commit_ms
        self._hooks = (on_assigned, on_revoked)
        self._group: ConsumerGroup | None = None
        self._start = _STARTS[start]
        self._topics = topics
        self._by_hand = False

    # --- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Connect and find the topics. Raises NotConnected, Timeout, BrokerError.

        Takes at most `connect_timeout_ms`, with topics and no group at most `api_timeout_ms`.
        """
        self._cluster = cluster = Cluster(self._config)
        deadline = cluster.deadline()
        try:
            await cluster.start(self._config.connect_timeout_s)
            self._fetcher = Fetcher(cluster, self._settings)
            self._closed = False
            if self._group_id is not None:
                self._join(self._group_id)
            elif self._topics:
                for topic in self._topics:
                    await self._assign_all(topic, deadline)
                cluster.scope.spawn(self._look_for_partitions(), "metadata age")
        except BaseException:
            await cluster.close()
            raise

    def _join(self, group_id: str) -> None:
        on_assigned, on_revoked = self._hooks
        self._group = group = ConsumerGroup(
            self._cluster,
            self._fetcher,
            group_id,
            self._topics,
            self._group_settings,
            start=self._start,
            auto_commit_ms=self._auto_commit_ms,
            on_assigned=on_assigned,
            on_revoked=on_revoked,
        )
        self._fetcher.committed = group.coordinator.committed

    async def _assign_all(self, topic: str, deadline: float) -> None:
        for partition in await self._partitions(topic, deadline):
            place = TopicPartition(topic, partition)
            if place not in self._fetcher.positions:
                self._fetcher.place_at(place, -1, self._start)

    async def _look_for_partitions(self) -> None:
        """Topics may grow, unless `assign` has been called."""
        while True:
            await asyncio.sleep(self._config.metadata_max_age_ms / 1000)
            if self._by_hand:
                return
            for topic in self._topics:
                with contextlib.suppress(NotConnected, Timeout, BrokerError):
                    await self._assign_all(topic, self._cluster.deadline())

    async def close(self, timeout_ms: float | None = None) -> None:
        """Commit (if that is automatic), leave the group, disconnect.

        Within `timeout_ms`, by default `close_timeout_ms`.
        """
        if self._closed:
            return
        limit_ms = self._config.close_timeout_ms if timeout_ms is None else timeout_ms
        try:
            if self._group is not None:
                await self._group.close(limit_ms / 1000)  # its hook may commit
        finally:
            self._closed = True
            self._fetcher.fail(Closed("the consumer is closed"))
            await self._cluster.close()

    # --- assignment and position

    def assign(self, places: Iterable[tuple[str, int]] | Mapping[TopicPartition, int]) -> None:
        """Consume exactly these partitions, from the offsets of a mapping or where `start` says.

        With a group, but without topics, the group's committed offsets come before `start`.
        """
        self._check_open()
        if self._group is not None and self._topics:
            raise ConfigError("the group assigns partitions: give topics or assign, not both")
        self._by_hand = True
        offsets = places if isinstance(places, Mapping) else {}
        wanted = [TopicPartition(*place) for place in places]
        for place in self.assignment:
            if place not in wanted:
                self._fetcher.remove(place)
        for place in wanted:
            if place in offsets or place not in self._fetcher.positions:
                position = self._fetcher.place_at(place, offsets.get(place, -1), self._start)
                position.of_group = self._group is not None and place not in offsets

    async def position(self, place: tuple[str, int], timeout_ms: float | None = None) -> int:
        """The offset of the next record to be returned. Raises Timeout, BrokerError."""
        position = self._placed(place)
        cluster = self._cluster
        deadline, backoff = self._deadline(timeout_ms), cluster.backoff()
        while position.offset < 0:
            try:
                await self._fetcher.locate([position], deadline)
            except (NotConnected, BrokerError) as error:
                if not error.retriable:
                    raise
                await cluster.pause(backoff, deadline)
                await cluster.refresh([position.place.topic], cluster.remaining(deadline))
        return position.offset

    # --- the group's offsets

    async def commit(
        self,
        offsets: Mapping[TopicPartition, int] | None = None,
        *,
        timeout_ms: float | None = None,
    ) -> None:
        """Store offsets for the group: of the next record that each partition's consumer shall get.

        By default of everything returned so far. Raises BrokerError (not `.retriable` when the
        partitions are somebody else's by now), Timeout.
        """
        self._check_open()
        await self._in_group().commit(offsets, self._deadline(timeout_ms))

    async def committed(
        self, places: Iterable[tuple[str, int]], timeout_ms: float | None = None
    ) -> dict[TopicPartition, int]:
        """The group's offsets; partitions without are left out."""
        self._check_open()
        wanted = [TopicPartition(*place) for place in places]
        return await self._in_group().coordinator.committed(wanted, self._deadline(timeout_ms))

    def _in_group(self) -> ConsumerGroup:
        if self._group is None:
            raise ConfigError("the consumer has no group")
        return self._group

    # --- offsets

    async def offsets_for_times(
        self, times_ms: Mapping[TopicPartition, int], timeout_ms: float | None = None
    ) -> dict[TopicPartition, FoundOffset]:
        """The first record at or after a time in each partition; offset -1 where there is none."""
        return await self._list_offsets(times_ms, timeout_ms)

    async def beginning_offsets(
        self, places: Iterable[tuple[str, int]], timeout_ms: float | None = None
    ) -> dict[TopicPartition, int]:
        """The first offset of each partition."""
        asked = {TopicPartition(*place): EARLIEST for place in places}
        found = await self._list_offsets(asked, timeout_ms)
        return {place: each.offset for place, each in found.items()}

    async def end_offsets(
        self, places: Iterable[tuple[str, int]], timeout_ms: float | None = None
    ) -> dict[TopicPartition, int]:
        """The offset after the last record of each partition that this consumer may see."""
        asked = {TopicPartition(*place): LATEST for place in places}
        found = await self._list_offsets(asked, timeout_ms)
        return {place: each.offset for place, each in found.items()}

    async def partitions(self, topic: str, timeout_ms: float | None = None) -> list[int]:
        """The partitions of a topic. Raises Timeout, BrokerError."""
        return await self._partitions(topic, self._deadline(timeout_ms))

    # --- inside

    async def _list_offsets(
        self, asked: Mapping[TopicPartition, int], timeout_ms: float | None
    ) -> dict[TopicPartition, FoundOffset]:
        self._check_open()
        deadline = self._deadline(timeout_ms)
        return await list_offsets(self._cluster, asked, deadline, self._settings.isolation_level)

    async def _partitions(self, topic: str, deadline: float) -> list[int]:
        cluster = self._cluster
        backoff = cluster.backoff()
        while True:
            try:
                await cluster.refresh([topic], cluster.remaining(deadline))
                info = cluster.topics.get(topic)
                if info is not None and info.error_code != ErrorCode.NONE:
                    raise BrokerError(info.error_code, topic)
                if info is not None and info.partitions:
                    return list(info.partitions)
            except (NotConnected, BrokerError) as error:
                if not error.retriable:
                    raise
            await cluster.pause(backoff, deadline)

    def _deadline(self, timeout_ms: float | None) -> float:
        return self._cluster.deadline(None if timeout_ms is None else timeout_ms / 1000)
