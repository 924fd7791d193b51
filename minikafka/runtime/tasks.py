"""Supervised tasks: no task without an owner, no failure without a report."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


async def turn_of_the_loop() -> None:
    """Let everything else that is ready run once: what long work does between its slices."""
    loop = asyncio.get_running_loop()
    turned: asyncio.Future[None] = loop.create_future()
    loop.call_soon(_complete, turned)
    await turned


def _complete(turned: "asyncio.Future[None]") -> None:
    if not turned.done():
        turned.set_result(None)


async def fail_with(error: Exception) -> None:
    """A task that fails so: its scope tells the owner of what was met outside of any task."""
    raise error


class Scope:
    """Owns the tasks of one host: strong references, failures told at once, an end that waits.

    `on_failure(name, exception)` is called from the loop when a task ends with an exception other
    than its own cancellation. The scope itself goes on: what a failure means is the owner's matter.
    """

    __slots__ = ("_closed", "_on_failure", "_tasks", "name")

    def __init__(self, name: str, on_failure: Callable[[str, BaseException], None]) -> None:
        self.name = name
        self._on_failure = on_failure
        # A dict: tasks hash by identity, and an order that differs each run is no order.
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a task; `name` appears in reports. RuntimeError once the scope is closed."""
        if self._closed:
            coroutine.close()
            raise RuntimeError(f"scope {self.name} is closed, {name} cannot start")
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.name}/{name}")
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Cancel every task and wait until all have ended; failures on the way are reported."""
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            failure = task.exception()
            if failure is not None:
                self._on_failure(task.get_name(), failure)
