"""The producer: records in, acknowledgements out.

    async with Producer("localhost:9092") as producer:
        metadata = await producer.send("orders", b"...", key=b"42")
        producer.post("clicks", b"...")

By default idempotent and acknowledged by all in-sync replicas (KIP-679). `send` never waits: it
puts the record into a batch and returns a handle. Records of one turn of the event loop travel
together; `linger_ms` makes batches larger still.
"""

from __future__ import annotations

import asyncio
import contextlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final, Literal, Self, Unpack

from minikafka.records.compression import CODEC_NAMES
from minikafka_client.cluster import Cluster
from minikafka_client.config import ClientConfig, ConnectionOptions, at_least, parse_bootstrap
from minikafka_client.delivery import (
    Batch,
    Delivery,
    Headers,
    RecordMetadata,
    SentBatch,
    Unrouted,
)
from minikafka_client.errors import (
    BufferFull,
    ClientError,
    Closed,
    ConfigError,
    DeliveryTimeout,
    NotConnected,
    Timeout,
)
from minikafka_client.intake import (
    NO_HEADERS,
    RECORD_BYTES,
    Intake,
    as_bytes,
    header_list,
    headers_size,
)
from minikafka_client.sender import Sender

_ACKS: Final = {"all": -1, -1: -1, 0: 0, 1: 1}
_TURN_AFTER_BATCHES: Final = 16
"""`send_many` lets the loop go round this often, so that sending begins."""

__all__ = ["Delivery", "Producer", "RecordMetadata", "SentBatch"]


