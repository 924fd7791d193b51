"""Hosts the metadata quorum: the raft machine, its log and file, and the images that follow.

What is decided is appended at once and replayed into the controller; what a majority has on disk
is replayed into this broker's image and published. Between the two an entry is *pending*.

Flushing has an executor of its own (a disk of its own), so that metadata never queues behind data,
and groups by itself: entries appended while an fsync runs share the next one.

Kafka's active controller writes a no-op record each `metadata.max.idle.interval.ms`, so that the
offsets that others report keep moving. With one voter and no observers there is nobody to report,
and an idle broker should not write twice a second: none are written.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from minikafka.broker.metadata_log import (
    MetadataBatch,
    newest_snapshot,
    open_metadata_log,
    read_batches,
)
from minikafka.broker.metadata_snapshots import MetadataSnapshots
from minikafka.broker.storage import StorageError
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.features import METADATA_VERSION, unsupported_features
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.loader import MetadataLoader
from minikafka.metadata.record_versions import record_version
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.metadata_records import decode_record, encode_record
from minikafka.raft.effects import Committed, ControlBatch, DataBatch, Elected, ReplicatedBatches
from minikafka.raft.events import AppendRequested, Flushed, Started
from minikafka.raft.node import RaftNode
from minikafka.raft.quorum_state import FILE_NAME, QuorumState
from minikafka.raft.snapshots import control_batch
from minikafka.raft.voters import Voter, VoterHistory, VoterSet
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch
from minikafka.replicated.commit_queue import CommitQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from minikafka.broker.storage import Storage
    from minikafka.controller.controller import ClusterController
    from minikafka.log.partition_log import PartitionLog
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.raft.effects import Batch, Effects
    from minikafka.raft.events import Event
    from minikafka.runtime.clock import AgeClock, WallClock
    from minikafka.runtime.disk import Disk
    from minikafka.runtime.tasks import Scope
    from minikafka.settings.broker import BrokerSettings

    Publish = Callable[[MetadataImage, MetadataDelta], None]
    EpochChange = Callable[[int], None]
    LeaderChange = Callable[[int, int], None]

_LOG = logging.getLogger("minikafka.quorum")

FLUSH_TASK = "flush metadata"
ROOM_BYTES = 64 << 10
"""Left on the disk beside what is appended: a batch that the machine has taken must be written."""


class _LogView:
    """The log as the raft machine sees it."""

    __slots__ = ("_log", "_snapshot")

    def __init__(self, log: PartitionLog, snapshot: tuple[int, int] | None) -> None:
        self._log = log
        self._snapshot = snapshot

    @property
    def log_end_offset(self) -> int:
        return self._log.log_end_offset

    @property
    def last_epoch(self) -> int:
        of_snapshot = 0 if self._snapshot is None else self._snapshot[1]
        return max(self._log.leader_epochs.latest, of_snapshot)

    @property
    def log_start_offset(self) -> int:
        return self._log.log_start_offset

    @property
    def latest_snapshot(self) -> tuple[int, int] | None:
        return self._snapshot

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        log = self._log
        latest = log.leader_epochs.latest
        if latest >= 0 and epoch >= latest:
            return latest, log.log_end_offset
        found, end_offset = log.end_offset_for_epoch(epoch)
        return (found, end_offset) if found >= 0 else (-1, log.log_start_offset)


class QuorumHost:
    """One node's part in the quorum. `image` is the committed metadata; callbacks follow it.

    `disk` is its own (see the module). An OSError of the log is fatal to the node: appending raises
    it, a failed flush fails its task in `scope`, and whoever waits is told NOT_CONTROLLER.
    """

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        storage: Storage,
        disk: Disk,
        wall_clock: WallClock,
        scope: Scope,
        controller: ClusterController,
        random: Random,
        age_clock: AgeClock,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._disk = disk
        self._wall_clock = wall_clock
        self._scope = scope
        self._controller = controller
        self.node_id = settings.node_id
        self._random = random
        self._age_clock = age_clock
        self._snapshots: MetadataSnapshots | None = None
        self.image = MetadataImage()
        self._loader = MetadataLoader(self.image)
        self._callbacks: list[Publish] = []
        self._elected: list[EpochChange] = []
        self._deposed: list[EpochChange] = []
        self._leader_changed: list[LeaderChange] = []
        self._leader = (-1, -1)
        # Each takes a callback: `(image, delta)` after each committed run of records has been
        # applied; `(epoch)` when this node leads, with all of the log in the controller, and when
        # it leads no more; `(leader id or -1, epoch)` when another leader or epoch is known.
        self.on_publish: Callable[[Publish], None] = self._callbacks.append
        self.on_elected: Callable[[EpochChange], None] = self._elected.append
        self.on_deposed: Callable[[EpochChange], None] = self._deposed.append
        self.on_leader_change: Callable[[LeaderChange], None] = self._leader_changed.append
        self._pending: CommitQueue[MetadataBatch] = CommitQueue()
        self._waiting: CommitQueue[asyncio.Future[None]] = CommitQueue()
        self._flushing: asyncio.Task[None] | None = None
        self._is_open = False
        self._log: PartitionLog
        self._node: RaftNode
        self._loop: asyncio.AbstractEventLoop

    # -- what others see --------------------------------------------------------------------------

    @property
    def node(self) -> RaftNode:
        """The consensus machine; to be read, not stepped."""
        return self._node

    @property
    def is_leader(self) -> bool:
        """Whether the controller in this process is the active one."""
        return self._is_open and self._node.is_leader

    @property
    def leader_id(self) -> int:
        """Who leads the quorum as far as this node knows; -1 if nobody is known to."""
        return self._node.leader_id if self._is_open else -1

    @property
    def leader_epoch(self) -> int:
        """The epoch of the quorum that this node is in."""
        return self._node.epoch

    def leader_endpoint(self) -> tuple[str, int] | None:
        """(host, port) of the active controller, None while it is not known."""
        return None if self.leader_id < 0 else self._node.endpoint_of(self.leader_id)

    @property
    def log_end_offset(self) -> int:
        return self._log.log_end_offset

    def wall_ms(self) -> int:
        """The time that records are stamped with."""
        return self._wall_clock.now_ms()

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the log, replay it into the controller and become leader.

        What the log holds is committed with the first entry of the new epoch, for whose fsync this
        does not wait: the controller's first records share it (`ControllerHost.start` waits).
        StorageError when the log is not for this version, OSError, CorruptLogError.
        """
        self._loop = asyncio.get_running_loop()
        wall_ms = self._wall_clock.now_ms()
        directory = self._storage.metadata_log
        self._log = open_metadata_log(self._settings, self._disk, directory, wall_ms)
        self._is_open = True
        history, snapshot = self._load()
        self._require_supported()
        self._node = RaftNode(
            node_id=self._settings.node_id,
            directory_id=self._storage.metadata_directory_id,
            cluster_id=self._storage.cluster_id,
            history=history,
            quorum_state=_read_quorum_state(self._disk, directory),
            log=_LogView(self._log, snapshot),
            draw=self._random.random,
        )
        self._require_sole_voter(history.voters)
        self._step(Started())
        snapshots = self._snapshots = MetadataSnapshots(
            settings=self._settings,
            disk=self._disk,
            directory=directory,
            log=self._log,
            node=self._node,
            wall_clock=self._wall_clock,
            age_clock=self._age_clock,
            scope=self._scope,
        )
        self.on_publish(snapshots.publish)
        snapshots.start()

    async def stop(self) -> None:
        """Close the log; everything appended is made durable first. Waiters are told 41."""
        if not self._is_open:
            return
        self._is_open = False
        self._fail_waiting()
        if self._snapshots is not None:
            await self._snapshots.stop()
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        await self._disk.sync_paths(self._log.close())

    # -- appending --------------------------------------------------------------------------------

    def append(self, records: Sequence[MetadataRecord]) -> int:
        """Write one atomic batch and replay it into the controller; its last offset.

        KafkaError NOT_CONTROLLER when this node does not lead, KAFKA_STORAGE_ERROR on a full disk;
        OSError.
        """
        if not self.is_leader:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        level = self._controller.image.features.get(METADATA_VERSION, 0)
        wall_ms = self._wall_clock.now_ms()
        values = [encode_record(r, record_version(r.api_key, level)) for r in records]
        batch = build_batch([(wall_ms, None, value, ()) for value in values])
        _require_room(self._disk, self._storage.metadata_log, len(batch))
        try:
            self._step(AppendRequested(batch, len(records)))
        except OSError as error:
            # The machine has taken what the log has not: nothing can go on from here.
            self._end()
            self._scope.spawn(_raise(error), "append metadata")
            raise
        appended = MetadataBatch(
            list(records),
            last_offset=self._log.log_end_offset - 1,
            epoch=self._node.epoch,
            wall_ms=wall_ms,
        )
        self._take(appended)
        return appended.last_offset

    async def committed(self, offset: int) -> None:
        """Wait until the record at `offset` is committed, applied here and published."""
        if offset <= self.image.offset:
            return
        if not self._is_open:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        waiter = self._loop.create_future()
        self._waiting.add(offset + 1, waiter)
        await waiter

    # -- loading ----------------------------------------------------------------------------------

    def _load(self) -> tuple[VoterHistory, tuple[int, int] | None]:
        """Replay the log into the controller; the voters as the log has them, and the newest
        snapshot.

        All of it is pending: what is committed, the election will tell.
        """
        voters = VoterSet([Voter(self._settings.node_id)])
        kraft_version = 0
        found = newest_snapshot(self._disk, self._storage.metadata_log)
        if found is not None and found[2].voters is not None:
            kraft_version, voters = found[2].kraft_version, found[2].voters
        history = VoterHistory(voters, kraft_version)
        start = self._log.log_start_offset
        if start > 0 and (found is None or found[0] < start):
            raise StorageError(
                f"{self._storage.metadata_log}: the log begins at offset {start}, and there is no "
                "snapshot of what came before."
            )
        if found is not None and found[0] > 0:
            end_offset, epoch, snapshot = found
            if end_offset > self._log.log_end_offset:
                # It was committed, so the log had it once; from here on it goes on.
                self._log.truncate_fully_and_start_at(end_offset)
            records = [decode_record(value)[0] for value in snapshot.values]
            self._take(
                MetadataBatch(
                    records,
                    last_offset=end_offset - 1,
                    epoch=epoch,
                    wall_ms=snapshot.last_contained_ms,
                )
            )
            start = end_offset
        for batch in read_batches(self._log, start):
            if batch.kraft_version is not None or batch.voters is not None:
                history.add(batch.last_offset, batch.voters, batch.kraft_version)
            self._take(batch)
        return history, None if found is None else found[:2]

    def _take(self, batch: MetadataBatch) -> None:
        controller = self._controller
        _replay(batch, controller.replay, controller.pass_control_batch)
        self._pending.add(batch.last_offset + 1, batch)

    def _require_supported(self) -> None:
        unsupported = unsupported_features(self._controller.image.features)
        if unsupported:
            levels = ", ".join(f"{name} {level}" for name, level in unsupported)
            raise StorageError(
                f"{self._storage.metadata_directory}: this cluster has finalised {levels}, which "
                "this version does not support."
            )

    def _require_sole_voter(self, voters: VoterSet) -> None:
        configured = [voter.id for voter in self._settings.controller_quorum_voters]
        sole = voters.is_sole(self._settings.node_id, self._storage.metadata_directory_id)
        if not sole or configured not in ([], [self._settings.node_id]):
            others = configured or list(voters.ids)
            raise StorageError(
                f"{self._storage.metadata_directory}: the voters of this quorum are {others}, and "
                "clusters of several nodes are not supported yet."
            )

    # -- effects ----------------------------------------------------------------------------------

    def _step(self, event: Event) -> None:
        """Step the machine and carry out what it asks, in its order: persist, send, apply."""
        self._carry_out(self._node.step(event, int(self._loop.time() * 1000)))

    def _carry_out(self, effects: Effects) -> None:
        persist = effects.persist
        if persist is not None:
            if persist.quorum_state is not None:
                self._write_quorum_state(persist.quorum_state)
            for batch in persist.batches:
                self._write(batch)
            if persist.batches and (self._flushing is None or self._flushing.done()):
                self._flushing = self._scope.spawn(self._flush(), FLUSH_TASK)
        assert not effects.send, "a sole voter has nobody to send to"
        for item in effects.apply:
            if isinstance(item, Elected):
                _LOG.info("leading the quorum in epoch %d", item.epoch)
                for elected in self._elected:
                    elected(item.epoch)
            elif isinstance(item, Committed):
                self._commit(item)
            else:
                raise AssertionError("a sole voter is not deposed")
        self._tell_leader()

    def _tell_leader(self) -> None:
        leader = self.leader_id, self.leader_epoch
        if leader != self._leader:
            self._leader = leader
            for changed in self._leader_changed:
                changed(*leader)

    def _write_quorum_state(self, state: QuorumState) -> None:
        # Blocking: a sole voter changes it once, at its start, before anything else can go on.
        self._disk.replace_atomically_now(
            f"{self._storage.metadata_log}/{FILE_NAME}",
            state.encode(self._node.kraft_version, self._node.voters),
        )

    def _write(self, batch: Batch) -> None:
        wall_ms = self._wall_clock.now_ms()
        assert not isinstance(batch, ReplicatedBatches), "a sole voter follows nobody"
        if isinstance(batch, DataBatch):
            encoded = batch.batch
        else:
            encoded = control_batch(
                batch.records, base_offset=batch.base_offset, epoch=batch.epoch, wall_ms=wall_ms
            )
        data = bytearray(encoded)  # the log stamps offsets into it
        offset = self._log.append(memoryview(data), read_header(data), batch.epoch, wall_ms)
        assert offset == batch.base_offset, "the machine and its log agree on offsets"
        if isinstance(batch, ControlBatch):
            self._take(
                MetadataBatch(
                    None,
                    last_offset=self._log.log_end_offset - 1,
                    epoch=batch.epoch,
                    wall_ms=wall_ms,
                    kraft_version=self._node.kraft_version,
                )
            )

    async def _flush(self) -> None:
        """Flush until nothing is left that was written after the last fsync began."""
        end_offset = -1
        try:
            while self._is_open and end_offset < self._log.log_end_offset:
                epoch = self._node.epoch
                end_offset = await self._log.flush()
                if self._is_open:
                    self._step(Flushed(epoch, end_offset))
        finally:
            if self._is_open and end_offset < self._log.log_end_offset:
                self._end()

    def _commit(self, committed: Committed) -> None:
        """Apply what has become committed, publish it, and release who waited for it."""
        delta = MetadataDelta()
        loader = self._loader
        for batch in self._pending.take_committed(committed.high_watermark):
            _replay(batch, partial(loader.replay_batch, delta=delta), loader.pass_control_batch)
        for callback in self._callbacks:
            callback(self.image, delta)
        for waiter in self._waiting.take_committed(self.image.offset + 1):
            if not waiter.done():
                waiter.set_result(None)

    def _end(self) -> None:
        """The log has failed: nothing can be committed any more, and nobody must wait for it."""
        self._is_open = False
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        for waiter in self._waiting.take_all():
            if not waiter.done():
                waiter.set_exception(KafkaError(ErrorCode.NOT_CONTROLLER))


def _require_room(disk: Disk, directory: str, size: int) -> None:
    if disk.free_space(directory) < size + ROOM_BYTES:
        text = f"There is no room for the metadata log in {directory}."
        _LOG.error("%s", text)
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, text)


def _read_quorum_state(disk: Disk, directory: str) -> QuorumState:
    path = f"{directory}/{FILE_NAME}"
    try:
        return QuorumState.decode(disk.read_bytes(path))
    except FileNotFoundError:
        return QuorumState()
    except ValueError as error:
        raise StorageError(f"{path}: {error}") from error


async def _raise(error: OSError) -> None:
    """Fail a task of the scope, whose owner ends the node."""
    raise error


def _replay(
    batch: MetadataBatch, records: Callable[..., None], control: Callable[..., None]
) -> None:
    """Give a batch to the one of the two that it is for: metadata, or the quorum's own."""
    place = {"last_offset": batch.last_offset, "epoch": batch.epoch, "wall_ms": batch.wall_ms}
    if batch.records is None:
        control(**place, kraft_version=batch.kraft_version)
    else:
        records(batch.records, **place)
