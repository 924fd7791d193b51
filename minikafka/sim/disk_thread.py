"""The one thread of a disk, played by timers of the running loop.

A job is an iterator of the seconds that pass until its next step. Whoever awaits it may be
cancelled; the job goes on, as work in a thread does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from minikafka.sim.errors import ProcessGone


class Job:
    """Steps, and who waits for the last; `exclusive` ones hold what synchronous calls need."""

    __slots__ = ("ended", "exclusive", "future", "started", "steps")

    def __init__(
        self, steps: Iterator[float], future: asyncio.Future[None], exclusive: bool
    ) -> None:
        self.steps = steps
        self.future = future
        self.exclusive = exclusive
        self.started = False
        self.ended = False

    def end(self, error: BaseException | None) -> None:
        """Tell whoever still waits."""
        self.ended = True
        if not self.future.done():
            if error is None:
                self.future.set_result(None)
            else:
                self.future.set_exception(error)


class DiskThread:
    """Jobs in the order in which they came, one at a time."""

    __slots__ = ("_jobs", "_require_life", "_timer")

    def __init__(self, require_life: Callable[[], None]) -> None:
        """`require_life` raises ProcessGone once the process is dead."""
        self._require_life = require_life
        self._jobs: deque[Job] = deque()
        self._timer: asyncio.Handle | None = None

    async def run(self, steps: Iterator[float], exclusive: bool = False) -> None:
        """Do the steps after everything handed over before; raises what they raise."""
        loop = asyncio.get_running_loop()
        job = Job(steps, loop.create_future(), exclusive)
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._timer = loop.call_soon(self._turn, loop)
        await job.future

    def finish(self, stall: Callable[[float], None]) -> None:
        """Do all that is left in this call."""
        while self._jobs:
            stall(self._step() or 0.0)

    def finish_exclusive(self, stall: Callable[[float], None]) -> None:
        """Do an exclusive job that has begun to its end in this call."""
        job = self._jobs[0] if self._jobs else None
        while job is not None and job.exclusive and job.started and not job.ended:
            stall(self._step() or 0.0)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """One step of the first job; the rest after the time it takes."""
        self._timer = None
        if not self._jobs:
            return  # done meanwhile by somebody who could not wait
        seconds = self._step()
        if self._jobs:
            if seconds:
                self._timer = loop.call_later(seconds, self._turn, loop)
            else:
                self._timer = loop.call_soon(self._turn, loop)

    def _step(self) -> float | None:
        """Seconds until the next step of this job; None when it has ended."""
        job = self._jobs[0]
        job.started = True
        try:
            self._require_life()
            return next(job.steps)
        except StopIteration:
            job.end(None)
        except (OSError, ProcessGone) as error:
            job.end(error)
        self._jobs.popleft()
        return None
