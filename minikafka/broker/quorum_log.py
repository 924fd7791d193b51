"""The metadata log of one node, as the raft machine reads it and as its effects change it.

Beside the log itself lie the `quorum-state` file and the snapshots. Only `flush` and `install` wait
for the disk; the quorum state is written blocking, because nothing may happen before it is on disk:
once or twice per election and node (ADR 12).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from minikafka.broker.metadata_log import (
    MetadataBatch,
    decode_batches,
    newest_snapshot,
    open_metadata_log,
    read_batches,
)
from minikafka.broker.storage import StorageError
from minikafka.raft.effects import ControlBatch, DataBatch
from minikafka.raft.quorum_state import FILE_NAME, QuorumState
from minikafka.raft.snapshots import (
    SUFFIX,
    Snapshot,
    control_batch,
    parse_snapshot_name,
    snapshot_name,
)
from minikafka.records.batch import read_header, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minikafka.log.partition_log import PartitionLog
    from minikafka.protocol.types import Buffer
    from minikafka.raft.effects import Batch, SnapshotChunk
    from minikafka.raft.voters import VoterSet
    from minikafka.runtime.clock import WallClock
    from minikafka.runtime.disk import DataFile, Disk
    from minikafka.settings.broker import BrokerSettings

_LOG = logging.getLogger("minikafka.quorum")

PART_SUFFIX = ".part"


class QuorumLog:
    """`raft.core.ReplicatedLog` on a disk. `found` is the snapshot that it was opened with."""

    def __init__(
        self, settings: BrokerSettings, disk: Disk, directory: str, wall_clock: WallClock
    ) -> None:
        """Open the log in `directory`, or begin it. StorageError, OSError, CorruptLogError."""
        self.directory = directory
        self._disk = disk
        self._wall_clock = wall_clock
        self.log: PartitionLog = open_metadata_log(settings, disk, directory, wall_clock.now_ms())
        self._part: DataFile | None = None
        for name in disk.listdir(directory):
            if name.endswith(SUFFIX + PART_SUFFIX):
                disk.unlink(f"{directory}/{name}")
        self.found = newest_snapshot(disk, directory)
        self.latest_snapshot: tuple[int, int] | None = None
        # (end offset, epoch) of the snapshot that the log goes on from: of the epoch before its
        # first batch its own epochs know nothing.
        self._base: tuple[int, int] | None = None
        if self.found is not None:
            self._go_on_from(*self.found[:2])

    def require_beginning(self) -> None:
        """StorageError for a log that begins behind what the snapshots know."""
        start = self.log_start_offset
        if start > 0 and (self.found is None or self.found[0] < start):
            raise StorageError(
                f"{self.directory}: the log begins at offset {start}, and there is no snapshot of "
                "what came before."
            )

    def _go_on_from(self, end_offset: int, epoch: int) -> None:
        """What is in a snapshot was committed, so a log without it is behind, and one that has gone
        on in older epochs holds what nobody has committed.
        """
        self.latest_snapshot = end_offset, epoch
        log = self.log
        if end_offset > log.log_end_offset or (
            end_offset > log.log_start_offset and epoch > log.leader_epochs.latest
        ):
            log.truncate_fully_and_start_at(end_offset)
        for name in self._disk.listdir(self.directory):
            found = parse_snapshot_name(name)
            if found is not None and found[0] == log.log_start_offset:
                self._base = found

    # -- what the machine reads -------------------------------------------------------------------

    @property
    def log_start_offset(self) -> int:
        return self.log.log_start_offset

    @property
    def log_end_offset(self) -> int:
        return self.log.log_end_offset

    @property
    def last_epoch(self) -> int:
        of_snapshot = 0 if self.latest_snapshot is None else self.latest_snapshot[1]
        return max(self.log.leader_epochs.latest, of_snapshot)

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        log = self.log
        entries = log.leader_epochs.entries()
        if not entries or epoch < entries[0][0]:
            base = self._base
            if base is not None and base[0] == log.log_start_offset and base[1] <= epoch:
                return base[1], entries[0][1] if entries else log.log_end_offset
            return -1, log.log_start_offset
        if epoch >= log.leader_epochs.latest:
            return log.leader_epochs.latest, log.log_end_offset
        return log.end_offset_for_epoch(epoch)

    # -- the quorum state -------------------------------------------------------------------------

    def read_quorum_state(self) -> QuorumState:
        path = f"{self.directory}/{FILE_NAME}"
        try:
            return QuorumState.decode(self._disk.read_bytes(path))
        except FileNotFoundError:
            return QuorumState()
        except ValueError as error:
            raise StorageError(f"{path}: {error}") from error

    def write_quorum_state(self, state: QuorumState, kraft_version: int, voters: VoterSet) -> None:
        """Durable on return; see the module. The first time, so is the directory it is in."""
        path = f"{self.directory}/{FILE_NAME}"
        if not self._disk.exists(path):
            self._disk.fsync_dir_now(self.directory.rpartition("/")[0])
        self._disk.replace_atomically_now(path, state.encode(kraft_version, voters))

    # -- batches ----------------------------------------------------------------------------------

    def batches(self) -> Iterator[MetadataBatch]:
        """What the log holds behind the snapshot that it was opened with."""
        start = 0 if self.latest_snapshot is None else self.latest_snapshot[0]
        return read_batches(self.log, start)

    def write(self, batch: Batch) -> list[MetadataBatch]:
        """Append what the machine has taken, and read back what others have made: not the records
        of a `DataBatch`, which whoever appends them has.
        """
        wall_ms = self._wall_clock.now_ms()
        assert batch.base_offset == self.log.log_end_offset, "the machine and its log agree"
        if isinstance(batch, (DataBatch, ControlBatch)):
            encoded = batch.batch if isinstance(batch, DataBatch) else self._encode(batch, wall_ms)
            data = bytearray(encoded)  # the log stamps offsets into it
            self.log.append(memoryview(data), read_header(data), batch.epoch, wall_ms)
            return [] if isinstance(batch, DataBatch) else list(decode_batches(data))
        self.log.append_replicated(batch.data, wall_ms)
        return list(decode_batches(batch.data))

    def _encode(self, batch: ControlBatch, wall_ms: int) -> Buffer:
        return control_batch(
            batch.records, base_offset=batch.base_offset, epoch=batch.epoch, wall_ms=wall_ms
        )

    def read(self, offset: int, max_bytes: int) -> bytes:
        """Whole batches from the one that begins at `offset`, one at least, about `max_bytes`."""
        log = self.log
        found = log.read(offset, max_bytes, max_offset=log.log_end_offset, min_one_batch=True)
        if found.region is None:
            return b""
        try:
            data = found.region.read(0, found.size)
        finally:
            found.region.release()
        end = 0
        for position, header in walk(data):
            end = position + header.size_bytes
        return data[:end]

    def truncate(self, end_offset: int) -> None:
        """Cut what the leader does not have."""
        _LOG.info("cutting the metadata log from %d to %d", self.log_end_offset, end_offset)
        self.log.truncate_to(end_offset)
        assert self.log_end_offset == end_offset, "a log is cut between batches"

    async def flush(self) -> int:
        """The end of what is on disk; a cut meanwhile makes it start again."""
        return await self.log.flush()

    def close(self, *, clean: bool = True) -> list[str]:
        """Leave the files; the paths to be made durable."""
        if self._part is not None:
            self._part.close()
        return self.log.close(clean)

    # -- snapshots --------------------------------------------------------------------------------

    def snapshot_path(self, end_offset: int, epoch: int) -> str:
        return f"{self.directory}/{snapshot_name(end_offset, epoch)}"

    def snapshot_written(self, end_offset: int, epoch: int) -> None:
        """This node has a newer snapshot."""
        if self.latest_snapshot is None or self.latest_snapshot < (end_offset, epoch):
            self.latest_snapshot = end_offset, epoch

    def begin_after(self, end_offset: int, epoch: int) -> None:
        """What is in this snapshot, the oldest that is kept, need not be in the log as well."""
        self.log.advance_log_start(end_offset)
        if self.log.log_start_offset == end_offset:
            self._base = end_offset, epoch

    def keep(self, chunk: SnapshotChunk) -> None:
        """Write a piece of the leader's snapshot behind those before it."""
        path = self.snapshot_path(chunk.end_offset, chunk.epoch) + PART_SUFFIX
        if chunk.position == 0:
            if self._part is not None:
                self._part.close()
            self._part = self._disk.open(path)
            self._part.truncate(0)
        assert self._part is not None, "the first piece comes first"
        assert self._part.path == path, "a snapshot is fetched from its beginning"
        assert self._part.size == chunk.position, "pieces come in order"
        if chunk.data:
            self._part.append([chunk.data])

    async def install(self, end_offset: int, epoch: int) -> Snapshot:
        """Put the snapshot whose pieces are all here in its place, and begin the log behind it.

        ValueError when it is damaged: nothing has changed then.
        """
        part, self._part = self._part, None
        assert part is not None, "its pieces were kept"
        try:
            await part.fsync()
        finally:
            part.close()
        snapshot = Snapshot.decode(self._disk.read_bytes(part.path))
        self._disk.rename(part.path, self.snapshot_path(end_offset, epoch))
        await self._disk.fsync_dir(self.directory)
        self.log.truncate_fully_and_start_at(end_offset)
        self.latest_snapshot = self._base = end_offset, epoch
        _LOG.info("the leader's snapshot of what is below %d is in place", end_offset)
        return snapshot

    def read_snapshot(
        self, end_offset: int, epoch: int, position: int, max_bytes: int
    ) -> tuple[int, bytes] | None:
        """(size, bytes from `position` on) of a snapshot of this node; None if it has none such."""
        try:
            file = self._disk.open(self.snapshot_path(end_offset, epoch), create=False)
            try:
                return file.size, file.pread(max_bytes, position)
            finally:
                file.close()
        except FileNotFoundError:
            return None  # gone, or going: files are removed beside the loop
