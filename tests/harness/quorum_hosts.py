"""Quorums of whole hosts: raft machines on disks and sockets, with a controller, without brokers.

`QuorumProcess` is what a node of the quorum does in its process, on any loop and disk.
`SimulatedQuorum` puts some of them on machines of a simulation and checks, when it happens: one
leader per epoch, whose votes are on disk; what is acknowledged is on a majority of platters; what
is committed is the same everywhere; a controller that stands by knows what is committed and nothing
else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from minikafka.api.context import ControllerServices
from minikafka.api.dispatch import Dispatcher
from minikafka.broker.controller import ControllerHost
from minikafka.broker.listening import Listeners
from minikafka.broker.metadata_log import MetadataBatch, decode_batches
from minikafka.broker.quorum import QuorumHost
from minikafka.broker.storage import prepare_storage
from minikafka.controller.controller import ClusterController
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import CLIENT_METRICS_RESOURCE, MetadataImage
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.raft.quorum_state import FILE_NAME, QuorumState
from minikafka.runtime.clock import AgeClock, WallClock
from minikafka.runtime.disk import Disk
from minikafka.runtime.entropy import random_source, random_uuid
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings
from minikafka.sim.disk import SimDisk
from minikafka.sim.inode import DirectoryNode, FileNode
from minikafka.sim.loop import SimLoop

CLUSTER_ID = "quorum-of-hosts-00000A"
LOG_DIR = "/data"
METADATA_LOG = f"{LOG_DIR}/__cluster_metadata-0"
KEYS = 12


class Violation(AssertionError):
    """The quorum has broken a promise."""


def node_settings(
    node_id: int, voters: dict[int, tuple[str, int]], log_dir: str, **settings: str
) -> BrokerSettings:
    """Settings of a voter, or of a broker that only follows when its id is not among them."""
    is_voter = node_id in voters
    host, port = voters.get(node_id, (f"n{node_id}", 0))
    listeners = f"CONTROLLER://{host}:{port}" if is_voter else f"PLAINTEXT://{host}:9092"
    return BrokerSettings.parse(
        {
            "node.id": str(node_id),
            "process.roles": "controller" if is_voter else "broker",
            "listeners": listeners,
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": ",".join(
                f"{voter_id}@{host}:{port}" for voter_id, (host, port) in voters.items()
            ),
            "log.dirs": log_dir,
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
    )


class QuorumProcess:
    """One node's part in the quorum with all that it needs, between a start and an end."""

    def __init__(self, settings: BrokerSettings, disk: Disk, metadata_disk: Disk) -> None:
        self.failures: list[BaseException] = []
        self.scope = Scope("node", lambda name, error: self.failures.append(error))
        loop = asyncio.get_running_loop()
        random, wall_clock = random_source(), WallClock()
        self._settings = settings
        self._disks = (disk, metadata_disk)
        self._age_clock = AgeClock(loop, wall_clock)
        storage = prepare_storage(
            settings, disk, random, wall_ms=wall_clock.now_ms(), cluster_id=CLUSTER_ID
        )
        self.controller: ClusterController | None = None
        if settings.is_controller:
            self.controller = ClusterController(
                cluster_id=CLUSTER_ID,
                settings=settings,
                random=random,
                new_uuid=lambda: random_uuid(random),
            )
        self.quorum = QuorumHost(
            settings=settings,
            storage=storage,
            disk=metadata_disk,
            wall_clock=wall_clock,
            scope=self.scope,
            controller=self.controller,
            random=random,
            age_clock=self._age_clock,
        )
        self._listeners: Listeners | None = None
        if self.controller is not None:
            host = ControllerHost(self.controller, self.quorum, storage, metadata_disk, self.scope)
            services = ControllerServices(
                settings=settings,
                cluster_id=CLUSTER_ID,
                image=self.quorum.image,
                controller=host,
                wall_clock=wall_clock,
                age_clock=self._age_clock,
                random=random,
                scope=self.scope,
                loop=loop,
                quorum=self.quorum,
            )
            self._listeners = Listeners(settings, Dispatcher(services).serve)

    async def start(self) -> None:
        """As a node starts: ports, quorum, connections."""
        if self._listeners is not None:
            await self._listeners.take_ports(self._settings.controller_listeners())
        await self.quorum.start()
        if self._listeners is not None:
            await self._listeners.accept()

    async def stop(self, *, resign: bool = True) -> None:
        """As a node stops; without `resign` nobody is told."""
        if resign:
            await self.quorum.resign(5)
        await self.quorum.stop()
        await self.end()

    async def end(self) -> None:
        """Let go of everything at once."""
        if self._listeners is not None:
            self._listeners.close()
        self._age_clock.close()
        await self.scope.close()
        for disk in self._disks:
            disk.close()

    async def write(self, name: str, value: str) -> int:
        """Have a config set, where this node leads; its offset, once it is committed."""
        record = ConfigRecord(
            resource_type=CLIENT_METRICS_RESOURCE, resource_name=name, name="value", value=value
        )
        offset = self.quorum.append([record])
        await self.quorum.committed(offset)
        return offset


