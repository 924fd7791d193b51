"""A machine with a whole broker on it: the broker of production, started, crashed and started again
on the same disk."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from minikafka.broker.broker import Broker, StartError
from minikafka.runtime.clock import WallClock
from minikafka.runtime.entropy import random_source
from minikafka.settings.broker import BrokerSettings
from minikafka.sim.disk import SimDisk
from minikafka.sim.inode import DirectoryNode, FileNode
from minikafka.sim.loop import SimLoop

PORT: Final = 9092
LOG_DIR: Final = "/data"
_ROOM_BYTES: Final = 1 << 20


class BrokerNode:
    """`down` is set while no process runs, `failure` says why the last one ended by itself.
    `broker` is what runs in it, to be looked at.

    `refusals` are the starts that failed on a disk with room and without a fault; `is_excused` says
    that the disk has, or had in this life, no room or a fault.

    `before_power_loss` is called when the state of the disk can still be looked at, `after_crash`
    (with power) when it is what the next start will find.
    """

    def __init__(
        self,
        loop: SimLoop,
        name: str,
        settings: dict[str, str],
        *,
        cluster_id: str | None = None,
    ) -> None:
        self.loop = loop
        self.machine = loop.machine(name)
        self.disk = SimDisk(f"{loop.seed}/{name}")
        self.machine.attach(self.disk)
        self.disk.on_crash = self.crash
        self.down = asyncio.Event()
        self.failure: Exception | None = None
        self.refusals: list[str] = []
        self.is_excused = False
        self.broker: Broker | None = None
        self.before_power_loss: Callable[[], None] = _nothing
        self.after_crash: Callable[[bool], None] = _nothing_of_it
        self._cluster_id = cluster_id
        self._stopping: asyncio.Future[None] | None = None
        # /data is a volume: somebody has made and mounted it.
        mount = self.disk.mount()
        mount.mkdir(LOG_DIR)
        mount.fsync_dir_now("/")
        listeners = f"PLAINTEXT://{name}:{PORT},CONTROLLER://{name}:{PORT + 1}"
        self._settings = BrokerSettings.parse(
            {"listeners": listeners, "log.dirs": LOG_DIR, **settings}
        )
        self.down.set()

    @property
    def address(self) -> str:
        """For clients."""
        return f"{self.machine.name}:{PORT}"

    def start(self) -> None:
        """Start a broker on what the disk holds."""
        self.loop.note("start", self.machine.name)
        self.failure = None
        room_bytes = self.disk.capacity - self.disk.used
        self.is_excused = bool(self.disk.faults) or room_bytes < _ROOM_BYTES
        self.down.clear()
        self._stopping = self.loop.create_future()
        task = self.machine.start(self._run)
        task.add_done_callback(self._exited, context=self.loop.outside.context)

    def stop(self) -> None:
        """Ask it to stop cleanly, as SIGTERM does."""
        self.loop.note("stop", self.machine.name)
        if self._stopping is not None and not self._stopping.done():
            self._stopping.set_result(None)

    def crash(self, power: bool) -> None:
        """Kill it or take its power; nothing if it is down."""
        if self.down.is_set():
            return
        if power:
            self.before_power_loss()
        self.machine.crash(power)
        self._over()
        self.after_crash(power)

    async def _run(self) -> None:
        assert self._stopping is not None, "start"
        broker = self.broker = Broker(
            self._settings,
            cluster_id=self._cluster_id,
            disk=self.disk.mount(),
            metadata_disk=self.disk.mount(),
            wall_clock=WallClock(),
            random=random_source(),
        )
        try:
            await broker.start()
            await asyncio.wait((self._stopping, broker.failed), return_when=asyncio.FIRST_COMPLETED)
            if broker.failed.done():
                self._failed(broker.failed.exception())
        except StartError as error:
            self._failed(error)
            if not self.is_excused:
                self.refusals.append(str(error))
        finally:
            await broker.stop()

    def _failed(self, error: BaseException | None) -> None:
        assert isinstance(error, Exception), "a broker fails of something"
        self.failure = error
        self.loop.note("failed", self.machine.name, str(error))

    def _exited(self, task: asyncio.Task[None]) -> None:
        """In no process: the kernel closes what a process leaves open."""
        if not self.down.is_set():
            self.machine.crash(power=False)
            self._over()

    def _over(self) -> None:
        self.broker = None
        self.down.set()

    # -- what is on the platter -------------------------------------------------------------------

    def sure_batches(self, log: str) -> bytes:
        """The bytes of a log (`topic-0`) that every loss of power leaves and recovery must keep: up
        to the first that might be missing."""
        kept = bytearray()
        for path, visible_bytes in self.segments(log):
            sure = self.disk.surely(path) or b""
            kept += sure
            if len(sure) < visible_bytes:
                break
        return bytes(kept)

    def surely_holds(self, log: str, offset: int, value: bytes) -> bool:
        """Whether `sure_batches` has the value, which is at that offset."""
        found: str | None = None
        complete, before = True, 0
        for path, visible_bytes in self.segments(log):
            if int(path.rpartition("/")[2].removesuffix(".log")) > offset:
                break
            complete = found is None or (complete and before == self.disk.surely_size(found))
            found, before = path, visible_bytes
        return found is not None and complete and value in (self.disk.surely(found) or b"")

    def segments(self, log: str) -> Iterator[tuple[str, int]]:
        """(path, size) of the segments of a log in their order."""
        directory = f"{LOG_DIR}/{log}"
        node = self.disk.names.find(directory)
        for name in sorted(node.names) if isinstance(node, DirectoryNode) else ():
            file = node.names[name] if isinstance(node, DirectoryNode) else None
            if name.endswith(".log") and isinstance(file, FileNode):
                yield f"{directory}/{name}", len(file.data)


def _nothing() -> None:
    """Nobody wants to know."""


def _nothing_of_it(power: bool) -> None:
    """Nobody wants to know."""
