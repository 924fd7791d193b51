"""Partitions by the bytes that name them in a request: see `produce_single`."""

from __future__ import annotations

from minikafka.replication.partition import Partition

_SWEEP_AT_LEAST = 256


class WireNames:
    """Partitions by the bytes that name topic and index in requests; for names, or for ids.

    Those that have left this broker are swept out whenever the names have doubled: no weak
    references, for what is collected when must not decide anything (it would not replay).
    """

    __slots__ = ("_by_bytes", "_sweep_at")

    def __init__(self) -> None:
        self._by_bytes: dict[bytes, Partition] = {}
        self._sweep_at = _SWEEP_AT_LEAST

    def __len__(self) -> int:
        return len(self._by_bytes)

    def get(self, name: bytes) -> Partition | None:
        """A partition seen before that has not left this broker."""
        partition = self._by_bytes.get(name)
        return None if partition is None or partition.retired else partition

    def put(self, name: bytes, partition: Partition) -> None:
        """Remember a partition that exists: each has a few names at most."""
        by_bytes = self._by_bytes
        by_bytes[name] = partition
        if len(by_bytes) >= self._sweep_at:
            for known in [n for n, found in by_bytes.items() if found.retired]:
                del by_bytes[known]
            self._sweep_at = max(_SWEEP_AT_LEAST, 2 * len(by_bytes))
