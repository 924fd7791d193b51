"""Partitions by the bytes that name them in a request: see `produce_single`."""

from __future__ import annotations

from weakref import ref

from minikafka.replication.partition import Partition


class WireNames:
    """Partitions by the bytes that name topic and index in requests; for names, or for ids.

    A partition that has left this broker is not kept alive by it.
    """

    __slots__ = ("_by_bytes",)

    def __init__(self) -> None:
        # What a WeakValueDictionary would be, in half of its time.
        self._by_bytes: dict[bytes, ref[Partition]] = {}

    def __len__(self) -> int:
        return len(self._by_bytes)

    def get(self, name: bytes) -> Partition | None:
        """A partition seen before that has not left this broker."""
        known = self._by_bytes.get(name)
        partition = None if known is None else known()
        return None if partition is None or partition.retired else partition

    def put(self, name: bytes, partition: Partition) -> None:
        """Remember a partition that exists: there are not more of these names than of them."""
        # A name may go with its former partition just after the next one took it: a miss, no more.
        self._by_bytes[name] = ref(partition, lambda _: self._by_bytes.pop(name, None))
