"""Reading from the positions of a consumer: iteration, seeking, pausing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from minikafka_client.config import at_least
from minikafka_client.errors import Closed, ConfigError
from minikafka_client.fetched import ConsumerRecord, FetchedBatch, TopicPartition
from minikafka_client.fetcher import Fetcher, Position
from minikafka_client.offsets import EARLIEST, LATEST


class Reader:
    """What `Consumer` inherits: everything that has to do with its positions."""

    _fetcher: Fetcher

    def __init__(self) -> None:
        self._open: tuple[Position, FetchedBatch] | None = None  # which `async for` is within
        self._closed = True

    @property
    def assignment(self) -> list[TopicPartition]:
        """The partitions that are consumed."""
        return list(self._fetcher.positions)

    def seek(self, place: tuple[str, int], offset: int) -> None:
        """Go on at an offset."""
        at_least("offset", offset, 0)
        self._placed(place)
        self._fetcher.place_at(TopicPartition(*place), offset)

    def seek_to_start(self, *places: tuple[str, int]) -> None:
        """Go to the start of the log, in all partitions unless some are given."""
        for place in places or self.assignment:
            self._placed(place)
            self._fetcher.place_at(TopicPartition(*place), -1, EARLIEST)

    def seek_to_end(self, *places: tuple[str, int]) -> None:
        """Go to the end of the log, in all partitions unless some are given."""
        for place in places or self.assignment:
            self._placed(place)
            self._fetcher.place_at(TopicPartition(*place), -1, LATEST)

    def pause(self, *places: tuple[str, int]) -> None:
        """Return no records of these partitions (all, unless some are given) until resumed."""
        for place in places or self.assignment:
            self._placed(place).paused = True

    def resume(self, *places: tuple[str, int]) -> None:
        """Take back `pause`."""
        for place in places or self.assignment:
            self._fetcher.resume(self._placed(place))

    def lag(self, place: tuple[str, int]) -> int | None:
        """Records between the position and the end as the last fetch told it, or None."""
        position = self._placed(place)
        if position.high_watermark < 0 or position.offset < 0:
            return None
        return max(0, position.high_watermark - position.offset)

    # --- records

    def __aiter__(self) -> AsyncIterator[ConsumerRecord]:
        """The records, for ever; `position` moves with each record."""
        return self.records()

    async def records(self, timeout_ms: float | None = None) -> AsyncIterator[ConsumerRecord]:
        """The records, until none comes for `timeout_ms` (None: for ever)."""
        while (taken := await self._within(timeout_ms)) is not None:
            position, batch = self._open = taken
            for record in batch.records():
                position.offset = record.offset + 1
                yield record
                position.done = position.offset  # whoever asks for the next is through with it
                if position.paused:
                    break  # or sought, or assigned anew
            else:
                position.done = position.offset = batch.next_offset
                self._open = None

    async def batches(self, timeout_ms: float | None = None) -> AsyncIterator[FetchedBatch]:
        """The records as batches, until none comes for `timeout_ms` (None: for ever).

        `position` moves past a batch when it is returned.
        """
        while (taken := await self._within(timeout_ms)) is not None:
            position, batch = taken
            position.offset = batch.next_offset
            yield batch
            position.done = batch.next_offset

    async def next_batch(self, timeout_ms: float | None = None) -> FetchedBatch | None:
        """One batch, or None when there is none within `timeout_ms` (None: wait for ever)."""
        taken = await self._within(timeout_ms)
        if taken is None:
            return None
        position, batch = taken
        position.offset = batch.next_offset
        return batch

    async def _within(self, timeout_ms: float | None) -> tuple[Position, FetchedBatch] | None:
        """The next batch of any partition; None when the time is over."""
        self._check_open()
        fetcher = self._fetcher
        if self._open is not None:
            # Somebody has left `async for` within a batch.
            (position, batch), self._open = self._open, None
            if position.offset < batch.next_offset:
                fetcher.put_back(position, batch.rest_from(position.offset))
        taken = fetcher.take()
        if taken is not None:
            return taken
        limit_s = None if timeout_ms is None else timeout_ms / 1000
        deadline = asyncio.timeout(limit_s)
        try:
            async with deadline:
                while (taken := fetcher.take()) is None:
                    await fetcher.wait()
                    self._check_open()
        except TimeoutError:
            if deadline.expired():
                return None
            raise  # a failure that was told to this consumer
        return taken

    def _placed(self, place: tuple[str, int]) -> Position:
        self._check_open()
        position = self._fetcher.positions.get(TopicPartition(*place))
        if position is None:
            raise ConfigError(f"{place[0]}-{place[1]} is not assigned to this consumer")
        return position

    def _check_open(self) -> None:
        if self._closed:
            raise Closed("the consumer is closed, or not started")
