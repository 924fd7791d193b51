"""Partitions by the bytes that name them in a request: see `produce_single`."""

from __future__ import annotations

from minikafka.replication.partition import Partition

_NAMES_MAX = 100_000


class WireNames:
    """Partitions by the bytes that name topic and index in requests; for names, or for ids."""

    __slots__ = ("_by_bytes",)

    def __init__(self) -> None:
        self._by_bytes: dict[bytes, Partition] = {}

    def get(self, name: bytes) -> Partition | None:
        """A partition seen before that has not left this broker."""
        partition = self._by_bytes.get(name)
        return None if partition is None or partition.retired else partition

    def put(self, name: bytes, partition: Partition) -> None:
        """Remember a partition; bounded, for names come from clients."""
        if len(self._by_bytes) >= _NAMES_MAX:
            self._by_bytes.clear()
        self._by_bytes[name] = partition
