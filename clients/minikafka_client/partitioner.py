"""Which partition a record goes to: by its key as Java's producer does, or by whim.

A key's partition is `murmur2(key) & 0x7fffffff` modulo the number of partitions, so that clients in
all languages which follow Java agree. Records without a key stick to one partition for a batch and
then move to another (KIP-480).
"""

from __future__ import annotations

from random import Random
from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit murmur2 hash with Kafka's seed, unsigned."""
    length = len(data)
    h = _SEED ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_for_key(key: bytes, partition_count: int) -> int:
    """The partition of a topic that records with this key belong to."""
    return (murmur2(key) & 0x7FFFFFFF) % partition_count


def other_partition(random: Random, available: list[int], current: int) -> int:
    """Another one of the available partitions if there is any."""
    choice = available[int(random.random() * len(available))]
    if choice == current and len(available) > 1:
        choice = available[(available.index(choice) + 1) % len(available)]
    return choice
