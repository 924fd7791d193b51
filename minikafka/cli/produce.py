"""`minikafka produce`: records from stdin. Ends with 0 when every one of them is acknowledged."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import Final

from minikafka.cli.client_configs import PRODUCER, Arguments, client_arguments
from minikafka.cli.escapes import unescape
from minikafka.cli.exits import OK, ToolError, UsageError
from minikafka.cli.json_records import Line, parse_record
from minikafka.cli.progress import Progress
from minikafka.cli.record_format import compile_input, parse_header
from minikafka.cli.running import connected, run_async
from minikafka.cli.standard_input import split_input
from minikafka_client import BufferFull, ClientError, Producer

Parse = Callable[[bytes], Line]

_AT_THE_END_MS: Final = 5_000
"""How long the last records may take after a signal."""


def run(options: Namespace) -> int:
    """Check what was said, then produce."""
    if options.topic is None and not options.json:
        raise UsageError("which TOPIC? (only --json can name it line by line)")
    return run_async(_Production(options).run())


class _Production:
    """One run: how lines become records, and what went wrong first."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._arguments = _arguments(options)
        self._max_block_ms = self._arguments.pop("max_block_ms", 60_000)
        self._parse, self._delimiter = _parser(options)
        self._headers = tuple(parse_header(each.encode()) for each in options.headers)
        self._key = None if options.key is None else options.key.encode("utf-8", "surrogateescape")
        plain = self._key is None and not self._headers and options.partition is None
        self._is_plain = plain and self._parse is Line and not options.null
        self._partitions: dict[str, int] = {}
        self._failure: ClientError | None = None
        self._line = 0

    async def run(self) -> int:
        """Produce until the end of stdin. ToolError at the first line or batch that fails."""
        progress = Progress(shown=not self._options.quiet)
        bootstrap = self._arguments.pop("bootstrap", self._options.bootstrap_server)
        client = Producer(bootstrap, on_failure=self._failed, **self._arguments)
        async with connected(client, bootstrap) as producer:
            if self._options.topic is not None:
                await self._find(producer, self._options.topic)
            # What was read before a bad line, or before Ctrl-C, is written all the same.
            try:
                await self._send_input(producer, progress)
            except ToolError:
                await producer.flush()
                raise
            except asyncio.CancelledError:
                await producer.flush(_AT_THE_END_MS)
                raise
            await producer.flush()
        progress.end()
        if self._failure is not None:
            raise self._failure
        return OK

    async def _send_input(self, producer: Producer, progress: Progress) -> None:
        async for parts in split_input(sys.stdin.fileno(), self._delimiter):
            if self._is_plain:
                await self._send_values(producer, parts)
            else:
                for part in parts:
                    await self._send(producer, self._record(part))
            progress.add(len(parts), sum(map(len, parts)))
            if self._failure is not None:
                return

    def _record(self, part: bytes) -> Line:
        self._line += 1
        try:
            line = self._parse(part)
        except ValueError as error:
            raise ToolError(f"record {self._line}: {error}") from error
        key, value = line.key, line.value
        if key is None:
            key = self._key
        if self._options.null:
            key, value = key or None, value or None
        return line._replace(key=key, value=value, headers=self._headers + line.headers)

    async def _send(self, producer: Producer, line: Line) -> None:
        topic = line.topic or self._options.topic
        if topic is None:
            raise ToolError(f"record {self._line}: no topic, and no TOPIC was given")
        count = self._partitions.get(topic) or await self._find(producer, topic)
        partition = self._options.partition if line.partition is None else line.partition
        if partition is not None and not 0 <= partition < count:
            raise ToolError(f"record {self._line}: {topic} has no partition {partition}")
        post = partial(
            producer.post,
            topic,
            line.value,
            key=line.key,
            headers=line.headers,
            partition=partition,
            timestamp_ms=line.timestamp_ms,
        )
        try:
            post()
        except BufferFull:
            await producer.ready()
            post()

    async def _send_values(self, producer: Producer, values: list[bytes]) -> None:
        """As `_send`, for lines that are values and nothing else."""
        post, topic = producer.post, self._options.topic
        for value in values:
            try:
                post(topic, value)
            except BufferFull:
                await producer.ready()
                post(topic, value)

    async def _find(self, producer: Producer, topic: str) -> int:
        """How many partitions the topic has, before anything is sent to it."""
        found = await producer.partitions(topic, self._max_block_ms)
        self._partitions[topic] = len(found)
        return len(found)

    def _failed(self, topic: str, partition: int, count: int, error: ClientError) -> None:
        if self._failure is None:
            self._failure = error


def _arguments(options: Namespace) -> Arguments:
    found = client_arguments(options.configs, PRODUCER)
    if options.compression is not None:
        found["compression"] = options.compression
    if options.acks is not None:
        found["acks"] = "all" if options.acks in ("all", "-1") else int(options.acks)
    if found.get("compression") == "none":
        del found["compression"]
    return found


def _parser(options: Namespace) -> tuple[Parse, bytes]:
    """How to read one record, and what parts records."""
    if options.format is not None:
        return compile_input(options.format)
    delimiter = unescape(options.delimiter)
    if not delimiter:
        raise UsageError("-D: an empty text parts nothing")
    if options.json:
        return parse_record, delimiter
    if options.key_delimiter is None:
        return Line, delimiter
    between = unescape(options.key_delimiter)
    if not between:
        raise UsageError("-K: an empty text parts nothing")

    def split(part: bytes) -> Line:
        key, found, value = part.partition(between)
        return Line(value, key) if found else Line(part)

    return split, delimiter
