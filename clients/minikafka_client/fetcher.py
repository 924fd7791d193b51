"""Keeps one Fetch request open to each broker, and what has arrived in order until it is consumed.

    position ──Fetch──> broker ──answer──> buffered batches ──take()──> consumer

A partition is fetched again when less than half a full answer of it is buffered; a consumer that
stops reading holds no more than one and a half. Each assignment or seek gives a partition a new
`Position`; what comes back for an older one is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from minikafka.protocol.errors import ErrorCode, error_code
from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from minikafka.records.batch import has_valid_crc, walk
from minikafka.records.control import decode_end_transaction
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import decode_records
from minikafka_client.cluster import Cluster
from minikafka_client.errors import (
    BrokerError,
    ClientError,
    CorruptData,
    NotConnected,
    OffsetOutOfRange,
    Timeout,
)
from minikafka_client.fetched import FetchedBatch, TopicPartition
from minikafka_client.nearest import NOBODY, NearestReplicas
from minikafka_client.offsets import EARLIEST, LATEST, FoundOffset, ask_leaders

FETCH_AT_MOST: Final = 12
"""Later versions name topics by id."""
READ_UNCOMMITTED: Final = 0
READ_COMMITTED: Final = 1
_UNKNOWN: Final = -1


Committed = Callable[[list[TopicPartition], float], Coroutine[Any, Any, dict[TopicPartition, int]]]
"""(partitions, deadline) to the offsets that there are."""


class FetchSettings:
    """What a fetch asks for; times in ms."""

    __slots__ = (
        "check_crcs",
        "isolation_level",
        "max_bytes",
        "max_wait_ms",
        "min_bytes",
        "partition_max_bytes",
        "rack",
        "reset",
    )

    def __init__(
        self,
        *,
        max_wait_ms: int,
        min_bytes: int,
        max_bytes: int,
        partition_max_bytes: int,
        isolation_level: int,
        check_crcs: bool,
        reset: str,
        rack: str = "",
    ) -> None:
        self.max_wait_ms = max_wait_ms
        self.min_bytes = min_bytes
        self.max_bytes = max_bytes
        self.partition_max_bytes = partition_max_bytes
        self.isolation_level = isolation_level
        self.check_crcs = check_crcs
        self.reset = reset
        """earliest, latest or error: where to go without a position, or with a bad one."""
        self.rack = rack


class Position:
    """Where a consumer is in a partition. `offset` is what it consumes next, -1 while unknown.

    `fetch_offset` is what is asked for next; the difference is buffered. `start` is a special
    timestamp that stands for the offset until the broker has told it.
    """

    __slots__ = (
        "blocked",
        "buffered",
        "done",
        "epoch",
        "fetch_offset",
        "fetching",
        "high_watermark",
        "last_stable_offset",
        "of_group",
        "offset",
        "paused",
        "place",
        "start",
    )

    def __init__(self, place: TopicPartition, offset: int = _UNKNOWN, start: int = LATEST) -> None:
        self.place = place
        self.offset = offset
        self.fetch_offset = offset
        self.done = _UNKNOWN
        """The offset up to which the application has gone on, for auto commit."""
        self.epoch = _UNKNOWN
        """Of the leader that wrote what the application has got last."""
        self.start = start
        self.of_group = False
        """Whether the group's offset counts before `start`."""
        self.high_watermark = -1
        self.last_stable_offset = -1
        self.paused = False
        self.blocked = False
        """Whether something must be dealt with first: a failure (by `seek`, `resume`), a hook."""
        self.fetching = False
        self.buffered = 0


