"""A record on its way: the columns of the batch that it travels in, and a handle to wait by.

`send` is called per record, hence: a batch is columns (lists), a handle is (batch, index), and a
future exists only for whoever actually waits. The column of keys and that of headers come into
being with the first record that has such; timestamps are kept as runs, since all records of one
turn of the loop have the same.

Measured: bench/sdk/produce.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from minikafka.records.batch import (
    BASE_SEQUENCE_AT,
    INT16,
    INT32,
    INT64,
    PRODUCER_EPOCH_AT,
    PRODUCER_ID_AT,
    rewrite_crc,
)
from minikafka.records.builder import build_batch
from minikafka_client.errors import ClientError

if TYPE_CHECKING:
    from minikafka_client.accumulator import PartitionQueue

Headers = Sequence[tuple[str, bytes | None]]


class RecordMetadata(NamedTuple):
    """Where an acknowledged record is; offset -1 with acks=0, which tells nothing."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


class SentBatch(NamedTuple):
    """Where `record_count` consecutive records are; offset and timestamp of the first."""

    topic: str
    partition: int
    base_offset: int
    record_count: int
    timestamp_ms: int


class Waiters:
    """What others wait for: done once, with or without a failure."""

    __slots__ = ("_futures", "done", "failure")

    def __init__(self) -> None:
        self.done = False
        self.failure: ClientError | None = None
        self._futures: list[asyncio.Future[None]] | None = None

    def wait(self) -> asyncio.Future[None]:
        """A future of the caller's own, so that cancelling one waiter leaves the others be."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._futures is None:
            self._futures = []
        self._futures.append(future)
        return future

    def finish(self, failure: ClientError | None = None) -> None:
        """Wake everybody; only the first call counts."""
        if self.done:
            return
        self.done = True
        self.failure = failure
        futures, self._futures = self._futures, None
        for future in futures or ():
            if not future.done():
                future.set_result(None)


class Batch(Waiters):
    """Records for one partition that become one record batch.

    `order` counts the producer's batches. `size` is an upper bound of its bytes uncompressed;
    `created` and `deadline` are loop times.
    """

    __slots__ = (
        "append_time_ms",
        "base_offset",
        "count",
        "created",
        "deadline",
        "encoded",
        "headers",
        "keys",
        "order",
        "queue",
        "sent",
        "sequence",
        "size",
        "stamp_ms",
        "stamps",
        "values",
    )

    def __init__(self, queue: PartitionQueue, order: int, created: float, deadline: float) -> None:
        super().__init__()
        self.queue = queue
        self.order = order
        self.created = created
        self.deadline = deadline
        self.values: list[bytes | None] = []
        self.keys: list[bytes | None] | None = None
        self.headers: list[Headers] | None = None
        self.stamps: list[tuple[int, int]] = []
        """(index, timestamp) where a run of records of one timestamp begins."""
        self.stamp_ms = -1
        self.size = 0
        self.count = 0
        self.sequence = -1
        self.encoded: bytes | bytearray = b""
        self.sent = False
        self.base_offset = -1
        self.append_time_ms = -1

    def stamp(self, timestamp_ms: int) -> None:
        """Records from here on have this timestamp."""
        self.stamps.append((len(self.values), timestamp_ms))
        self.stamp_ms = timestamp_ms

    def add_key(self, key: bytes | None) -> None:
        """The key of the record that is added next; must be called for none of them or for all
        from the first key on."""
        keys = self.keys
        if keys is None:
            keys = self.keys = [None] * len(self.values)
        keys.append(key)

    def add_headers(self, headers: Headers) -> None:
        """The headers of the record that is added next, as `add_key`."""
        column = self.headers
        if column is None:
            column = self.headers = [()] * len(self.values)
        column.append(headers)

    def timestamp_of(self, index: int) -> int:
        """The timestamp of a record: the broker's if the topic has LogAppendTime."""
        if self.append_time_ms >= 0:
            return self.append_time_ms
        found = -1
        for start, stamp in self.stamps:
            if start > index:
                break
            found = stamp
        return found

    def encode(self, codec: int, producer_id: int, producer_epoch: int, sequence: int) -> None:
        """Make the bytes, and let go of the columns."""
        values = self.values
        count = self.count = len(values)
        ends = [start for start, _ in self.stamps[1:]] + [count]
        stamps = chain.from_iterable(
            repeat(stamp, end - start)
            for (start, stamp), end in zip(self.stamps, ends, strict=True)
        )
        keys = repeat(None, count) if self.keys is None else self.keys
        headers = repeat((), count) if self.headers is None else self.headers
        self.sequence = sequence
        self.encoded = build_batch(
            zip(stamps, keys, values, headers, strict=True),
            codec=codec,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=sequence,
        )
        self.values, self.keys, self.headers = [], None, None

    def renumber(self, producer_id: int, producer_epoch: int, sequence: int) -> None:
        """Give encoded records another place in the sequence of the producer."""
        data = bytearray(self.encoded)
        INT64.pack_into(data, PRODUCER_ID_AT, producer_id)
        INT16.pack_into(data, PRODUCER_EPOCH_AT, producer_epoch)
        INT32.pack_into(data, BASE_SEQUENCE_AT, sequence)
        rewrite_crc(data)
        self.sequence = sequence
        self.encoded = data

    def metadata(self, index: int) -> RecordMetadata:
        """Of one record, once the batch is done."""
        offset = self.base_offset + index if self.base_offset >= 0 else -1
        queue = self.queue
        return RecordMetadata(queue.topic, queue.partition, offset, self.timestamp_of(index))

    def sent_batch(self) -> SentBatch:
        """Of all records, once the batch is done."""
        queue = self.queue
        return SentBatch(
            queue.topic, queue.partition, self.base_offset, self.count, self.timestamp_of(0)
        )


class Delivery:
    """What `Producer.send` returns: await it for the record's metadata, or do not.

    Awaiting raises BrokerError, DeliveryTimeout or Closed when the record was not acknowledged.
    It may be awaited by several, and more than once.
    """

    __slots__ = ("batch", "index")

    def __init__(self, batch: Batch | Unrouted, index: int) -> None:
        self.batch = batch
        self.index = index

    def __await__(self) -> Generator[Any, None, RecordMetadata]:
        batch = self.batch
        while not (batch.done and isinstance(batch, Batch)):
            if batch.failure is not None:
                raise batch.failure.with_traceback(None)
            waiting = batch.wait()
            if isinstance(batch, Batch) and not batch.sent:
                batch.queue.hurry(batch.queue)
            yield from waiting.__await__()
            batch = self.batch
        if batch.failure is not None:
            raise batch.failure.with_traceback(None)
        return batch.metadata(self.index)

    @property
    def done(self) -> bool:
        """Whether it is decided: acknowledged or failed."""
        return self.batch.done

    @property
    def failure(self) -> ClientError | None:
        """Why it failed, if it has."""
        return self.batch.failure


RecordColumns = tuple[bytes | None, bytes | None, Headers, int | None, int]
"""(value, key, headers, partition or None, timestamp in ms)."""


class Unrouted(Waiters):
    """Records for a topic that the client knows nothing about yet."""

    __slots__ = ("deadline", "records", "size", "topic")

    def __init__(self, topic: str, deadline: float) -> None:
        super().__init__()
        self.topic = topic
        self.deadline = deadline
        self.records: list[tuple[Delivery, RecordColumns]] = []
        self.size = 0
