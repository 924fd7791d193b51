"""The event loop of a simulation: tasks, futures, executor and connections over the scheduler.

Written on `AbstractEventLoop` directly: the scheduler of `BaseEventLoop` is private, knows one
queue for all, and cannot move a float clock beyond 2**24 seconds.
"""

import asyncio
import gc
import math
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

from minikafka.sim.handle import SimHandle, SimTask
from minikafka.sim.network import Network, SimServer
from minikafka.sim.process import PROCESS, Machine, Process
from minikafka.sim.scheduler import Order, Scheduler

T = TypeVar("T")

ExceptionHandler = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]

_EXECUTOR_S: Final = 1e-3
_TASKS_TOLD: Final = 20
_TASKS_SWEPT_FROM: Final = 64


class SimLoop(Scheduler, asyncio.AbstractEventLoop):
    """One scenario's loop; use `simulation`. `errors` are the failures that nobody handled."""

    def __init__(
        self, seed: int | str = 0, *, order: Order = "hosts", limit_s: float = math.inf
    ) -> None:
        super().__init__(seed, order, limit_s)
        self.errors: list[dict[str, Any]] = []
        self.machines: dict[str, Machine] = {}
        self.network = Network(self)
        self._executor_random = self.stream("executor").random
        self._tasks = 0
        self._generators: list[object] = []
        self._handler: ExceptionHandler | None = None
        self._running = False
        self._stopping = False
        outside = Machine(self, "outside")
        self.outside = self.current = outside.process = Process(self, outside)

    def machine(self, name: str) -> Machine:
        """The machine of that name, made when first asked for."""
        if name not in self.machines:
            self.machines[name] = Machine(self, name)
        return self.machines[name]

    # -- running ----------------------------------------------------------------------------------

    def run_forever(self) -> None:
        """Run until `stop`."""
        hooks = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(firstiter=self._generators.append, finalizer=_forget)
        self._running = True
        try:
            while not self._stopping:
                self.step()
        finally:
            self._stopping = self._running = False
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def run_until_complete(self, future: Any) -> Any:
        """The result of a coroutine or future, which runs in no machine."""
        if not asyncio.isfuture(future):
            future = self.outside.context.copy().run(self.create_task, future)
        future.add_done_callback(lambda _: self.stop())
        self.run_forever()
        return future.result()

    def stop(self) -> None:
        """Leave `run_forever` after this callback."""
        self._stopping = True

    def is_running(self) -> bool:
        """Whether callbacks run."""
        return self._running

    def is_closed(self) -> bool:
        """Whether the scenario is over."""
        return self._closed

    def close(self) -> None:
        """End of all processes. Only now are the dead unwound, when nothing they do has effect."""
        for machine in self.machines.values():
            machine.crash(power=False)
        self.bury(self.outside)
        self._closed = True
        hook = sys.unraisablehook
        sys.unraisablehook = _forget
        for buried in self._morgue:
            for task in buried.tasks if isinstance(buried, Process) else ():
                _unwind(task)
        self._morgue.clear()
        self._timers.clear()
        self._generators.clear()
        sys.unraisablehook = hook

    async def shutdown_asyncgens(self) -> None:
        """Nothing: generators are closed by whom they belong to."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncio's interface
        """Nothing: there are no threads."""

    # -- tasks and futures ------------------------------------------------------------------------

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # generators are no coroutines any more
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **_: Any,
    ) -> asyncio.Task[T]:
        """Start a coroutine in the process of the context."""
        self._tasks += 1
        task = SimTask(coro, self._tasks, loop=self, name=name, context=context)
        process = (context or copy_context()).get(PROCESS) or self.outside
        tasks = process.tasks
        tasks.append(task)
        # Swept whenever its length has doubled.
        if len(tasks) >= _TASKS_SWEPT_FROM and len(tasks) & (len(tasks) - 1) == 0:
            tasks[:] = [each for each in tasks if not each.done()]
        return task

    def run_in_executor(  # type: ignore[override]  # executors are all one here
        self, executor: object, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """It takes effect at one moment, its result arrives at a later one; a crash may fall
        between."""
        future: asyncio.Future[T] = self.create_future()
        process = self.current

        def work() -> None:
            if process.dead:
                return
            deliver: Callable[[], None]
            try:
                result = process.context.copy().run(func, *args)
            except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets it
                failure = error
                deliver = lambda: future.set_exception(failure)  # noqa: E731  # as its sibling
            else:
                deliver = lambda: future.set_result(result)  # noqa: E731  # two words
            self.at(self.now + self._executor_random() * _EXECUTOR_S, arrive, deliver)

        def arrive(deliver: Callable[[], None]) -> None:
            if not process.dead and not future.done():
                deliver()

        self.at(self.now + self._executor_random() * _EXECUTOR_S, work)
        return future

    # -- errors -----------------------------------------------------------------------------------

    def failed(self, process: Process, handle: SimHandle, error: BaseException) -> None:
        """A callback has raised: told like any other failure, unless its process has died of it."""
        if not process.dead:
            message = f"{handle!r} of {process.machine.name} failed"
            self.call_exception_handler({"message": message, "exception": error})

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Remember it; a scenario with errors has failed."""
        if self._handler is not None:
            self._handler(self, context)
        else:
            self.errors.append(context)

    def set_exception_handler(self, handler: ExceptionHandler | None) -> None:
        """Give errors to somebody else."""
        self._handler = handler

    def get_debug(self) -> bool:
        """No: debug mode measures real time."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """Nothing, see `get_debug`."""

    def waiting(self) -> str:
        """The tasks that wait, for messages."""
        processes = [self.outside, *(m.process for m in self.machines.values() if m.process)]
        tasks = [
            f"{process.machine.name}: {task.get_name()}"
            for process in processes
            for task in process.tasks
            if not task.done()
        ]
        names = ", ".join(tasks[:_TASKS_TOLD])
        return f"seed {self.seed}, {self.now:.3f} s, {len(tasks)} tasks wait: {names}"

    # -- connections ------------------------------------------------------------------------------

    async def create_server(  # type: ignore[override]  # no sockets, no TLS
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | None = None,
        port: int | None = None,
        *,
        start_serving: bool = True,
        **_: Any,
    ) -> SimServer:
        """Take a port of this machine and, with `start_serving`, accept."""
        server = self.network.listen(self.current, protocol_factory, host, port or 0)
        server.serving = start_serving
        return server

    async def create_connection(  # type: ignore[override]  # no sockets, no TLS
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | None = None,
        port: int | None = None,
        **_: Any,
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to (machine, port)."""
        assert host is not None, "a machine's name"
        assert port is not None, "a port"
        future = self.create_future()
        self.network.connect(self.current, protocol_factory, host, port, future)
        connected: tuple[asyncio.Transport, asyncio.BaseProtocol] = await future
        return connected


@contextmanager
def simulation(
    seed: int | str = 0, *, order: Order = "hosts", limit_s: float = math.inf
) -> Iterator[SimLoop]:
    """A loop for one scenario. The cyclic collector rests: its moments depend on what else there is
    in the interpreter."""
    was_enabled = gc.isenabled()
    gc.disable()
    loop = SimLoop(seed, order=order, limit_s=limit_s)  # type: ignore[abstract]  # the rest is absent
    try:
        yield loop
    finally:
        loop.close()
        if was_enabled:
            gc.enable()


def _unwind(task: asyncio.Task[Any]) -> None:
    """Close what a task has not finished, so that no collector has to."""
    if task.done():
        if not task.cancelled():
            task.exception()  # asked for, or it would be told as forgotten
        return
    coroutine = task.get_coro()
    try:
        if coroutine is not None:
            coroutine.close()
    except BaseException as error:  # noqa: BLE001  # what the dead say has no effect
        _forget(error)


def _forget(_: object) -> None:
    """What the dead have to say."""
