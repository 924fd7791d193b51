"""Which offset is the newest of each key: what one pass of compaction remembers.

The map is bounded by `log.cleaner.dedupe.buffer.size`. What did not fit is left to the next pass:
`latest_offset` says up to where the log has been looked at, everything behind it stays.

Keys shorter than a digest are kept as they are, longer ones as BLAKE2 digests of 16 bytes, so that
memory does not grow with them. (Kafka keeps MD5 digests of all.) The entries are spread over many
small dicts: one large dict would stop the loop for many milliseconds whenever it grows.

Measured (CPython 3.11): 135 bytes an entry.
"""

from _blake2 import blake2b
from collections.abc import Iterator

from minikafka.records.varint import MalformedRecordError, read_varint

ENTRY_BYTES = 160
"""Memory of one entry, on the safe side."""

NO_OFFSET = -1

_DIGEST_BYTES = 16
_SHARDS = 512
_MASK = _SHARDS - 1


class OffsetMap:
    """Key → offset of its newest record, for at most about `capacity` keys.

    `latest_offset` is the last offset that was looked at, -1 at first.
    """

    __slots__ = ("_shards", "capacity", "latest_offset", "size")

    def __init__(self, memory_bytes: int, load_factor: float = 1.0) -> None:
        self.capacity = max(1, int(memory_bytes * load_factor) // ENTRY_BYTES)
        self.latest_offset = NO_OFFSET
        self.size = 0
        self._shards: list[dict[bytes, int]] = [{} for _ in range(_SHARDS)]

    @property
    def is_full(self) -> bool:
        """Whether it holds as many keys as it may."""
        return self.size >= self.capacity

    def latest(self, key: bytes) -> int:
        """Offset of the newest record of `key`, -1 if none was noted."""
        if len(key) >= _DIGEST_BYTES:
            key = blake2b(key, digest_size=_DIGEST_BYTES).digest()
        return self._shards[hash(key) & _MASK].get(key, NO_OFFSET)

    def note(self, key: bytes, offset: int) -> None:
        """Note a record; offsets ascend."""
        if len(key) >= _DIGEST_BYTES:
            key = blake2b(key, digest_size=_DIGEST_BYTES).digest()
        shard = self._shards[hash(key) & _MASK]
        if key not in shard:
            self.size += 1
        shard[key] = offset

    def note_records(  # noqa: C901, PLR0915 -- one loop on purpose, as in `records.record`
        self, data: bytes, position: int, count: int, base_offset: int, start_offset: int
    ) -> int:
        """Note the keys of `count` records of a decompressed body; returns the position after them.

        `note` for each, spelt out: half of the work of a pass is done here. Records below
        `start_offset` and those without a key are passed over. Raises MalformedRecordError,
        IndexError.
        """
        at = position
        shards, size = self._shards, self.size
        for _ in range(count):
            byte = data[at]
            if byte & 1:
                raise MalformedRecordError("negative length of a record")
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
            while data[at] >= 0x80:  # the timestamp
                at += 1
            at += 1
            byte = data[at]
            if byte < 0x80:
                offset = base_offset + ((byte >> 1) ^ -(byte & 1))
                at += 1
            elif (high := data[at + 1]) < 0x80 and not byte & 1:
                offset = base_offset + ((byte & 0x7F) >> 1) + (high << 6)
                at += 2
            else:
                delta, at = read_varint(data, at)
                offset = base_offset + delta
            byte = data[at]
            if byte < 0x80:
                length = (byte >> 1) ^ -(byte & 1)
                at += 1
            else:
                length, at = read_varint(data, at)
            if length >= 0 and offset >= start_offset:
                key = data[at : at + length]
                if length >= _DIGEST_BYTES:
                    key = blake2b(key, digest_size=_DIGEST_BYTES).digest()
                shard = shards[hash(key) & _MASK]
                if key not in shard:
                    size += 1
                shard[key] = offset
            at = stop
        self.size = size
        if at > len(data):
            raise MalformedRecordError("the last record is cut short")
        return at

    def clear(self) -> Iterator[None]:
        """Forget everything, a small part with each step."""
        self.latest_offset = NO_OFFSET
        self.size = 0
        for shard in self._shards:
            shard.clear()
            yield
