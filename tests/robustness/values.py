"""Requests that are well formed and mean anything: every field from what is likely to hurt.

The codec can write them, so a broker must answer every one of them, never close the connection.
"""

import random
import time
import uuid
from collections.abc import Sequence
from typing import Any

from minikafka.protocol.apis import ApiKey, request_class
from minikafka.protocol.schema import Field, fields_of
from minikafka.protocol.types import ZERO_UUID, Message, Struct
from minikafka.records.batch import HEADER_BYTES, rewrite_crc
from minikafka.records.builder import build_batch
from minikafka.records.compression import Codec

INTEGERS = {"Int8": 7, "Int16": 15, "Uint16": 16, "Int32": 31, "Uint32": 32, "Int64": 63}
SIGNED = ("Int8", "Int16", "Int32", "Int64")

NAMES = ("", ".", "..", "a b", "ключ", "x" * 249, "x" * 250, "__consumer_offsets", "new-1", "new-2")
CONFIG_KEYS = (
    "cleanup.policy",
    "retention.ms",
    "compression.type",
    "max.message.bytes",
    "segment.bytes",
    "message.timestamp.type",
    "no.such.key",
    "",
)
CONFIG_VALUES = ("", "-1", "0", "1", "1000", "compact", "delete", "gzip", "LogAppendTime", "x")
# Nothing may keep a connection waiting for long: the storm waits for every answer.
PATIENCE_MS = (0, 1, 5, -1)
SMALL = {
    "num_partitions": (-1, 0, 1, 3),
    "count": (-1, 0, 1, 4, 5),
    "replication_factor": (-1, 1),
    "broker_id": (-1, 7),  # never the broker's own: it could be told to unregister
}


class Imagination:
    """Makes messages up; owns nothing but its random source.

    `topics` are names and ids of topics that (may) exist.
    """

    def __init__(self, source: random.Random, topics: Sequence[tuple[str, uuid.UUID]]) -> None:
        self.source = source
        self.topics = topics

    def request(self, key: ApiKey, version: int) -> Message:
        """A request that can be encoded in `version`."""
        message = self._struct(request_class(key), version)
        assert isinstance(message, Message)
        return message

    def _struct(self, struct: type[Struct], version: int) -> Struct:
        made = struct()
        for field in fields_of(struct):
            # Tagged fields are absent more often than not.
            if field.in_version(version) and not (
                field.tagged_in(version) and self.source.random() < 0.7
            ):
                setattr(made, field.name, self._value(field, version))
        return made

    def _value(self, field: Field, version: int) -> Any:
        source = self.source
        if field.nullable_in(version) and source.random() < 0.2:
            return None
        if field.is_array:
            count = source.choice((0, 1, 1, 1, 2, 3))
            return [self._single(field, version) for _ in range(count)]
        return self._single(field, version)

    def _single(self, field: Field, version: int) -> Any:
        if field.struct is not None:
            return self._struct(field.struct, version)
        if field.type_name in INTEGERS:
            return self._integer(field)
        match field.type_name:
            case "String":
                return self._string(field.name)
            case "Bool":
                return self.source.random() < 0.5
            case "Uuid":
                return self._topic()[1]
            case "Records":
                return self.records()
            case "Bytes":
                return self.source.randbytes(self.source.choice((0, 1, 30)))
            case _:
                return self.source.choice((0.0, -1.5, float("inf")))

    def _integer(self, field: Field) -> int:
        source, name = self.source, field.name
        if name.endswith(("wait_ms", "timeout_ms")):
            return source.choice(PATIENCE_MS)
        if name in SMALL:
            return source.choice(SMALL[name])
        if name in ("acks", "isolation_level"):
            return source.choice((1, 1, -1, 0, 2))
        bits = INTEGERS[field.type_name]
        largest = (1 << bits) - 1
        choices = [0, 0, 1, 2, 3, 10, largest, source.randint(0, largest)]
        if field.type_name in SIGNED:
            choices += [-1, -1, -2, -largest - 1]
        return source.choice(choices)

    def _string(self, name: str) -> str:
        source = self.source
        if name in ("topic", "name", "topic_name", "resource_name") and source.random() < 0.8:
            return self._topic()[0]
        if name in ("name", "config_name"):
            return source.choice(CONFIG_KEYS)
        if name == "value":
            return source.choice(CONFIG_VALUES)
        return source.choice(NAMES)

    def _topic(self) -> tuple[str, uuid.UUID]:
        source = self.source
        if self.topics and source.random() < 0.8:
            return source.choice(self.topics)
        unknown = source.choice((ZERO_UUID, uuid.UUID(int=1), uuid.UUID(int=7 << 70)))
        return source.choice(NAMES), unknown

    # --- record batches: their own little language

    def records(self) -> bytes:
        """One batch, most often a good one; damaged ones have an honest CRC, or none at all."""
        source = self.source
        batch = self._batch()
        lot = source.random()
        if lot < 0.4:
            return batch
        if lot < 0.8:
            return self._damaged(batch, source.choice((HEADER_BYTES, len(batch))))
        if lot < 0.9:
            return batch + self._batch()[: source.choice((1, 12, 30, 70, 200))]
        return source.choice((b"", batch[: source.randrange(len(batch))], source.randbytes(80)))

    def _batch(self) -> bytes:
        source = self.source
        now_ms = int(time.time() * 1000)
        timestamp = source.choice((now_ms, now_ms, -1, 0, now_ms + 10_000_000, 2**62))
        keys = source.choice(((b"k", b"l"), (None, b"k")))
        count = source.choice((1, 1, 2, 5))
        no_headers: list[tuple[str, bytes | None]] = []
        records = [
            (
                timestamp + n,
                source.choice(keys),
                source.randbytes(source.choice((0, 10, 300))),
                no_headers,
            )
            for n in range(count)
        ]
        return build_batch(
            records,
            codec=source.choice((Codec.NONE, Codec.NONE, *Codec)),
            producer_id=source.choice((-1, -1, 5, 2**60)),
            producer_epoch=source.choice((0, 1, -1)),
            base_sequence=source.choice((0, 1, 2, -1, 2**31 - 1)),
            transactional=source.random() < 0.05,
            control=source.random() < 0.05,
        )

    def _damaged(self, batch: bytes, end: int) -> bytes:
        damaged = bytearray(batch)
        for _ in range(self.source.choice((1, 1, 2, 4))):
            damaged[self.source.randrange(min(end, len(damaged)))] = self.source.choice(
                (0, 1, 0x7F, 0x80, 0xFF, self.source.randrange(256))
            )
        if len(damaged) >= HEADER_BYTES:
            rewrite_crc(damaged)
        return bytes(damaged)