def values(image: MetadataImage) -> dict[str, str]:
    """What `write` has set."""
    return {
        name: configs["value"]
        for (kind, name), configs in sorted(image.configs.items())
        if kind == CLIENT_METRICS_RESOURCE
    }


class SimulatedNode:
    """A machine with a disk, and a node of the quorum in its process while it runs."""

    def __init__(self, cluster: SimulatedQuorum, node_id: int) -> None:
        self.cluster = cluster
        self.node_id = node_id
        loop = cluster.loop
        self.machine = loop.machine(f"n{node_id}")
        self.disk = SimDisk(f"{loop.seed}/n{node_id}")
        self.machine.attach(self.disk)
        self.disk.write_s = self.disk.read_s = 1e-5
        mount = self.disk.mount()
        mount.mkdir(LOG_DIR)
        mount.fsync_dir_now("/")
        self.process: QuorumProcess | None = None
        self._stopping: asyncio.Future[None] | None = None

    @property
    def is_up(self) -> bool:
        return self.machine.process is not None and not self.machine.process.dead

    @property
    def is_stopping(self) -> bool:
        return self.is_up and self._stopping is not None and self._stopping.done()

    @property
    def quorum(self) -> QuorumHost | None:
        return None if self.process is None or not self.is_up else self.process.quorum

    def start(self) -> None:
        self._stopping = self.cluster.loop.create_future()
        self.machine.start(self._run)

    def crash(self, *, power: bool) -> None:
        if self.is_up:
            self.machine.crash(power)
            self.process = None

    def stop(self) -> None:
        """Ask it to end as SIGTERM does."""
        if self._stopping is not None and not self._stopping.done():
            self._stopping.set_result(None)

    async def _run(self) -> None:
        settings = node_settings(
            self.node_id, self.cluster.voters, LOG_DIR, **self.cluster.settings
        )
        process = self.process = QuorumProcess(settings, self.disk.mount(), self.disk.mount())
        quorum, node_id = process.quorum, self.node_id
        quorum.on_elected(lambda epoch: self.cluster.elected(node_id, epoch))
        quorum.on_publish(lambda image, delta: self.cluster.published(self, process, delta))
        await process.start()
        assert self._stopping is not None, "start"
        await self._stopping
        self.process = None
        await process.stop()
        # The kernel closes what a process leaves open; nothing of it runs any more.
        self.cluster.loop.call_soon(
            self.machine.crash, False, context=self.cluster.loop.outside.context
        )

    # -- what is on the platter -------------------------------------------------------------------

    def sure_epoch(self) -> int:
        """The epoch that this node remembers whatever happens."""
        data = self.disk.surely(f"{METADATA_LOG}/{FILE_NAME}")
        return QuorumState.decode(data).epoch if data else 0

    def surely(self) -> list[MetadataBatch]:
        """The batches that every loss of power leaves, up to the first gap."""
        found: list[MetadataBatch] = []
        directory = self.disk.names.find(METADATA_LOG)
        if not isinstance(directory, DirectoryNode):
            return found
        for name in sorted(directory.names):
            if name.endswith(".log") and isinstance(directory.names[name], FileNode):
                sure = self.disk.surely(f"{METADATA_LOG}/{name}") or b""
                found += decode_batches(sure)
        return found


