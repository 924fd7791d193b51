"""`minikafka consume`: records to stdout.

In a group an offset is committed once the records before it have been written out: what a reader
of the pipe has not got is read again by whoever comes next.
"""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from minikafka.cli.client_configs import CONSUMER, client_arguments
from minikafka.cli.escapes import unescape
from minikafka.cli.exits import OK, UsageError
from minikafka.cli.json_records import record_json
from minikafka.cli.offsets import END, STORED, Range, parse_range, starts, stops
from minikafka.cli.progress import Progress
from minikafka.cli.record_format import NULL, compile_format
from minikafka.cli.running import connected, run_async
from minikafka_client import (
    BrokerError,
    Consumer,
    ConsumerRecord,
    FetchedBatch,
    NotConnected,
    Timeout,
    TopicPartition,
)

_LOOK_MS: Final = 200
"""How often it looks whether the end was passed by what is never shown, such as markers."""


def run(options: Namespace) -> int:
    """Check what was said, then consume."""
    return run_async(_Consumption(options).run())


class _Consumption:
    """One run. `_stops` has the offsets where partitions end, if they do; `_done` what is through.

    `_written` is what went into stdout's buffer, `_done` what has left it.
    """

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._arguments = client_arguments(options.configs, CONSUMER)
        self._range = parse_range(options.offsets)
        self._ends = options.exit or self._range.until_ms is not None
        self._left: int | None = options.count
        self._show = _shower(options)
        self._plain = _plain_delimiter(options)
        self._stops: dict[TopicPartition, int] = {}
        self._written: dict[TopicPartition, int] = {}
        self._done: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._assigned_once = False
        if options.isolation is not None:
            self._arguments["isolation_level"] = options.isolation
        self._group = options.group
        if self._group is not None:
            self._arguments["group"] = self._group
        _check(options, self._range, self._arguments.get("group"))

    async def run(self) -> int:
        """Consume until there is a reason to end."""
        if self._left == 0:
            return OK
        arguments = self._arguments
        bootstrap = arguments.pop("bootstrap", self._options.bootstrap_server)
        commits = arguments.pop("auto_commit", True)
        interval_ms = arguments.pop("auto_commit_ms", 5_000)
        reset = arguments.pop("reset", None)
        if reset == "error":
            arguments["on_out_of_range"] = "error"
        start = _start(reset, self._range)
        progress = Progress(shown=not self._options.quiet and not sys.stdout.isatty())
        self._commits = commits and "group" in arguments
        self._consumer = consumer = Consumer(
            bootstrap,
            *(self._options.topics if self._group is not None else ()),
            start=start,
            auto_commit_ms=None,
            on_assigned=self._assigned,
            on_revoked=self._revoked,
            **arguments,
        )
        async with connected(consumer, bootstrap):
            if self._group is None:
                await self._assign(start)
            try:
                await self._pump(progress, interval_ms / 1000)
            except asyncio.CancelledError:
                self._flush()  # and so it is committed when the consumer leaves its group
                raise
            finally:
                progress.end()
            await self._commit()
        return OK

    async def _assign(self, start: str) -> None:
        """Take the partitions by hand. Raises BrokerError for a topic that is not there."""
        consumer = self._consumer
        places = []
        for topic in self._options.topics:
            there = await consumer.partitions(topic)
            wanted = self._options.partitions or there
            for partition in wanted:
                if partition not in there:
                    raise UsageError(f"{topic} has no partition {partition}")
                places.append(TopicPartition(topic, partition))
        reset = "earliest" if start == "earliest" else "latest"
        consumer.assign(await starts(consumer, places, self._range, reset))
        if self._ends:
            self._stops = await stops(consumer, places, self._range)
        self._assigned_once = True

    # --- in a group

    async def _assigned(self, places: list[TopicPartition]) -> None:
        if self._ends:
            self._stops |= await stops(self._consumer, places, self._range)
        self._assigned_once = self._assigned_once or bool(places)

    async def _revoked(self, places: list[TopicPartition]) -> None:
        await self._commit()
        for place in places:
            for table in (self._stops, self._written, self._done, self._committed):
                table.pop(place, None)

    async def _commit(self) -> None:
        """Store what is through, if it is not stored yet. What fails comes again, to somebody."""
        new = {
            place: offset
            for place, offset in self._done.items()
            if self._committed.get(place) != offset
        }
        if not new or not self._commits:
            return
        try:
            await self._consumer.commit(new)
        except (NotConnected, Timeout, BrokerError) as error:
            sys.stderr.write(f"minikafka consume: not committed: {error}\n")
        else:
            self._committed |= new

    # --- records

    async def _pump(self, progress: Progress, commit_every_s: float) -> None:
        loop = asyncio.get_running_loop()
        commit_at = loop.time() + commit_every_s
        while self._left != 0:
            batch = await self._consumer.next_batch(0)
            if batch is None:
                self._flush()
                if await self._is_at_end():
                    return
                batch = await self._consumer.next_batch(_LOOK_MS)
            if batch is not None:
                shown = self._write(batch)
                progress.add(shown, batch.size_bytes)
                if self._left is not None:
                    self._left -= shown
            if loop.time() >= commit_at:
                self._flush()
                await self._commit()
                commit_at = loop.time() + commit_every_s
        self._flush()

    async def _is_at_end(self) -> bool:
        """Whether every partition has been read up to its stop."""
        if not self._ends or not self._assigned_once:
            return False
        consumer = self._consumer
        for place in consumer.assignment:
            stop = self._stops.get(place)
            if stop is None or await consumer.position(place) < stop:
                return False
        return True

    def _write(self, batch: FetchedBatch) -> int:
        """Write a batch, or what of it is wanted; how many records that were."""
        place = TopicPartition(batch.topic, batch.partition)
        stop = self._stops.get(place)
        whole = (stop is None or batch.next_offset <= stop) and (
            self._left is None or len(batch) <= self._left
        )
        if whole and self._plain is not None:
            values = batch.values()
            sys.stdout.buffer.write(b"".join([(each or b"") + self._plain for each in values]))
            self._written[place] = batch.next_offset
            return len(values)
        return self._write_some(batch, place, stop)

    def _write_some(self, batch: FetchedBatch, place: TopicPartition, stop: int | None) -> int:
        records = batch.records()
        wanted = [each for each in records if stop is None or each.offset < stop]
        wanted = list(islice(wanted, self._left))
        sys.stdout.buffer.write(b"".join(map(self._show, wanted)))
        if self._left is not None and len(wanted) == self._left:
            self._written[place] = wanted[-1].offset + 1
        else:
            self._written[place] = (
                batch.next_offset if stop is None else min(stop, batch.next_offset)
            )
        return len(wanted)

    def _flush(self) -> None:
        sys.stdout.buffer.flush()
        self._done |= self._written


