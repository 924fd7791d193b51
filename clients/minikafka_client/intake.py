"""The half of a producer that faces the application: which batch a record goes into, how many bytes
are held, and when a batch's time is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from minikafka.protocol.errors import ErrorCode
from minikafka.runtime.clock import WallClock
from minikafka_client.accumulator import PartitionQueue
from minikafka_client.cluster import Cluster, TopicInfo
from minikafka_client.delivery import Batch, Delivery, Headers, RecordColumns, Unrouted
from minikafka_client.errors import (
    BrokerError,
    BufferFull,
    ClientError,
    Closed,
    ConfigError,
    DeliveryTimeout,
    NotConnected,
    Timeout,
)
from minikafka_client.partitioner import other_partition, partition_for_key
from minikafka_client.sender import Sender

RECORD_BYTES: Final = 21
"""What a record takes beside key, value and headers, at most."""
_HEADER_BYTES: Final = 10
_BATCH_HEADER_BYTES: Final = 61
_TIMER_SLACK_S: Final = 0.001
NO_HEADERS: Headers = ()


class Intake:
    """What `Producer` inherits. `_undone` has everything undecided in the order of deadlines."""

    _cluster: Cluster
    _sender: Sender
    _loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        batch_bytes: int,
        buffer_bytes: int,
        delivery_s: float,
        on_failure: Callable[[str, int, int, ClientError], None] | None,
    ) -> None:
        self._batch_bytes = batch_bytes
        self._buffer_bytes = buffer_bytes
        self._delivery_s = delivery_s
        self._on_failure = on_failure
        self._wall = WallClock()
        self._stamp_ms = -1  # the time of this turn of the loop, once somebody needs it
        self._batch_count = 0
        self._buffered = 0  # bytes of batches that are not decided
        self._undone: dict[Batch | Unrouted, None] = {}
        self._room: list[asyncio.Future[None]] = []
        self._sticky: dict[str, PartitionQueue] = {}
        self._queues: dict[tuple[str, int], PartitionQueue] = {}
        self._unrouted: dict[str, Unrouted] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._closed = True

    # --- batches

    def _begin_turn(self) -> None:
        """All records of one turn of the loop have one timestamp, and are sent at its end."""
        if self._closed:
            raise Closed("the producer is closed, or not started")
        self._stamp_ms = self._wall.now_ms()
        self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._stamp_ms = -1
        self._sender.drain()

    async def _next_turn(self) -> None:
        """Let the loop go round once."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._loop.call_soon(_wake, future)
        await future

    def _new_batch(
        self, queue: PartitionQueue, sticky: bool, accepted_until: float | None = None
    ) -> Batch:
        """An empty open batch; for records that only stick to a partition it is another one's.

        Raises BufferFull, unless the records have been accepted already, until a deadline.
        """
        if self._buffered >= self._buffer_bytes and accepted_until is None:
            raise BufferFull(f"{self._buffered} bytes wait to be acknowledged: await ready()")
        queue.close_open()
        if sticky:
            queue = self._move_on(queue)
            queue.close_open()
        now = self._loop.time()
        self._batch_count += 1
        deadline = now + self._delivery_s if accepted_until is None else accepted_until
        batch = Batch(queue, self._batch_count, now, deadline)
        batch.size = _BATCH_HEADER_BYTES
        queue.open = batch
        self._undone[batch] = None
        self._buffered += _BATCH_HEADER_BYTES
        if self._expiry is None:
            self._expiry = self._loop.call_at(batch.deadline, self._expire)
        self._sender.queues[queue] = None
        return batch

    def _batch_for(self, queue: PartitionQueue, size: int, sticky: bool) -> Batch:
        """A batch that takes `size` more bytes now; it is stamped."""
        if self._stamp_ms < 0:
            self._begin_turn()
        batch = queue.open
        if batch is None or batch.size + size > self._batch_bytes:
            batch = self._new_batch(queue, sticky)
        if batch.stamp_ms != self._stamp_ms:
            batch.stamp(self._stamp_ms)
        return batch

    def _extend(self, batch: Batch, values: Sequence[bytes], size: int) -> None:
        """Add records without key and headers, `size` bytes in all."""
        if batch.keys is not None:
            batch.keys += [None] * len(values)
        if batch.headers is not None:
            batch.headers += [NO_HEADERS] * len(values)
        batch.values += values
        batch.size += size
        self._buffered += size

    def _batch_done(self, batch: Batch) -> None:
        """Acknowledged or failed: the sender says so, once."""
        self._undone.pop(batch, None)
        self._release(batch.size)
        if batch.failure is not None and self._on_failure is not None:
            queue = batch.queue
            count = batch.count or len(batch.values)
            self._on_failure(queue.topic, queue.partition, count, batch.failure)

    # --- room

    def _release(self, size: int) -> None:
        self._buffered -= size
        if self._room and self._buffered <= self._buffer_bytes // 2:
            self._wake_room()

    def _wait_for_room(self) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self._loop.create_future()
        self._room.append(future)
        return future

    def _wake_room(self) -> None:
        waiting, self._room = self._room, []
        for future in waiting:
            _wake(future)

    # --- partitions

    def _queue(self, topic: str, partition: int) -> PartitionQueue:
        queue = self._queues.get((topic, partition))
        if queue is None:
            info = self._cluster.topics[topic]
            if partition not in info.partitions:
                raise ConfigError(f"{topic} has {len(info.partitions)} partitions, no {partition}")
            queue = PartitionQueue(topic, partition, self._sender.identity, self._sender.hurry)
            self._queues[topic, partition] = queue
        return queue

    def _route(self, topic: str, key: bytes | None, partition: int | None) -> PartitionQueue | None:
        """The queue of a record with a key or a partition; None while the topic is unknown."""
        if topic not in self._sticky:
            return None
        if partition is None:
            assert key is not None, "records without either stick to a partition"
            partition = partition_for_key(key, len(self._cluster.topics[topic].partitions))
        return self._queue(topic, partition)

    def _move_on(self, queue: PartitionQueue) -> PartitionQueue:
        """Records without key go to another partition from now on."""
        topic = queue.topic
        partitions = self._cluster.topics[topic].partitions
        available = [number for number, info in partitions.items() if info.leader >= 0]
        if len(available) < 2:
            return queue
        chosen = other_partition(self._cluster.random, available, queue.partition)
        moved = self._sticky[topic] = self._queue(topic, chosen)
        return moved

    # --- topics that are not known yet

    def _hold_back(self, topic: str, record: RecordColumns, size: int) -> Delivery:
        """Keep a record until its topic is known."""
        unrouted = self._unrouted.get(topic)
        if unrouted is None:
            deadline = self._loop.time() + self._delivery_s
            unrouted = self._unrouted[topic] = Unrouted(topic, deadline)
            self._undone[unrouted] = None
            if self._expiry is None:
                self._expiry = self._loop.call_at(deadline, self._expire)
            self._cluster.scope.spawn(self._find(unrouted), f"find {topic}")
        if self._buffered >= self._buffer_bytes:
            raise BufferFull(f"{unrouted.size} bytes wait for {topic} to be known")
        unrouted.size += size
        self._buffered += size
        handle = Delivery(unrouted, len(unrouted.records))
        unrouted.records.append((handle, record))
        return handle

    async def _find(self, unrouted: Unrouted) -> None:
        try:
            await self._known(unrouted.topic, unrouted.deadline)
        except ClientError as error:
            self._unrouted.pop(unrouted.topic, None)
            self._undone.pop(unrouted, None)
            self._release(unrouted.size)
            failure = DeliveryTimeout(str(error)) if isinstance(error, Timeout) else error
            unrouted.finish(failure)
            if self._on_failure is not None:
                self._on_failure(unrouted.topic, -1, len(unrouted.records), failure)

    async def _known(self, topic: str, deadline: float) -> TopicInfo:
        """The topic, asked for until the broker has it. Raises Timeout, Closed, BrokerError."""
        if topic in self._sticky:
            return self._cluster.topics[topic]
        backoff = self._cluster.backoff()
        while True:
            with contextlib.suppress(NotConnected):
                await self._cluster.refresh([topic], self._cluster.remaining(deadline))
            info = self._cluster.topics.get(topic)
            if info is not None and info.error_code == ErrorCode.NONE and info.partitions:
                self._learn(info)
                return info
            if info is not None and not info.error_code.retriable:
                raise BrokerError(info.error_code, topic)
            await self._cluster.pause(backoff, deadline)

    def _learn(self, info: TopicInfo) -> None:
        """Records for the topic can be sent; those held back are put into batches."""
        if not info.partitions:
            return
        if info.name not in self._sticky:
            available = [n for n, each in info.partitions.items() if each.leader >= 0]
            chosen = other_partition(self._cluster.random, available or list(info.partitions), -1)
            self._sticky[info.name] = self._queue(info.name, chosen)
        unrouted = self._unrouted.pop(info.name, None)
        if unrouted is None:
            return
        self._undone.pop(unrouted)
        self._buffered -= unrouted.size
        for handle, record in unrouted.records:
            self._place(unrouted, handle, record)
        for queue in self._queues.values():
            if queue.topic == info.name:
                queue.close_open()  # what is sent from now on has more time
        self._undone = dict.fromkeys(sorted(self._undone, key=_deadline))
        if self._expiry is not None:
            self._expiry.cancel()
        self._expire()
        self._release(0)  # some may have been refused
        unrouted.finish()
        self._sender.drain()

    def _place(self, unrouted: Unrouted, handle: Delivery, record: RecordColumns) -> None:
        """Put a record that was held back where it belongs; its handle follows it."""
        topic = unrouted.topic
        value, key, headers, partition, stamp = record
        queue = self._sticky[topic]
        if key is not None or partition is not None:
            count = len(self._cluster.topics[topic].partitions)
            if partition is not None and not 0 <= partition < count:
                handle.batch = Unrouted(topic, 0)
                handle.batch.finish(ConfigError(f"{topic} has no partition {partition}"))
                return
            found = self._route(topic, key, partition)
            assert found is not None, "the topic is known by now"
            queue = found
        size = RECORD_BYTES + len(value or b"") + len(key or b"") + headers_size(headers)
        batch = queue.open
        if batch is None or batch.size + size > self._batch_bytes:
            sticky = key is None and partition is None
            batch = self._new_batch(queue, sticky, accepted_until=unrouted.deadline)
        if batch.stamp_ms != stamp:
            batch.stamp(stamp)
        if key is not None or batch.keys is not None:
            batch.add_key(key)
        if headers or batch.headers is not None:
            batch.add_headers(headers)
        handle.batch, handle.index = batch, len(batch.values)
        batch.values.append(value)
        batch.size += size
        self._buffered += size

    # --- time

    def _expire(self) -> None:
        """Fail what is older than the delivery timeout; the oldest come first."""
        self._expiry = None
        now = self._loop.time() + _TIMER_SLACK_S
        for each in list(self._undone):
            if each.deadline > now:
                self._expiry = self._loop.call_at(each.deadline, self._expire)
                return
            if isinstance(each, Batch):
                self._sender.expire(each, None)
            # What is unrouted has a task that keeps its deadline.

    def _fail_everything(self, failure: ClientError) -> None:
        for each in list(self._undone):
            each.finish(failure)
            if isinstance(each, Batch):
                self._batch_done(each)
        self._undone.clear()
        self._wake_room()


def _deadline(each: Batch | Unrouted) -> float:
    return each.deadline


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def as_bytes(data: object) -> bytes:
    """A key or value as the bytes it is. Raises TypeError for what is none."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    raise TypeError(f"keys and values are bytes, not {type(data).__name__}")


def header_list(headers: Headers | Mapping[str, bytes | None]) -> Headers:
    """Headers as (key, value) pairs, checked. Raises TypeError."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(str(name), None if value is None else as_bytes(value)) for name, value in pairs]


def headers_size(headers: Headers) -> int:
    """Upper bound of the bytes that headers take in a record."""
    return sum(
        _HEADER_BYTES + 3 * len(name) + (0 if value is None else len(value))
        for name, value in headers
    )
