"""Partitions by the bytes that name them in a request: see `produce_single`."""

from __future__ import annotations

from weakref import WeakValueDictionary

from minikafka.replication.partition import Partition


class WireNames:
    """Partitions by the bytes that name topic and index in requests; for names, or for ids.

    A partition that has left this broker is not kept alive by it.
    """

    __slots__ = ("_by_bytes",)

    def __init__(self) -> None:
        self._by_bytes: WeakValueDictionary[bytes, Partition] = WeakValueDictionary()

    def get(self, name: bytes) -> Partition | None:
        """A partition seen before that has not left this broker."""
        partition = self._by_bytes.get(name)
        return None if partition is None or partition.retired else partition

    def put(self, name: bytes, partition: Partition) -> None:
        """Remember a partition that exists: there are not more of these names than of them."""
        self._by_bytes[name] = partition
