"""Planted bugs: each makes production code break one promise, as a careless change would.

A mutant is applied with pytest's monkeypatch; the simulation has to find it by a broken promise.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest

from minikafka.log import batches, recovery
from minikafka.log.partition_log import PartitionLog
from minikafka.log.producer_state import ProducerStates
from minikafka.replication.partition import Partition
from minikafka.runtime.buffers import Buffer
from minikafka.sim.mount import Mount, SimFile
from minikafka.sim.scenario import Durability
from minikafka.sim.weather import FAULTS


class Mutant(NamedTuple):
    """A bug, the promise that it breaks, and how many seeds may pass before it is found."""

    plant: Callable[[pytest.MonkeyPatch], None]
    durability: Durability
    seeds: int
    faults: Sequence[str] = FAULTS


KILLS = ("kill", "kill at an operation")
LOSSES_OF_POWER = ("power", "power at an operation")


def acknowledge_without_fsync(patch: pytest.MonkeyPatch) -> None:
    """flush.messages=1, and nobody flushes."""

    flush = PartitionLog._sync

    async def sync(self: PartitionLog) -> None:
        if self.topic.startswith("__"):
            await flush(self)
        else:
            self.recovery_point = self.log_end_offset
            self._unsynced = []

    patch.setattr(PartitionLog, "_sync", sync)


def acknowledge_before_the_write(patch: pytest.MonkeyPatch) -> None:
    """Batches lie in a buffer of the process for 20 ms, and are acknowledged meanwhile."""
    write = SimFile.append

    def buffered(self: SimFile, buffers: Sequence[Buffer]) -> int:
        if not self.path.endswith(".log") or "__cluster" in self.path:
            return write(self, buffers)
        position, data = self.size, b"".join(buffers)
        self.size += len(data)

        def land() -> None:
            size, self.size = self.size, position
            write(self, (data,))
            self.size = max(size, self.size)

        asyncio.get_running_loop().call_later(0.02, land)
        return position

    patch.setattr(SimFile, "append", buffered)


def read_before_fsync(patch: pytest.MonkeyPatch) -> None:
    """flush.messages=1 delays the answer, and consumers see what is not durable yet."""

    def advance(self: Partition) -> bool:
        moved = self.high_watermark < self.log.log_end_offset
        self.high_watermark = self.log.log_end_offset
        return moved

    patch.setattr(Partition, "advance_high_watermark", advance)


def recover_without_crc(patch: pytest.MonkeyPatch) -> None:
    """Recovery believes every batch whose header looks right."""
    patch.setattr(batches, "has_valid_crc", lambda batch: True)


def forget_directory_fsync(patch: pytest.MonkeyPatch) -> None:
    """Files are synced, their names are not."""

    def nothing(self: Mount, path: str, before: int) -> Iterator[float]:
        yield 0.0

    patch.setattr(Mount, "_flush_names", nothing)


def forget_producers_at_recovery(patch: pytest.MonkeyPatch) -> None:
    """After a crash nobody remembers which batches are already there."""

    def nothing(*_: Any, **__: Any) -> None:
        return None

    patch.setattr(recovery, "rebuild_producers", nothing)
    patch.setattr(ProducerStates, "update", nothing)


def cut_nothing(patch: pytest.MonkeyPatch) -> None:
    """Recovery finds a damaged batch and leaves it there."""
    patch.setattr(SimFile, "truncate", lambda self, size: None)


MUTANTS: dict[str, Mutant] = {
    "fsync left out before the acknowledgement": Mutant(acknowledge_without_fsync, "fsync", 3),
    "acknowledgement before the append": Mutant(
        acknowledge_before_the_write, "page-cache", 20, KILLS
    ),
    "high watermark before the fsync": Mutant(read_before_fsync, "fsync", 10),
    "recovery without CRC": Mutant(recover_without_crc, "page-cache", 60, LOSSES_OF_POWER),
    "rename without directory fsync": Mutant(forget_directory_fsync, "fsync", 3),
    "producers forgotten at recovery": Mutant(
        forget_producers_at_recovery, "page-cache", 60, KILLS
    ),
    "torn tail not cut": Mutant(cut_nothing, "page-cache", 150, LOSSES_OF_POWER),
}
