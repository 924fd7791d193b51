"""A callback that waits for its turn, and a task with a hash of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikafka.sim.process import Process


class SimHandle(asyncio.TimerHandle):
    """What call_soon and call_at return. `process` None is an event of the world."""

    __slots__ = ("args", "callback", "context", "is_cancelled", "process", "when_s")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[object, ...],
        context: Context | None,
        process: "Process | None",
        when_s: float = 0.0,
    ) -> None:
        self.callback: Callable[..., object] | None = callback
        self.args = args
        self.context = context
        self.process = process
        self.when_s = when_s
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not run; what it would have called is let go."""
        self.is_cancelled = True
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.is_cancelled

    def when(self) -> float:
        """When it is due, by the clock of its process."""
        return self.when_s

    def __repr__(self) -> str:
        return f"<SimHandle {self.callback!r}>"


class SimTask(asyncio.Task[Any]):
    """A task that hashes by its number: sets of tasks iterate alike in every run."""

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        number: int,
        *,
        loop: asyncio.AbstractEventLoop,
        name: str | None,
        context: Context | None,
    ) -> None:
        self.number = number
        super().__init__(coroutine, loop=loop, name=name or f"task-{number}", context=context)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other
