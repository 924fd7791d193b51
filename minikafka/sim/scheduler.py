"""Virtual time and the order of callbacks, decided by a seed.

Time begins at 0 and moves to the next timer when nothing is ready, and by a tick with every
callback, without which polling would never end and few callbacks had a rival to be chosen before.
Callbacks of one process keep their order, as asyncio promises; which process is next is drawn.
"""

import math
import zlib
from collections.abc import Callable
from contextvars import Context, copy_context
from heapq import heappop, heappush
from random import Random
from typing import Final, Literal

from minikafka.sim.errors import Deadlock, Runaway, VirtualTimeout
from minikafka.sim.handle import SimHandle
from minikafka.sim.process import PROCESS, Process

Order = Literal["hosts", "shuffle"]
"""`hosts`: first in, first out within a process. `shuffle` breaks that promise of asyncio, to find
code that leans on more than it should."""

TICK_S: Final = 1e-5
RUNAWAY_CALLBACKS: Final = 1_000_000


class Scheduler:
    """The queues. `now` is virtual time in seconds, `steps` counts callbacks.

    `digest` is the trace's checksum, and `trace` its lines where a list was put there. `watch` is
    called with the process after each of its callbacks, for those who look and touch nothing.
    `current` is the process whose callback runs; `outside` is the one that everything belongs to
    that no machine has started: the scenario itself.
    """

    current: Process
    outside: Process

    def __init__(self, seed: int | str, order: Order, limit_s: float) -> None:
        self.seed = seed
        self.now = 0.0
        self.steps = 0
        self.digest = 0
        self.trace: list[str] | None = None
        self.watch: Callable[[Process], None] | None = None
        self._order = order
        self._limit_s = limit_s
        self._burst = 0
        self._sequence = 0
        self._timers: list[tuple[float, int, SimHandle]] = []
        self._runnable: list[Process] = []
        self._random = self.stream("scheduler").random
        self._closed = False
        # Kept until the end: what is collected runs its `finally` blocks, and the dead do nothing.
        self._morgue: list[object] = []

    # -- the seed and the trace -------------------------------------------------------------------

    def stream(self, purpose: str) -> Random:
        """A random source of its own for each purpose: a draw more on one link moves no other.

        Only `random()` and `getrandbits()` of it are the same in every version of Python.
        """
        return Random(f"{self.seed}/{purpose}")

    def note(self, *event: object) -> None:
        """Fold an event into the digest, which two runs of one seed must share."""
        line = f"{self.now:.9f} {event!r}"
        self.digest = zlib.crc32(line.encode(), self.digest)
        if self.trace is not None:
            self.trace.append(line)

    # -- the loop's side --------------------------------------------------------------------------

    def time(self) -> float:
        """The monotonic clock of the current process, in seconds."""
        process = self.current
        machine = process.machine
        return max(self.now, process.busy_until) * machine.rate + machine.offset_s

    def call_soon(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> SimHandle:
        """Call it next in the process of the context."""
        if context is None:
            context = copy_context()
        process = context.get(PROCESS) or self.outside
        handle = SimHandle(callback, args, context, process)
        self._put(process, handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> SimHandle:
        """As `call_soon`: there are no threads here."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> SimHandle:
        """Call it after so many seconds of the process's clock."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> SimHandle:
        """Call it when the process's clock shows `when`, never earlier."""
        if context is None:
            context = copy_context()
        process = context.get(PROCESS) or self.outside
        handle = SimHandle(callback, args, context, process, when)
        self._push(_virtual_time(when, process), handle)
        return handle

    # -- the world's side -------------------------------------------------------------------------

    def at(self, moment: float, callback: Callable[..., object], *args: object) -> None:
        """An event of the world (a packet arrives, a call returns): it runs in no process."""
        self._push(moment, SimHandle(callback, args, None, None, moment))

    def post(self, process: Process, callback: Callable[..., object], *args: object) -> None:
        """Call it next in a process."""
        self._put(process, SimHandle(callback, args, process.context, process))

    def enqueue(self, process: Process) -> None:
        """Let the scheduler choose a process that has something to do and may do it."""
        if process.ready and not (process.queued or process.stops or process.dead):
            process.queued = True
            self._runnable.append(process)

    def dequeue(self, process: Process) -> None:
        """Do not choose it any more."""
        if process.queued:
            process.queued = False
            self._runnable.remove(process)

    def bury(self, process: Process) -> None:
        """Keep what is left of a dead process."""
        self.dequeue(process)
        for task in process.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is not forgotten
        self._morgue.append(tuple(process.ready))
        self._morgue.append(process)
        process.ready.clear()

    # -- running ----------------------------------------------------------------------------------

    def step(self) -> None:
        """Run one callback, or move time to the next timer. Raises the loud ends."""
        timers = self._timers
        while timers and timers[0][0] <= self.now:
            self._fall_due(heappop(timers)[2])
        runnable = self._runnable
        if not runnable:
            self._move_time()
            return
        chosen = int(self._random() * len(runnable)) if len(runnable) > 1 else 0
        process = runnable[chosen]
        ready = process.ready
        if self._order == "shuffle" and len(ready) > 1:
            ready.rotate(-int(self._random() * len(ready)))
        handle = ready.popleft()
        if not ready:
            del runnable[chosen]
            process.queued = False
        callback, context = handle.callback, handle.context
        if callback is None or context is None:
            return  # cancelled
        self.now += TICK_S
        self.steps += 1
        self._burst += 1
        if self._burst > RUNAWAY_CALLBACKS:
            raise Runaway(f"{self._burst} callbacks without a pause, the next {handle!r}")
        self.current = process
        try:
            context.run(callback, *handle.args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001  # a loop outlives its callbacks
            self.failed(process, handle, error)
        finally:
            self.current = self.outside
        if self.watch is not None:
            self.watch(process)

    def failed(self, process: Process, handle: SimHandle, error: BaseException) -> None:
        """A callback has raised."""
        raise NotImplementedError

    def waiting(self) -> str:
        """Who waits, for the message of a loud end."""
        raise NotImplementedError

    def _move_time(self) -> None:
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heappop(timers)
        if not timers:
            raise Deadlock(self.waiting())
        self._burst = 0
        self.now = max(self.now, timers[0][0])
        if self.now > self._limit_s:
            raise VirtualTimeout(self.waiting())

    def _fall_due(self, handle: SimHandle) -> None:
        process = handle.process
        if handle.is_cancelled:
            return
        if process is not None:
            self._put(process, handle)
        elif handle.callback is not None:
            handle.callback(*handle.args)

    def _put(self, process: Process, handle: SimHandle) -> None:
        if process.dead or self._closed:
            self._morgue.append(handle)
            return
        process.ready.append(handle)
        if not process.queued and not process.stops:
            process.queued = True
            self._runnable.append(process)

    def _push(self, moment: float, handle: SimHandle) -> None:
        self._sequence += 1
        heappush(self._timers, (moment, self._sequence, handle))


def _virtual_time(when: float, process: Process) -> float:
    """When the clock of a process shows `when`; rounded up, so that no timer is early."""
    machine = process.machine
    if machine.rate == 1.0 and not machine.offset_s:
        return when
    moment = (when - machine.offset_s) / machine.rate
    while moment * machine.rate + machine.offset_s < when:
        moment = math.nextafter(moment, math.inf)
    return moment