def _check(options: Namespace, wanted: Range, group: str | None) -> None:
    if options.count is not None and options.count < 0:
        raise UsageError("-c wants a number that is not negative")
    if options.group is not None and options.partitions:
        raise UsageError("-p does not go with -G: the group gives out the partitions")
    if options.group is not None and (wanted.offset is not None or wanted.from_ms is not None):
        raise UsageError("-o with -G: beginning or end, for partitions without a stored offset")
    if wanted.word == STORED and group is None:
        raise UsageError("-o stored wants -X group.id=…")


def _start(reset: str | None, wanted: Range) -> Any:
    """earliest or latest, for partitions where nothing says better."""
    if wanted.word in (None, STORED):
        return reset if reset in ("earliest", "latest") else "latest"
    return "latest" if wanted.word == END else "earliest"


def _plain_delimiter(options: Namespace) -> bytes | None:
    """What follows each value, if values are all that is printed."""
    if options.json or options.format is not None or options.key_delimiter is not None:
        return None
    return None if options.null else unescape(options.delimiter)


def _shower(options: Namespace) -> Callable[[ConsumerRecord], bytes]:
    if options.json:
        return lambda record: record_json(*record).encode() + b"\n"
    null = NULL if options.null else b""
    if options.format is not None:
        return compile_format(options.format, null)
    delimiter = options.delimiter.replace("%", "%%")
    if options.key_delimiter is None:
        return compile_format(f"%s{delimiter}", null)
    between = options.key_delimiter.replace("%", "%%")
    return compile_format(f"%k{between}%s{delimiter}", null)
