"""Damage done to the bytes of a request: what no client would send, and a broker must survive."""

import random
import struct
from collections.abc import Callable, Sequence

FRAGMENTS = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\x01",
    b"\x00\x00",
    b"\xff\xff",
    b"\x7f\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xff\x0f",  # the largest varint
    b"\xff\xff\xff\xff\xff\x01",  # one byte too many
    b"\x80\x80\x80\x80\x00",
)
CORRELATION_AT = slice(4, 8)


class Mutator:
    """Damages payloads (requests without their size prefix)."""

    def __init__(self, source: random.Random, others: Sequence[bytes]) -> None:
        self._source = source
        self._others = others  # to splice from
        self._ways: tuple[Callable[[bytearray], bytearray], ...] = (
            self._flip,
            self._flip,
            self._overwrite,
            self._overwrite,
            self._truncate,
            self._extend,
            self._drop,
            self._repeat,
            self._splice,
            self._another_api,
            self._another_version,
            self._client_id,
        )

    def damaged(self, payload: bytes) -> bytes:
        """One to three mutations; at least one byte is left."""
        data = bytearray(payload)
        for _ in range(self._source.choice((1, 1, 2, 3))):
            data = self._source.choice(self._ways)(data)
        return bytes(data) or b"\0"

    def _at(self, data: bytearray) -> int:
        return self._source.randrange(len(data)) if data else 0

    def _flip(self, data: bytearray) -> bytearray:
        for _ in range(self._source.choice((1, 2, 4))):
            if data:
                data[self._at(data)] ^= 1 << self._source.randrange(8)
        return data

    def _overwrite(self, data: bytearray) -> bytearray:
        at, fragment = self._at(data), self._source.choice(FRAGMENTS)
        data[at : at + len(fragment)] = fragment
        return data

    def _truncate(self, data: bytearray) -> bytearray:
        return data[: self._at(data)]

    def _extend(self, data: bytearray) -> bytearray:
        return data + self._source.randbytes(self._source.choice((1, 4, 50)))

    def _drop(self, data: bytearray) -> bytearray:
        at = self._at(data)
        del data[at : at + self._source.choice((1, 2, 4, 16))]
        return data

    def _repeat(self, data: bytearray) -> bytearray:
        at = self._at(data)
        piece = data[at : at + self._source.choice((1, 4, 40))]
        return data[:at] + piece * self._source.choice((2, 2, 30)) + data[at:]

    def _splice(self, data: bytearray) -> bytearray:
        other = self._source.choice(self._others)
        return data[: self._at(data)] + other[self._source.randrange(len(other)) :]

    def _another_api(self, data: bytearray) -> bytearray:
        key = self._source.choice((*range(-1, 95), 1000, 32767, -32768))
        data[0:2] = struct.pack(">h", key)
        return data

    def _another_version(self, data: bytearray) -> bytearray:
        version = self._source.choice((*range(-1, 20), 127, 32767, -32768))
        data[2:4] = struct.pack(">h", version)
        return data

    def _client_id(self, data: bytearray) -> bytearray:
        size = self._source.choice((-1, -2, 0, 1, 5, 300, 32767, -32768))
        data[8:10] = struct.pack(">h", size)
        return data
