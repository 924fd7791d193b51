"""One node's part in the metadata quorum, as the rest of the node sees it.

What the active controller decides is appended at once and replayed into it (`quorum_replay`); what
a majority has on disk is replayed into this node's image and published. Between the two an entry is
*pending*. `quorum_driver` runs the raft machine.

Flushing has an executor of its own (a disk of its own), so that metadata never queues behind data.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from minikafka.broker.metadata_log import MetadataBatch
from minikafka.broker.metadata_snapshots import MetadataSnapshots
from minikafka.broker.quorum_configured import bootstrap_addresses, configured_voters
from minikafka.broker.quorum_driver import RaftDriver
from minikafka.broker.quorum_log import QuorumLog
from minikafka.broker.quorum_replay import QuorumReplay
from minikafka.broker.storage import StorageError
from minikafka.broker.voters_listening import majority_may_listen
from minikafka.metadata.features import METADATA_VERSION, unsupported_features
from minikafka.metadata.record_versions import record_version
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.metadata_records import encode_record
from minikafka.raft.effects import Committed, Deposed, Elected
from minikafka.raft.events import (
    AppendRequested,
    KRaftVersionRaised,
    ResignRequested,
)
from minikafka.raft.node import RaftNode
from minikafka.raft.timeouts import FetchSizes, Timeouts
from minikafka.raft.voters import VoterHistory
from minikafka.records.builder import build_batch
from minikafka.replicated.commit_queue import CommitQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from minikafka.broker.storage import Storage
    from minikafka.controller.controller import ClusterController
    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import MetadataImage
    from minikafka.metadata.replay import MetadataRecord
    from minikafka.protocol.types import Message
    from minikafka.raft.effects import Apply
    from minikafka.raft.voters import VoterEndpoint
    from minikafka.runtime.clock import AgeClock, WallClock
    from minikafka.runtime.disk import Disk
    from minikafka.runtime.tasks import Scope
    from minikafka.settings.broker import BrokerSettings

    Publish = Callable[[MetadataImage, MetadataDelta], None]
    EpochChange = Callable[[int], None]
    LeaderChange = Callable[[int, int], None]

_LOG = logging.getLogger("minikafka.quorum")

_LOOK_S = 0.1
"""How often a node that has resigned looks whether there is anybody left to take over."""
ROOM_BYTES = 64 << 10
"""Left on the disk beside what is appended: a batch that the machine has taken must be written."""


class QuorumHost:
    """One node's part in the quorum: a voter, or (with `controller` None) a broker that only
    follows. `image` is the committed metadata.

    `disk` is its own (see the module). An OSError of the log is fatal to the node: appending raises
    it, elsewhere it fails a task in `scope`, and whoever waits is told NOT_CONTROLLER.
    """

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        storage: Storage,
        disk: Disk,
        wall_clock: WallClock,
        scope: Scope,
        controller: ClusterController | None,
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
        self._replay = QuorumReplay(controller)
        self.image = self._replay.image
        self._published: list[Publish] = []
        self._elected: list[EpochChange] = []
        self._deposed: list[EpochChange] = []
        self._leader_changed: list[LeaderChange] = []
        # Each takes a callback: `(image, delta)` after each committed run of records has been
        # applied; `(epoch)` when this node leads, with all of the log in the controller, and when
        # it leads no more; `(leader id or -1, epoch)` when another leader or epoch is known.
        self.on_publish: Callable[[Publish], None] = self._published.append
        self.on_elected: Callable[[EpochChange], None] = self._elected.append
        self.on_deposed: Callable[[EpochChange], None] = self._deposed.append
        self.on_leader_change: Callable[[LeaderChange], None] = self._leader_changed.append
        self._leader = (-1, -1)
        self._waiting: CommitQueue[asyncio.Future[None]] = CommitQueue()
        self._log: QuorumLog
        self._node: RaftNode
        self._driver: RaftDriver | None = None
        self._snapshots: MetadataSnapshots | None = None

    # -- what others see --------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        return self._driver is not None and self._driver.is_open

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
        return None if self.leader_id < 0 else self._address_of(self.leader_id)

    @property
    def log_end_offset(self) -> int:
        return self._log.log_end_offset

    def wall_ms(self) -> int:
        """The time that records are stamped with."""
        return self._wall_clock.now_ms()

    async def serve(self, request: Message, version: int) -> Message:
        """Answer another node of the quorum."""
        assert self._driver is not None, "served once it is started"
        return await self._driver.serving.serve(request, version)

    # -- life -------------------------------------------------------------------------------------

    async def start(self, endpoints: Sequence[VoterEndpoint] = ()) -> None:
        """Open the log and take part in the quorum; a sole voter leads on return.

        What its log holds is committed with the first entry of the new epoch, for whose fsync this
        does not wait: the controller's first records share it. `endpoints` are where this
        controller listens. StorageError when the log is not for this version, OSError,
        CorruptLogError.
        """
        self._log = QuorumLog(
            self._settings, self._disk, self._storage.metadata_log, self._wall_clock
        )
        try:
            self._node = self._load(endpoints)
        except BaseException:
            self._log.close(clean=False)
            raise
        driver = self._driver = RaftDriver(
            node=self._node,
            log=self._log,
            replay=self._replay,
            cluster_id=self._storage.cluster_id,
            address_of=self._address_of,
            request_timeout_s=self._settings.controller_quorum_request_timeout_ms / 1000,
            scope=self._scope,
            apply=self._apply,
            loaded=self._publish,
            stepped=self._tell_leader,
            ended=self._fail_waiting,
        )
        driver.start()
        snapshots = self._snapshots = MetadataSnapshots(
            settings=self._settings,
            disk=self._disk,
            log=self._log,
            node=self._node,
            wall_clock=self._wall_clock,
            age_clock=self._age_clock,
            scope=self._scope,
            is_whole=lambda: self._replay.is_whole,
        )
        self.on_publish(snapshots.publish)
        snapshots.start()

    async def resign(self, timeout_s: float) -> None:
        """Hand over to another voter and wait until one leads. Gives up after `timeout_s`, and
        when there is no majority for anybody.
        """
        driver = self._driver
        if driver is None or not self.is_leader or len(self._node.voters) == 1:
            return
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(leader_id: int, epoch: int) -> None:
            if leader_id >= 0 and not known.done():
                known.set_result(None)

        driver.step(ResignRequested())
        self._leader_changed.append(told)
        try:
            async with asyncio.timeout(timeout_s):
                while not known.done() and await self.may_elect():
                    await asyncio.wait((known,), timeout=_LOOK_S)
        except TimeoutError:
            _LOG.warning("no other voter has taken over in %g s", timeout_s)
        finally:
            self._leader_changed.remove(told)

    async def may_elect(self) -> bool:
        """Whether there may be voters enough for a controller."""
        return await majority_may_listen(self._node, self._address_of)

    async def stop(self) -> None:
        """Close the log; everything appended is made durable first. Waiters are told 41."""
        driver = self._driver
        if driver is None or not driver.is_open:
            return
        driver.end()
        if self._snapshots is not None:
            await self._snapshots.stop()
        await driver.stop()
        await self._disk.sync_paths(self._log.close())

    # -- appending --------------------------------------------------------------------------------

    def append(self, records: Sequence[MetadataRecord]) -> int:
        """Write one atomic batch and replay it into the controller; its last offset.

        KafkaError NOT_CONTROLLER when this node does not lead, KAFKA_STORAGE_ERROR on a full disk;
        OSError.
        """
        driver = self._driver
        if driver is None or not self.is_leader:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        assert self._controller is not None, "a leader is a controller"
        level = self._controller.image.features.get(METADATA_VERSION, 0)
        wall_ms = self._wall_clock.now_ms()
        values = [encode_record(r, record_version(r, level)) for r in records]
        batch = build_batch([(wall_ms, None, value, ()) for value in values])
        try:
            _require_room(self._disk, self._storage.metadata_log, len(batch))
            driver.step(AppendRequested(batch, len(records)))
        except OSError as error:
            driver.fail(error)
            raise
        appended = MetadataBatch(
            list(records),
            last_offset=self._log.log_end_offset - 1,
            epoch=self._node.epoch,
            wall_ms=wall_ms,
        )
        self._replay.append(appended)
        return appended.last_offset

    def raise_kraft_version(self, level: int) -> int:
        """Make records of the voters; the offset of the last. OSError."""
        driver = self._driver
        assert driver is not None
        try:
            driver.step(KRaftVersionRaised(level))
        except OSError as error:
            driver.fail(error)
            raise
        return self._log.log_end_offset - 1

    async def committed(self, offset: int) -> None:
        """Wait until the record at `offset`, which this node has appended, is committed, applied
        here and published. KafkaError NOT_CONTROLLER when this node leads no more.
        """
        if offset <= self.image.offset:
            return
        if not self.is_leader:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(offset + 1, waiter)
        await waiter

    # -- loading ----------------------------------------------------------------------------------

    def _load(self, endpoints: Sequence[VoterEndpoint]) -> RaftNode:
        settings = self._settings
        return RaftNode(
            node_id=self.node_id,
            directory_id=self._storage.metadata_directory_id,
            cluster_id=self._storage.cluster_id,
            history=self._replay_log(),
            quorum_state=self._log.read_quorum_state(),
            log=self._log,
            timeouts=Timeouts(
                election_ms=settings.controller_quorum_election_timeout_ms,
                fetch_ms=settings.controller_quorum_fetch_timeout_ms,
                backoff_max_ms=settings.controller_quorum_election_backoff_max_ms,
                request_ms=settings.controller_quorum_request_timeout_ms,
                retry_backoff_ms=settings.controller_quorum_retry_backoff_ms,
            ),
            fetch_sizes=FetchSizes(
                settings.controller_quorum_fetch_max_bytes,
                settings.controller_quorum_fetch_snapshot_max_bytes,
            ),
            auto_join=settings.is_controller and settings.controller_quorum_auto_join_enable,
            draw=self._random.random,
            own_endpoints=endpoints,
            listener_name=next(iter(settings.controller_listener_names), ""),
            bootstrap_ids=[-2 - index for index in range(len(bootstrap_addresses(settings)))],
        )

    def _replay_log(self) -> VoterHistory:
        """Replay the snapshot, which is committed, and take the log's batches as pending: what is
        committed of them, the quorum will tell. The voters of settings, snapshot and log.
        """
        self._log.require_beginning()
        voters, kraft_version = configured_voters(self._settings), 0
        found = self._log.found
        if found is not None:
            end_offset, epoch, snapshot = found
            if snapshot.voters is not None:
                kraft_version, voters = snapshot.kraft_version, snapshot.voters
            self._replay.load(end_offset, epoch, snapshot)
        history = VoterHistory(voters, kraft_version)
        for batch in self._log.batches():
            if batch.kraft_version is not None or batch.voters is not None:
                history.add(batch.last_offset, batch.voters, batch.kraft_version)
            self._replay.append(batch)
        return history

    def _address_of(self, node_id: int) -> tuple[str, int] | None:
        if node_id < -1:
            return bootstrap_addresses(self._settings)[-2 - node_id]
        return self._node.endpoint_of(node_id)

    # -- what has become true ---------------------------------------------------------------------

    def _apply(self, item: Apply) -> None:
        if isinstance(item, Committed):
            self._publish(self._replay.commit(item.high_watermark))
        elif isinstance(item, Elected):
            _LOG.info("leading the quorum in epoch %d", item.epoch)
            self._replay.elected()
            assert self._controller is not None, "only controllers vote"
            self._require_supported(self._controller.image)
            for elected in self._elected:
                elected(item.epoch)
        else:
            assert isinstance(item, Deposed)
            _LOG.info("leading the quorum no more; that was epoch %d", item.epoch)
            self._fail_waiting()
            self._replay.deposed()
            for deposed in self._deposed:
                deposed(item.epoch)

    def _publish(self, delta: MetadataDelta) -> None:
        """Tell what has changed in the image, and release who waited for it."""
        if delta.features_changed and not self.is_leader:
            self._require_supported(self.image)
        for callback in self._published:
            callback(self.image, delta)
        for waiter in self._waiting.take_committed(self.image.offset + 1):
            if not waiter.done():
                waiter.set_result(None)

    def _tell_leader(self) -> None:
        leader = self.leader_id, self.leader_epoch
        if leader != self._leader:
            self._leader = leader
            for changed in list(self._leader_changed):
                changed(*leader)

    def _require_supported(self, image: MetadataImage) -> None:
        unsupported = unsupported_features(image.features)
        if unsupported:
            levels = ", ".join(f"{name} {level}" for name, level in unsupported)
            raise StorageError(
                f"{self._storage.metadata_directory}: this cluster has finalised {levels}, which "
                "this version does not support."
            )

    def _fail_waiting(self) -> None:
        for waiter in self._waiting.take_all():
            if not waiter.done():
                waiter.set_exception(KafkaError(ErrorCode.NOT_CONTROLLER))


def _require_room(disk: Disk, directory: str, size: int) -> None:
    if disk.free_space(directory) < size + ROOM_BYTES:
        text = f"There is no room for the metadata log in {directory}."
        _LOG.error("%s", text)
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, text)
