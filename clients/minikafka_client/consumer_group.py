"""What being in a group means: positions come from committed offsets, and are committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from minikafka_client.cluster import Cluster
from minikafka_client.errors import BrokerError, ClientError, NotConnected, Timeout
from minikafka_client.fetched import TopicPartition
from minikafka_client.fetcher import Fetcher
from minikafka_client.group_coordinator import GroupCoordinator
from minikafka_client.membership import GroupSettings, Hook, Membership


class ConsumerGroup:
    """Joins a member to a consumer's positions, and commits by itself if told to."""

    def __init__(
        self,
        cluster: Cluster,
        fetcher: Fetcher,
        group_id: str,
        topics: Sequence[str],
        settings: GroupSettings,
        *,
        start: int,
        auto_commit_ms: float | None,
        on_assigned: Hook | None,
        on_revoked: Hook | None,
    ) -> None:
        self.coordinator = GroupCoordinator(cluster, group_id)
        self._cluster = cluster
        self._fetcher = fetcher
        self._start = start
        self._auto_commit_ms = auto_commit_ms
        self._on_assigned, self._on_revoked = on_assigned, on_revoked
        self._stored: dict[TopicPartition, int] = {}  # what the coordinator has, as far as known
        self._membership: Membership | None = None
        self._tasks: list[asyncio.Task[None]] = []
        if topics:
            self._membership = Membership(
                cluster,
                self.coordinator,
                topics,
                settings,
                assigned=self._assigned,
                revoked=self._revoked,
                lost=self._lost,
                failed=fetcher.fail,
            )
            self._tasks.append(cluster.scope.spawn(self._membership.run(), "group member"))
        if auto_commit_ms is not None:
            self._tasks.append(cluster.scope.spawn(self._keep_committing(), "auto commit"))
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def close(self, timeout_s: float) -> None:
        """Give up the partitions, commit, leave: within the time, or not at all."""
        deadline = self._cluster.deadline(timeout_s)
        membership = self._membership
        try:
            async with asyncio.timeout(timeout_s):
                for task in self._tasks:
                    task.cancel()
                if self._tasks:
                    await asyncio.wait(self._tasks)
                if membership is None:
                    if self._auto_commit_ms is not None:
                        await self._commit_done(deadline)
                    return
                if membership.owned:
                    await self._revoked(list(membership.owned), deadline)
                await membership.leave(deadline)
        except (TimeoutError, ClientError):
            return  # the group will miss the member after its session timeout

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A hook has raised, or worse: whoever takes the next record hears of it."""
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._fetcher.fail(failure)

    # --- offsets

    async def commit(self, offsets: Mapping[TopicPartition, int] | None, deadline: float) -> None:
        """Store offsets, by default of all positions."""
        if offsets is None:
            offsets = {
                place: position.offset
                for place, position in self._fetcher.positions.items()
                if position.offset >= 0
            }
        if offsets:
            await self.coordinator.commit(offsets, self._epochs(offsets), deadline)
            self._stored |= offsets
            for place, offset in offsets.items():
                position = self._fetcher.positions.get(place)
                if position is not None and position.done < offset:
                    position.done = offset  # or auto commit would go back behind it

    def _epochs(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Those of the leaders that have written what lies before the offsets."""
        positions = self._fetcher.positions
        return {
            place: position.epoch
            for place, offset in offsets.items()
            if (position := positions.get(place)) is not None and offset <= position.offset
        }

    async def _commit_done(self, deadline: float) -> None:
        """Store what the application has gone on from, and only what is new."""
        new = {
            place: position.done
            for place, position in self._fetcher.positions.items()
            if position.done >= 0 and self._stored.get(place) != position.done
        }
        if new:
            await self.commit(new, deadline)

    async def _keep_committing(self) -> None:
        assert self._auto_commit_ms is not None, "only then it is started"
        while True:
            await asyncio.sleep(self._auto_commit_ms / 1000)
            try:
                await self._commit_done(self._cluster.deadline())
            except (NotConnected, Timeout, BrokerError):
                continue  # what matters is committed before partitions go; this bounds repetition

    # --- what the membership says

    async def _assigned(self, places: list[TopicPartition]) -> None:
        stored = {}
        if places:
            stored = await self.coordinator.committed(places, self._cluster.deadline())
            self._stored |= stored
        placed = []
        for place in places:
            position = self._fetcher.place_at(place, stored.get(place, -1), self._start)
            position.blocked = True  # nothing is fetched before the hook is through
            placed.append(position)
        if self._on_assigned is not None:
            await self._on_assigned(places)
        for position in placed:
            self._fetcher.unblock(position)

    async def _revoked(self, places: list[TopicPartition], deadline: float | None = None) -> None:
        for place in places:
            position = self._fetcher.positions.get(place)
            if position is not None:
                position.paused = True
        if self._on_revoked is not None:
            await self._on_revoked(places)
        try:
            if self._auto_commit_ms is not None:
                await self._commit_done(deadline or self._cluster.deadline())
        except BrokerError:
            pass  # thrown out already: the next owner begins at what was committed before
        finally:
            self._remove(places)

    async def _lost(self, places: list[TopicPartition]) -> None:
        self._remove(places)
        if self._on_revoked is not None:
            await self._on_revoked(places)

    def _remove(self, places: list[TopicPartition]) -> None:
        for place in places:
            self._fetcher.remove(place)
            self._stored.pop(place, None)