class Fetcher:
    """The positions of a consumer and the tasks that fetch from them, one for each broker."""

    def __init__(self, cluster: Cluster, settings: FetchSettings) -> None:
        self.positions: dict[TopicPartition, Position] = {}
        self.settings = settings
        self.committed: Committed | None = None
        """Asks a group for its offsets, where partitions are chosen by hand."""
        self._low = max(1, settings.partition_max_bytes // 2)
        self._cluster = cluster
        max_age_s = cluster.config.metadata_max_age_ms / 1000
        now_s = asyncio.get_running_loop().time
        self._nearest = NearestReplicas(max_age_s, now_s)
        self._ready: deque[tuple[Position, FetchedBatch | ClientError]] = deque()
        self._failure: BaseException | None = None
        self._arrived = asyncio.Event()
        self._changed = asyncio.Event()
        self._fetching: dict[int, asyncio.Task[None]] = {}
        self._finding: asyncio.Task[None] | None = None
        cluster.scope.spawn(self._keep_fetching(), "fetcher")

    # --- positions

    def place_at(self, place: TopicPartition, offset: int, start: int = LATEST) -> Position:
        """Consume a partition from an offset (-1: from what `start` means); forgets what is
        buffered of it."""
        before = self.positions.get(place)
        position = self.positions[place] = Position(place, offset, start)
        if before is not None:
            position.paused = before.paused
            self._drop(before)
        self._changed.set()
        return position

    def remove(self, place: TopicPartition) -> None:
        """Stop consuming a partition."""
        position = self.positions.pop(place, None)
        if position is not None:
            self._drop(position)
            self._changed.set()

    def resume(self, position: Position) -> None:
        """A partition is no longer paused, nor held up by a failure."""
        position.paused = False
        self.unblock(position)
        self._arrived.set()

    def unblock(self, position: Position) -> None:
        """Fetch from it: what held it up is over."""
        position.blocked = False
        self._changed.set()

    def _drop(self, position: Position) -> None:
        position.paused = True  # who is reading from it stops
        self._ready = deque(each for each in self._ready if each[0] is not position)

    # --- taking

    def take(self) -> tuple[Position, FetchedBatch] | None:
        """The next batch of a partition that is not paused. Raises what a broker has refused."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        for index, (position, batch) in enumerate(self._ready):
            if position.paused:
                continue
            del self._ready[index]
            if isinstance(batch, ClientError):
                raise batch
            before = position.buffered
            position.buffered = left = before - batch.size_bytes
            position.epoch = batch.leader_epoch
            if left < self._low <= before:
                self._changed.set()
            return position, batch
        return None

    def put_back(self, position: Position, batch: FetchedBatch) -> None:
        """What was taken and not consumed, to be taken first."""
        if self.positions.get(position.place) is position:
            position.buffered += batch.size_bytes
            self._ready.appendleft((position, batch))

    async def wait(self) -> None:
        """Wait until `take` may have something."""
        self._arrived.clear()
        await self._arrived.wait()

    def fail(self, failure: BaseException) -> None:
        """Whoever takes next shall hear of it."""
        self._failure = failure
        self._arrived.set()

    def _block(self, position: Position, failure: ClientError) -> None:
        """Whoever has taken what is sound shall hear of it; it would but fail again by itself."""
        position.blocked = True
        self._ready.append((position, failure))
        self._arrived.set()

    # --- fetching

    async def _keep_fetching(self) -> None:
        """Start a fetch for each broker that has none and has something to be asked for."""
        spawn = self._cluster.scope.spawn
        while True:
            self._changed.clear()
            unplaced = [each for each in self.positions.values() if each.fetch_offset < 0]
            by_node = self._by_node()
            leaderless = by_node.pop(_UNKNOWN, [])
            if (unplaced or leaderless) and self._finding is None:
                self._finding = spawn(self._find(unplaced, leaderless), "find offsets")
            for node_id, positions in by_node.items():
                if node_id not in self._fetching:
                    for position in positions:
                        position.fetching = True
                    fetch = self._fetch(node_id, positions)
                    self._fetching[node_id] = spawn(fetch, f"fetch from {node_id}")
            await self._changed.wait()

    def _by_node(self) -> dict[int, list[Position]]:
        found: dict[int, list[Position]] = {}
        for position in self.positions.values():
            idle = not (position.fetching or position.paused or position.blocked)
            if idle and position.buffered < self._low and position.fetch_offset >= 0:
                found.setdefault(self._source(position.place), []).append(position)
        return found

    def _source(self, place: TopicPartition) -> int:
        """The node to fetch from, _UNKNOWN while there is no leader that could name another."""
        leader = self._cluster.leader(*place)
        nearest = self._nearest.of(place) if leader != _UNKNOWN else NOBODY
        return nearest if nearest in self._cluster.nodes else leader

    async def _find(self, unplaced: list[Position], leaderless: list[Position]) -> None:
        """Learn offsets and leaders; `_keep_fetching` comes here again for what is missing."""
        cluster = self._cluster
        timeout_s = cluster.config.request_timeout_s
        lacking = {
            each.place.topic for each in (*unplaced, *leaderless) if cluster.leader(*each.place) < 0
        }
        try:
            if lacking:
                if lacking <= cluster.topics.keys():  # asked for before
                    await asyncio.sleep(cluster.backoff().next_delay_s())
                await cluster.refresh(lacking, timeout_s)
            await self.locate(unplaced, cluster.deadline(timeout_s))
        except (NotConnected, Timeout, BrokerError) as error:
            if not error.retriable:
                self.fail(error)
            await asyncio.sleep(cluster.backoff().next_delay_s())
            with contextlib.suppress(NotConnected, Timeout):
                await cluster.refresh({each.place.topic for each in unplaced}, timeout_s)
        finally:
            self._finding = None
            self._changed.set()

    async def locate(self, positions: list[Position], deadline: float) -> None:
        """Give offsets to positions without, in one attempt: those the group has, or by `start`.

        Raises BrokerError, NotConnected, Timeout when that failed for some.
        """
        of_group = [each.place for each in positions if each.of_group]
        if of_group:
            assert self.committed is not None, "set when positions of a group are placed"
            stored = await self.committed(of_group, deadline)
            for position in positions:
                position.of_group = False
                self._place(position, stored.get(position.place, _UNKNOWN))
        found: dict[TopicPartition, FoundOffset] = {}
        asked = {each.place: each.start for each in positions if each.fetch_offset < 0}
        try:
            await ask_leaders(self._cluster, asked, found, deadline, self.settings.isolation_level)
        finally:
            for position in positions:
                if position.place in found:
                    self._place(position, found[position.place].offset)

    def _place(self, position: Position, offset: int) -> None:
        if position.fetch_offset < 0 <= offset:
            position.offset = position.fetch_offset = offset
            self._changed.set()

    async def _fetch(self, node_id: int, positions: list[Position]) -> None:
        cluster, settings = self._cluster, self.settings
        wait_s = settings.max_wait_ms / 1000
        try:
            deadline = cluster.deadline(cluster.config.request_timeout_s + wait_s)
            request = self._request(positions)
            answer = await cluster.ask(
                node_id, request, FetchResponse, deadline, at_most=FETCH_AT_MOST
            )
            if answer.error_code:
                raise BrokerError(answer.error_code, "Fetch")
            await self._arrive(positions, answer)
        except (NotConnected, Timeout, BrokerError) as error:
            if not error.retriable:
                self.fail(error)
            for position in positions:
                self._nearest.forget(position.place)
            await asyncio.sleep(cluster.backoff().next_delay_s())
            with contextlib.suppress(NotConnected, Timeout):
                topics = {position.place.topic for position in positions}
                await cluster.refresh(topics, cluster.config.request_timeout_s)
        finally:
            del self._fetching[node_id]
            for position in positions:
                position.fetching = False
            self._changed.set()

    def _request(self, positions: list[Position]) -> FetchRequest:
        settings = self.settings
        topics: dict[str, list[FetchPartition]] = {}
        for position in positions:
            topic, partition = position.place
            asked = FetchPartition(
                partition=partition,
                fetch_offset=position.fetch_offset,
                partition_max_bytes=settings.partition_max_bytes,
            )
            topics.setdefault(topic, []).append(asked)
        return FetchRequest(
            max_wait_ms=settings.max_wait_ms,
            min_bytes=settings.min_bytes,
            max_bytes=settings.max_bytes,
            isolation_level=settings.isolation_level,
            topics=[FetchTopic(topic=name, partitions=each) for name, each in topics.items()],
            rack_id=settings.rack,
        )

    async def _arrive(self, positions: list[Position], answer: FetchResponse) -> None:
        asked = {position.place: position for position in positions}
        stale: dict[str, None] = {}
        for topic in answer.responses:
            for data in topic.partitions:
                place = TopicPartition(topic.topic, data.partition_index)
                position = asked.get(place)
                if position is None or self.positions.get(place) is not position:
                    continue  # moved or given up meanwhile
                code = error_code(data.error_code)
                if code == ErrorCode.NONE:
                    if data.preferred_read_replica in self._cluster.nodes:
                        self._nearest.advise(place, data.preferred_read_replica)
                    elif data.preferred_read_replica != NOBODY:
                        stale[place.topic] = None
                    self.buffer(position, data)
                elif code == ErrorCode.OFFSET_OUT_OF_RANGE:
                    if not self._nearest.forget(place):  # the leader knows better
                        self._reset(position)
                elif code.retriable:
                    self._nearest.forget(place)
                    stale[place.topic] = None
                else:
                    self._block(position, BrokerError(code, f"{place.topic}-{place.partition}"))
        if stale:
            await asyncio.sleep(self._cluster.backoff().next_delay_s())
            await self._cluster.refresh(stale, self._cluster.config.request_timeout_s)

    def buffer(self, position: Position, data: PartitionData) -> None:
        """Keep what has come for a partition, as far as applications may see it."""
        position.high_watermark = data.high_watermark
        position.last_stable_offset = data.last_stable_offset
        if not data.records:
            return
        before, epoch = position.buffered, _UNKNOWN
        try:
            for batch in self._visible(position, data):
                self._ready.append((position, batch))
                position.buffered += batch.size_bytes
                epoch = batch.leader_epoch
        except CorruptRecordError as error:
            where = f"{position.place.topic}-{position.place.partition}"
            self._block(position, CorruptData(f"{where}: {error}"))
        if position.buffered > before:
            self._cluster.note_leader_epoch(*position.place, epoch)
            self._arrived.set()
        elif not before and position.offset < position.fetch_offset:
            position.offset = position.fetch_offset  # only what applications do not see

    def _visible(self, position: Position, data: PartitionData) -> Iterator[FetchedBatch]:
        """The batches with records for the application; control and aborted ones are passed.

        Raises CorruptRecordError behind what is sound.
        """
        records = data.records
        assert isinstance(records, memoryview), "decoded records are a view of the answer"
        view = records
        committed_only = self.settings.isolation_level == READ_COMMITTED
        aborted = sorted(
            (each.first_offset, each.producer_id) for each in data.aborted_transactions or ()
        )
        aborting: set[int] = set()
        for at, header in walk(view):
            batch = view[at : at + header.size_bytes]
            if self.settings.check_crcs and not has_valid_crc(batch):
                raise CorruptRecordError(f"CRC of the batch at offset {header.base_offset}")
            if header.next_offset <= position.fetch_offset:
                continue
            while aborted and aborted[0][0] <= header.last_offset:
                aborting.add(aborted.pop(0)[1])
            hidden = header.is_control
            if hidden and _aborts(batch):
                aborting.discard(header.producer_id)
            elif committed_only and header.is_transactional:
                hidden |= header.producer_id in aborting
            first, position.fetch_offset = position.fetch_offset, header.next_offset
            if not hidden:
                yield FetchedBatch(position.place, batch, header, first)

    def _reset(self, position: Position) -> None:
        """The position is outside of the log."""
        if self.settings.reset == "error":
            where = f"{position.place.topic}-{position.place.partition} at {position.fetch_offset}"
            self._block(position, OffsetOutOfRange(ErrorCode.OFFSET_OUT_OF_RANGE, where))
            return
        start = EARLIEST if self.settings.reset == "earliest" else LATEST
        self.place_at(position.place, _UNKNOWN, start)


def _aborts(batch: memoryview) -> bool:
    """Whether a control batch ends a transaction by abort."""
    markers = [decode_end_transaction(each.key, each.value) for each in decode_records(batch)]
    return any(marker is not None and not marker.committed for marker in markers)
