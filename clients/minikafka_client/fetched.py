"""Records as they come from a broker: batches that are decoded no further than they are asked for.

A fetch returns record batches as bytes. `FetchedBatch` is one of them: `values()` reads values
only, `records()` everything. Uncompressed and compressed batches look the same from here.

Measured: bench/sdk/consume.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from minikafka.records.batch import BatchHeader
from minikafka.records.compression import Codec, decompress
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import DECOMPRESSED_LIMIT_BYTES, Headers, Record, decode_records
from minikafka.records.varint import MalformedRecordError, read_varint
from minikafka_client.errors import CorruptData


class TopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class ConsumerRecord(NamedTuple):
    """A record as a consumer sees it; the timestamp in ms since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class FetchedBatch:
    """Consecutive records of one partition, from `first_offset` on.

    A batch on disk may begin before the position of the consumer: `first_offset` is where reading
    starts, and earlier records are left out. After compaction offsets may have gaps.
    """

    __slots__ = ("_data", "_header", "first_offset", "partition", "topic")

    def __init__(
        self, place: TopicPartition, data: memoryview, header: BatchHeader, first_offset: int
    ) -> None:
        self.topic, self.partition = place
        self.first_offset = max(first_offset, header.base_offset)
        self._data = data
        self._header = header

    def rest_from(self, offset: int) -> FetchedBatch:
        """The same without the records before `offset`."""
        return FetchedBatch(
            TopicPartition(self.topic, self.partition), self._data, self._header, offset
        )

    @property
    def size_bytes(self) -> int:
        """Its size on the wire, header included."""
        return len(self._data)

    @property
    def next_offset(self) -> int:
        """The offset after the batch: where the consumer goes on."""
        return self._header.next_offset

    @property
    def leader_epoch(self) -> int:
        """Of the leader that has written the batch."""
        return self._header.partition_leader_epoch

    @property
    def max_timestamp_ms(self) -> int:
        """The largest timestamp of its records."""
        return self._header.max_timestamp

    def __len__(self) -> int:
        """How many records there are at most (exactly, unless read from within)."""
        header = self._header
        return min(header.record_count, header.next_offset - self.first_offset)

    def values(self) -> list[bytes | None]:
        """The values, without looking at keys, timestamps and headers. Raises CorruptData."""
        header = self._header
        if self.first_offset > header.base_offset:
            return [record[3] for record in self._wanted()]
        codec = header.codec
        body = self._data[61:]
        try:
            if codec == Codec.NONE:
                return _values(bytes(body), header.record_count)
            return _values(decompress(codec, body, DECOMPRESSED_LIMIT_BYTES), header.record_count)
        except (MalformedRecordError, IndexError, CorruptRecordError) as error:
            raise CorruptData(f"{self}: {error}") from error

    def records(self) -> Iterator[ConsumerRecord]:
        """The records. Raises CorruptData."""
        place = (self.topic, self.partition)
        new = tuple.__new__
        return (new(ConsumerRecord, place + record) for record in self._wanted())

    def _wanted(self) -> list[Record]:
        try:
            records = decode_records(self._data)
        except CorruptRecordError as error:
            raise CorruptData(f"{self}: {error}") from error
        first = self.first_offset
        if first > self._header.base_offset:
            records = [record for record in records if record.offset >= first]
        return records

    def __repr__(self) -> str:
        return f"<batch {self.topic}-{self.partition} from {self.first_offset}>"


def _values(data: bytes, count: int) -> list[bytes | None]:  # noqa: PLR0915 -- one loop on purpose
    """The values of a decompressed body; raises MalformedRecordError, IndexError.

    One loop, with varints of one and two bytes read in place: half the time of reading everything.
    """
    found: list[bytes | None] = []
    add = found.append
    at = 0
    for _ in range(count):
        byte = data[at]
        if byte < 0x80:
            stop = at + 1 + (byte >> 1)
            at += 2
        elif (high := data[at + 1]) < 0x80:
            stop = at + 2 + ((byte & 0x7F) >> 1) + (high << 6)
            at += 3
        else:
            length, at = read_varint(data, at)
            stop = at + length
            at += 1
        while data[at] >= 0x80:  # timestamp delta
            at += 1
        at += 1
        while data[at] >= 0x80:  # offset delta
            at += 1
        at += 1
        byte = data[at]
        if byte == 1:  # no key
            at += 1
        else:
            length, at = read_varint(data, at)
            at += max(length, 0)
        byte = data[at]
        if byte >= 0x80 and (high := data[at + 1]) < 0x80:
            at += 2
            end = at + ((byte & 0x7F) >> 1) + (high << 6)
            if byte & 1:
                raise MalformedRecordError("negative value length")
            add(data[at:end])
        else:
            length, at = read_varint(data, at)
            end = at + max(length, 0)
            add(data[at:end] if length >= 0 else None)
        if end >= stop:
            raise MalformedRecordError("value longer than its record")
        at = stop
    if at != len(data):
        raise MalformedRecordError("records do not fill their batch")
    return found