class SimulatedQuorum:
    """Nodes 1 to `count` vote; further ones up to `observers` only follow."""

    def __init__(
        self, loop: SimLoop, settings: dict[str, str], *, count: int = 3, observers: int = 0
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.random: Random = loop.stream("weather")
        self.voters = {node_id: (f"n{node_id}", 9093) for node_id in range(1, count + 1)}
        self.nodes = [SimulatedNode(self, node_id + 1) for node_id in range(count + observers)]
        self.leaders: dict[int, int] = {}
        self.states: dict[int, dict[str, str]] = {}
        self.acknowledged: dict[int, tuple[str, str]] = {}
        self.written = 0
        self.violations: list[str] = []
        self.deltas: list[tuple[int, MetadataDelta]] = []

    def start(self) -> None:
        for node in self.nodes:
            node.start()

    def node(self, node_id: int) -> SimulatedNode:
        return self.nodes[node_id - 1]

    def leader(self) -> SimulatedNode | None:
        """Who leads the latest epoch of those that are led."""
        leading = [
            (node.quorum.leader_epoch, node)
            for node in self.nodes
            if node.quorum is not None and node.quorum.is_leader
        ]
        return max(leading, key=lambda found: found[0])[1] if leading else None

    async def until(
        self, what: str, condition: Callable[[], object], limit_s: float = 30.0
    ) -> None:
        """Let the simulation go on until it is so."""
        end = self.loop.time() + limit_s
        while not condition():
            if self.loop.time() > end:
                raise Violation(f"after {limit_s} s it is not so: {what}")
            await self.wait(0.01)

    async def wait(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        passed: asyncio.Future[None] = self.loop.create_future()
        self.loop.call_later(seconds, passed.set_result, None)
        await passed
        if self.violations:
            raise Violation(self.violations[0])

    async def elect(self) -> SimulatedNode:
        await self.until("somebody leads", self.leader)
        leader = self.leader()
        assert leader is not None
        return leader

    def write(self, count: int = 1) -> None:
        """Have so many values written by who leads now, if anybody does."""
        leader = self.leader()
        if leader is None or leader.process is None:
            return
        for _ in range(count):
            self.written += 1
            key, value = f"key-{self.written % KEYS}", f"value-{self.written}"
            context = leader.machine.process.context  # type: ignore[union-attr]  # it is up
            context.copy().run(
                leader.process.scope.spawn, self._write(leader, leader.process, key, value), key
            )

    async def _write(
        self, node: SimulatedNode, process: QuorumProcess, key: str, value: str
    ) -> None:
        try:
            offset = await process.write(key, value)
        except KafkaError:
            return
        self.acknowledged[offset] = (key, value)
        self._require_majority(offset, value)

    # -- checks -----------------------------------------------------------------------------------

    def _violated(self, what: str) -> None:
        """Remembered, too: it is noticed in a process whose failure means nothing here."""
        self.violations.append(what)
        raise Violation(what)

    def elected(self, node_id: int, epoch: int) -> None:
        before = self.leaders.setdefault(epoch, node_id)
        if before != node_id:
            self._violated(f"nodes {before} and {node_id} both lead epoch {epoch}")
        sure = [self.node(voter).sure_epoch() >= epoch for voter in self.voters]
        if sum(sure) * 2 <= len(sure):
            self._violated(f"epoch {epoch} is led, and only {sum(sure)} votes are on disk")

    def published(self, node: SimulatedNode, process: QuorumProcess, delta: MetadataDelta) -> None:
        quorum = process.quorum
        offset, state = quorum.image.offset, values(quorum.image)
        known = self.states.setdefault(offset, state)
        if known != state:
            self._violated(f"node {node.node_id}: at offset {offset} {state}, elsewhere {known}")
        controller = process.controller
        if controller is not None and not quorum.is_leader:
            standing = controller.image.offset, values(controller.image)
            if standing != (offset, state):
                self._violated(f"node {node.node_id} stands by and its controller has {standing}")
        self.deltas.append((node.node_id, delta))

    def _require_majority(self, offset: int, value: str) -> None:
        holders = 0
        for node_id in self.voters:
            batches = self.node(node_id).surely()
            holders += any(
                batch.last_offset == offset and value in map(_value, batch.records or ())
                for batch in batches
            ) or bool(batches and batches[0].last_offset > offset)
        if holders * 2 <= len(self.voters):
            self._violated(f"offset {offset} is acknowledged, and {holders} have it on disk")

    async def settle(self) -> None:
        """The faults are over: there is a leader, and all get what it is given."""
        await self.elect()
        before = len(self.acknowledged)

        def is_written() -> bool:
            self.write()
            return len(self.acknowledged) > before

        await self.until("something is acknowledged", is_written)
        last = max(self.acknowledged)

        def is_everywhere() -> bool:
            return all(
                node.quorum is not None and node.quorum.image.offset >= last for node in self.nodes
            )

        await self.until("all have what was acknowledged", is_everywhere)
        for node in self.nodes:
            assert node.process is not None
            if node.process.failures:
                raise Violation(f"node {node.node_id} failed") from node.process.failures[0]


def _value(record: object) -> str | None:
    return record.value if isinstance(record, ConfigRecord) else None