class Producer(Intake):
    """A producer for any number of topics; use it as an async context manager.

    Durations are in ms. `batch_bytes` bounds a batch before compression, `buffer_bytes` all that is
    not acknowledged yet. `on_failure(topic, partition, record_count, error)` hears of every batch
    that failed, which nobody else does for `post`.
    """

    def __init__(
        self,
        bootstrap: str | Iterable[str],
        *,
        acks: Literal["all", 0, 1, -1] = "all",
        enable_idempotence: bool | None = None,
        linger_ms: float = 0,
        batch_bytes: int = 64 * 1024,
        buffer_bytes: int = 32 << 20,
        compression: Literal["gzip", "snappy", "lz4", "zstd"] | None = None,
        max_in_flight: int = 5,
        delivery_timeout_ms: float = 120_000,
        on_failure: Callable[[str, int, int, ClientError], None] | None = None,
        **options: Unpack[ConnectionOptions],
    ) -> None:
        if acks not in _ACKS:
            raise ConfigError(f"acks is {acks!r}: 'all', 0 or 1")
        if compression is not None and compression not in CODEC_NAMES:
            raise ConfigError(f"no codec is named {compression!r}")
        idempotent = _ACKS[acks] == -1 if enable_idempotence is None else enable_idempotence
        if idempotent and (_ACKS[acks] != -1 or max_in_flight > 5):
            raise ConfigError("idempotence needs acks='all' and max_in_flight of at most 5")
        at_least("batch_bytes", batch_bytes, 1)
        at_least("max_in_flight", max_in_flight, 1)
        at_least("linger_ms", linger_ms, 0)
        at_least("delivery_timeout_ms", delivery_timeout_ms, 1)
        named: ConnectionOptions = {"client_id": "minikafka-producer", **options}
        self._config = ClientConfig(
            parse_bootstrap(bootstrap), api_timeout_ms=delivery_timeout_ms, **named
        )
        super().__init__(batch_bytes, buffer_bytes, delivery_timeout_ms / 1000, on_failure)
        self._acks = _ACKS[acks]
        self._idempotent = idempotent
        self._codec = CODEC_NAMES[compression or "none"]
        self._linger_s = linger_ms / 1000
        self._max_in_flight = max_in_flight
        self._flushes = 0

    # --- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.close(timeout_ms=None if kind is None else 0)

    async def start(self) -> None:
        """Connect, and get a producer id if idempotent. Raises NotConnected, Timeout, BrokerError.

        Takes at most `connect_timeout_ms`.
        """
        self._loop = asyncio.get_running_loop()
        self._cluster = cluster = Cluster(self._config)
        self._sender = Sender(
            cluster,
            acks=self._acks,
            codec=self._codec,
            linger_s=self._linger_s,
            max_in_flight=self._max_in_flight,
            done=self._batch_done,
        )
        deadline = cluster.deadline(self._config.connect_timeout_s)
        try:
            await cluster.start(cluster.remaining(deadline))
            if self._idempotent:
                await self._sender.obtain_identity(deadline)
        except BaseException:
            await cluster.close()
            raise
        cluster.scope.spawn(self._keep_metadata_fresh(), "metadata age")
        self._closed = False

    async def close(self, timeout_ms: float | None = None) -> None:
        """Flush for at most `timeout_ms`, then fail what is left and disconnect.

        The default is `close_timeout_ms`.
        """
        if self._closed:
            return
        try:
            if timeout_ms != 0:
                await self.flush(
                    self._config.close_timeout_ms if timeout_ms is None else timeout_ms
                )
        except Timeout:
            pass  # told to each record's handle below
        finally:
            self._closed = True
            self._fail_everything(Closed("the producer was closed before this was acknowledged"))
            if self._expiry is not None:
                self._expiry.cancel()
            await self._cluster.close()

    # --- records in

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | Mapping[str, bytes | None] = NO_HEADERS,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Delivery:
        """Queue a record; await the handle for its RecordMetadata, or let it be.

        A key decides on the partition unless `partition` does. Value None is a tombstone. The
        timestamp is now unless given. Raises BufferFull (then await `ready()`), Closed, TypeError.
        """
        if self._stamp_ms < 0:
            self._begin_turn()
        if value.__class__ is not bytes and value is not None:
            value = as_bytes(value)
        size = RECORD_BYTES if value is None else RECORD_BYTES + len(value)
        if key is None and partition is None:
            queue = self._sticky.get(topic)
        else:
            if key is not None:
                key = as_bytes(key)
                size += len(key)
            queue = self._route(topic, key, partition)
        columns: Headers = NO_HEADERS
        if headers:
            columns = header_list(headers)
            size += headers_size(columns)
        stamp = self._stamp_ms if timestamp_ms is None else timestamp_ms
        if queue is None:
            return self._hold_back(topic, (value, key, columns, partition, stamp), size)
        batch = queue.open
        if batch is None or batch.size + size > self._batch_bytes:
            batch = self._new_batch(queue, key is None and partition is None)
        if batch.stamp_ms != stamp:
            batch.stamp(stamp)
        if key is not None or batch.keys is not None:
            batch.add_key(key)
        if columns or batch.headers is not None:
            batch.add_headers(columns)
        values = batch.values
        index = len(values)
        values.append(value)
        batch.size += size
        self._buffered += size
        return Delivery(batch, index)

    def post(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers | Mapping[str, bytes | None] = NO_HEADERS,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        """As `send`, for those who rely on `flush` and `on_failure`."""
        self.send(
            topic, value, key=key, headers=headers, partition=partition, timestamp_ms=timestamp_ms
        )

    async def send_many(
        self,
        topic: str,
        values: Sequence[bytes],
        *,
        partition: int | None = None,
        timeout_ms: float | None = None,
    ) -> list[SentBatch]:
        """Send many records without keys and wait for all of them; where they went, in order.

        Waits for room in the buffer as needed; for all of it at most `timeout_ms`, by default
        `delivery_timeout_ms`. Raises what awaiting `send` does, for the first batch that failed.
        """
        self._check_open()
        limit_s = self._limit_s(timeout_ms)
        try:
            async with asyncio.timeout(limit_s):
                return await self._send_many(topic, values, partition, limit_s)
        except DeliveryTimeout:
            raise
        except TimeoutError as error:
            raise DeliveryTimeout(f"{topic}: not all acknowledged in {limit_s:g} s") from error

    async def _send_many(
        self, topic: str, values: Sequence[bytes], partition: int | None, limit_s: float
    ) -> list[SentBatch]:
        batches: dict[Batch, None] = {}
        await self._known(topic, self._cluster.deadline(limit_s))
        ends = list(accumulate(map(RECORD_BYTES.__add__, map(len, values))))
        at = 0
        while at < len(values):
            await self.ready()
            queue = self._sticky[topic]
            if partition is not None:
                queue = self._queue(topic, partition)
            before = ends[at - 1] if at else 0
            batch = self._batch_for(queue, ends[at] - before, partition is None)
            stop = max(at + 1, bisect_right(ends, self._batch_bytes - batch.size + before))
            self._extend(batch, values[at:stop], ends[stop - 1] - before)
            first = batch not in batches
            batches[batch] = None
            if first and len(batches) % _TURN_AFTER_BATCHES == 0:
                await self._next_turn()
                _raise_first_failure(batches)
            at = stop
        for batch in batches:
            if not batch.done:
                await batch.wait()
            _raise_first_failure([batch])
        return [batch.sent_batch() for batch in batches]

    # --- waiting

    async def ready(self, timeout_ms: float | None = None) -> None:
        """Wait until half of the buffer is free, for at most `delivery_timeout_ms` by default.

        Raises BufferFull, Closed.
        """
        limit_s = self._limit_s(timeout_ms)
        try:
            async with asyncio.timeout(limit_s):
                while self._buffered > self._buffer_bytes // 2 and not self._closed:
                    await self._wait_for_room()
        except TimeoutError:
            raise BufferFull(f"no room in {self._buffer_bytes} bytes") from None
        if self._closed:
            raise Closed("the producer is closed")

    async def flush(self, timeout_ms: float | None = None) -> None:
        """Wait until every record sent so far is acknowledged or has failed.

        For at most `delivery_timeout_ms` unless told otherwise. Raises Timeout, Closed.
        """
        self._check_open()
        limit_s = self._limit_s(timeout_ms)
        self._flushes += 1
        self._sender.flushing = True
        try:
            async with asyncio.timeout(limit_s):
                await self._all_decided()
        except TimeoutError:
            raise Timeout(f"{len(self._undone)} batches are not acknowledged yet") from None
        finally:
            self._flushes -= 1
            self._sender.flushing = self._flushes > 0

    async def _all_decided(self) -> None:
        routed = False
        while not routed:
            waiting = list(self._undone)
            # Records of topics that were unknown are in new batches once those are known.
            routed = not any(isinstance(each, Unrouted) for each in waiting)
            for each in waiting:
                if not each.done:
                    self._sender.drain()
                    await each.wait()

    async def partitions(self, topic: str, timeout_ms: float | None = None) -> list[int]:
        """The partitions of a topic; it is created if the broker does that. Raises Timeout."""
        self._check_open()
        deadline = self._cluster.deadline(self._limit_s(timeout_ms))
        return list((await self._known(topic, deadline)).partitions)

    def _limit_s(self, timeout_ms: float | None) -> float:
        return self._delivery_s if timeout_ms is None else timeout_ms / 1000

    def _check_open(self) -> None:
        if self._closed:
            raise Closed("the producer is closed, or not started")

    async def _keep_metadata_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._config.metadata_max_age_ms / 1000)
            with contextlib.suppress(NotConnected, Timeout):
                await self._cluster.refresh(self._sticky, self._config.request_timeout_s)
            for topic in self._sticky:
                self._learn(self._cluster.topics[topic])


def _raise_first_failure(batches: Iterable[Batch]) -> None:
    for batch in batches:
        if batch.failure is not None:
            raise batch.failure.with_traceback(None)
