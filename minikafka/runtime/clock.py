"""Two clocks beside the event loop's own.

`loop.time()` is the clock of *liveness*: sessions, heartbeats, request timeouts. `AgeClock` is the
clock of *age*: retention, segment age, expiry, transaction timeouts. A test may move the second by
days while every client keeps its session. `WallClock` gives timestamps and moves along.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from time import time_ns

WALL_TIME_NS: ContextVar[Callable[[], int]] = ContextVar("wall_time_ns", default=time_ns)
"""Where a `WallClock` takes the time from; a simulation puts its own into a process's context."""


class WallClock:
    """Milliseconds since 1970, shifted by `offset_ms` (which the time machine moves)."""

    __slots__ = ("_time_ns", "offset_ms")

    def __init__(self) -> None:
        self._time_ns = WALL_TIME_NS.get()
        self.offset_ms = 0

    def now_ms(self) -> int:
        """The timestamp of this moment."""
        return self._time_ns() // 1_000_000 + self.offset_ms


class AgeTimer:
    """One callback waiting in an `AgeClock`; `cancel()` is harmless at any time."""

    __slots__ = ("_callback", "due_ms")

    def __init__(self, due_ms: int, callback: Callable[[], None]) -> None:
        self.due_ms = due_ms
        self._callback: Callable[[], None] | None = callback

    @property
    def cancelled(self) -> bool:
        """Whether it will not run (any more)."""
        return self._callback is None

    def cancel(self) -> None:
        """Forget the callback; its place in the heap goes when it falls due."""
        self._callback = None

    def run(self) -> None:
        """Call the callback unless cancelled; at most once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class AgeClock:
    """Monotonic milliseconds plus an offset, with one heap and one loop timer for its head.

    `advance` moves the offset to each due timer in turn, fires it and lets the loop settle, so what
    would have happened one thing after the other over days happens one after the other now. The
    wall clock given moves with it.
    """

    __slots__ = ("_armed", "_heap", "_loop", "_numbers", "_offset_ms", "_wall")

    def __init__(self, loop: asyncio.AbstractEventLoop, wall: WallClock | None = None) -> None:
        self._loop = loop
        self._wall = wall
        self._offset_ms = 0
        self._heap: list[tuple[int, int, AgeTimer]] = []
        self._numbers = count()
        self._armed: asyncio.TimerHandle | None = None

    def now_ms(self) -> int:
        """The present age."""
        return int(self._loop.time() * 1000) + self._offset_ms

    def call_later(self, delay_ms: int, callback: Callable[[], None]) -> AgeTimer:
        """Call `callback` when the age has grown by `delay_ms`."""
        timer = AgeTimer(self.now_ms() + max(0, delay_ms), callback)
        heappush(self._heap, (timer.due_ms, next(self._numbers), timer))
        if self._heap[0][2] is timer:
            self._arm()
        return timer

    async def advance(self, by_ms: int, settle_rounds: int = 4) -> int:
        """Grow older by `by_ms` at once, firing what falls due in order; returns how many fired.

        After each timer the loop turns `settle_rounds` times, so that the tasks it woke can run.
        """
        target = self.now_ms() + by_ms
        fired = 0
        while self._heap and self._heap[0][0] <= target:
            self._shift(self._heap[0][0] - self.now_ms())
            fired += self._fire()
            for _ in range(settle_rounds):
                await asyncio.sleep(0)
        self._shift(target - self.now_ms())
        self._arm()
        return fired

    def close(self) -> None:
        """Drop all timers."""
        self._heap.clear()
        self._arm()

    def _shift(self, by_ms: int) -> None:
        if by_ms > 0:
            self._offset_ms += by_ms
            if self._wall is not None:
                self._wall.offset_ms += by_ms

    def _arm(self) -> None:
        if self._armed is not None:
            self._armed.cancel()
            self._armed = None
        if self._heap:
            # Loop timers count whole milliseconds: ask for one at least.
            delay_ms = max(1, self._heap[0][0] - self.now_ms())
            self._armed = self._loop.call_later(delay_ms / 1000, self._fire)

    def _fire(self) -> int:
        fired = 0
        try:
            # A loop may fire a timer up to a millisecond early.
            while self._heap and self._heap[0][0] <= self.now_ms() + 1:
                timer = heappop(self._heap)[2]
                fired += not timer.cancelled
                timer.run()
        finally:
            self._arm()
        return fired
