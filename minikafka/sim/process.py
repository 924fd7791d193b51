"""Machines and the processes on them: what crashes, pauses, and owns callbacks, tasks, connections.

A callback belongs to the process found in its context, so a future completed by somebody else still
wakes the waiter in the waiter's own process.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeVar

from minikafka.runtime.clock import WALL_TIME_NS
from minikafka.runtime.entropy import NEW_SEED

if TYPE_CHECKING:
    from minikafka.sim.disk import SimDisk
    from minikafka.sim.handle import SimHandle
    from minikafka.sim.loop import SimLoop
    from minikafka.sim.transport import SimTransport

T = TypeVar("T")

PROCESS: Final[ContextVar["Process"]] = ContextVar("sim_process")

_WALL_START_NS: Final = 1_700_000_000 * 1_000_000_000


class Process:
    """One life of a machine.

    `ready` are its callbacks in their order, `queued` whether the scheduler may choose it, `stops`
    for how many reasons it stands still. `busy_until` is the end of the blocking call it is in.
    """

    __slots__ = (
        "busy_until",
        "context",
        "dead",
        "loop",
        "machine",
        "queued",
        "ready",
        "stops",
        "tasks",
        "transports",
    )

    def __init__(self, loop: "SimLoop", machine: "Machine") -> None:
        self.loop = loop
        self.machine = machine
        self.dead = False
        self.queued = False
        self.stops = 0
        self.busy_until = 0.0
        self.ready: deque[SimHandle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []
        self.transports: dict[SimTransport, None] = {}
        self.context = Context()
        self.context.run(PROCESS.set, self)
        self.context.run(WALL_TIME_NS.set, machine.wall_ns)
        self.context.run(NEW_SEED.set, lambda: machine.seeds.getrandbits(64))

    def stop(self) -> None:
        """Stand still until as many `go` as `stop`."""
        self.stops += 1
        self.loop.dequeue(self)

    def go(self) -> None:
        """Take back one `stop`."""
        self.stops -= 1
        self.loop.enqueue(self)

    def stall(self, seconds: float) -> None:
        """A blocking call: nothing else happens in it for so long, and its clock shows it."""
        if seconds <= 0 or self.dead:
            return
        now = self.loop.now
        was_free = self.busy_until <= now
        self.busy_until = max(self.busy_until, now) + seconds
        if was_free:
            self.stop()
            self.loop.at(self.busy_until, self._returned)

    def _returned(self) -> None:
        if self.busy_until > self.loop.now:
            self.loop.at(self.busy_until, self._returned)
        else:
            self.go()


class Machine:
    """A name by which it is reached, a disk, clocks, and at most one living process.

    `address` is what others see of it when it connects to them.

    `rate` and `offset_s` set its monotonic clock apart from virtual time, `wall_offset_s` its wall
    clock. `powered` is False from a loss of power until the next start.
    """

    __slots__ = (
        "address",
        "disk",
        "loop",
        "name",
        "offset_s",
        "powered",
        "process",
        "rate",
        "seeds",
        "wall_offset_s",
    )

    def __init__(self, loop: "SimLoop", name: str) -> None:
        self.loop = loop
        self.name = name
        number = len(loop.machines) + 1
        self.address = f"10.0.{number >> 8}.{number & 255}"
        self.process: Process | None = None
        self.disk: SimDisk | None = None
        self.rate = 1.0
        self.offset_s = 0.0
        self.wall_offset_s = 0.0
        self.powered = True
        self.seeds = loop.stream(f"seeds {name}")

    def attach(self, disk: "SimDisk") -> None:
        """Put a disk in: its blocking calls stop this machine's process, its crashes end it."""
        self.disk = disk
        disk.wall_ms = self.wall_ms
        disk.stall = self._stall
        disk.note = self._note_disk
        disk.on_crash = self.crash

    def start(self, main: Callable[[], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Start a process; it is over when `main` ends or it crashes. A failure is told at once."""
        assert self.process is None or self.process.dead, f"{self.name} runs already"
        self.powered = True
        process = self.process = Process(self.loop, self)
        task = process.context.copy().run(lambda: self.loop.create_task(main()))
        task.add_done_callback(self._ended, context=process.context)
        return task

    def wall_ms(self) -> int:
        """The wall clock in milliseconds."""
        return self.wall_ns() // 1_000_000

    def wall_ns(self) -> int:
        """The wall clock, for the code of production."""
        return _WALL_START_NS + int((self.loop.now + self.wall_offset_s) * 1_000_000_000)

    def pause(self) -> None:
        """SIGSTOP: the process stands still; its kernel goes on accepting and receiving."""
        assert self.process is not None, "nothing runs"
        self.loop.note("pause", self.name)
        self.process.stop()

    def resume(self) -> None:
        """SIGCONT; nothing if the process has crashed meanwhile."""
        self.loop.note("resume", self.name)
        if self.process is not None and self.process.stops:
            self.process.go()

    def crash(self, power: bool) -> None:
        """End the process at once: a kill (its kernel closes its connections), or loss of power
        (peers hear nothing). No line of its code runs any more."""
        process = self.process
        if process is None or process.dead:
            return
        self.loop.note("crash", self.name, power)
        self.powered = not power
        process.dead = True
        self.loop.bury(process)
        self.loop.network.forget(process, reset=not power)
        if self.disk is not None:
            self.disk.crash(power)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None:
            message = f"the main task of {self.name} failed"
            self.loop.call_exception_handler({"message": message, "exception": failure})

    def _stall(self, seconds: float) -> None:
        if self.process is not None:
            self.process.stall(seconds)

    def _note_disk(self, *event: object) -> None:
        self.loop.note("disk", self.name, *event)
