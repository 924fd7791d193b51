"""One round: all trials get ready, the broker is killed or stopped, every call is timed.

The calls begin at random moments within `SPREAD_S`; the broker goes before all of them or at a
random moment among them, by a thread, so that it need not be one at which the loop is idle.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Iterable
from contextlib import AsyncExitStack
from enum import Enum
from typing import NamedTuple

from minikafka_client import ClientError
from sdk_trials.world import Call, Trial, World

SPREAD_S = 0.05
TIMEOUT_MS = (300, 600)
_READY_AT_ONCE = 4
_WATCH_EVERY_S = 0.01
_ATTEMPTS = 5


class Moment(Enum):
    BEFORE = "before"
    WITHIN = "within"


class Outcome(NamedTuple):
    """How late a call returned; `stalled_s` of that the loop had no time for anybody."""

    trial: str
    sign: signal.Signals
    moment: Moment
    late_s: float
    stalled_s: float
    interrupted: bool
    """Whether the call had begun before the broker went, and ended after."""
    fault: str
    """What was raised that a caller does not expect."""


class Watchdog:
    """Adds up how late a timer of the same loop is: the share of the machine in a call's delay."""

    def __init__(self) -> None:
        self.stalled_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._tick()

    def _tick(self) -> None:
        now = self._loop.time()
        if self._due:
            self.stalled_s += max(0.0, now - self._due)
        self._due = now + _WATCH_EVERY_S
        self._timer = self._loop.call_at(self._due, self._tick)

    def so_far(self) -> float:
        return self.stalled_s + max(0.0, self._loop.time() - self._due)

    def stop(self) -> None:
        assert self._timer is not None
        self._timer.cancel()


class Death:
    """Takes the broker away, from a thread, and knows when that was."""

    def __init__(self, world: World, sign: signal.Signals) -> None:
        self.at: float | None = None
        self.sign = sign
        self._pid = world.broker.pid
        self._loop = asyncio.get_running_loop()

    def now(self) -> None:
        self.at = self._loop.time()
        os.kill(self._pid, self.sign)


async def run_round(
    world: World, trials: Iterable[Trial], sign: signal.Signals, moment: Moment
) -> list[Outcome]:
    """Raises what keeps a trial from getting ready. The broker is well again afterwards."""
    watchdog = Watchdog()
    death = Death(world, sign)
    async with AsyncExitStack() as stack:
        at_once = asyncio.Semaphore(_READY_AT_ONCE)
        ready = await asyncio.gather(*(_get_ready(stack, world, at_once, t) for t in trials))
        delay = 0.0
        if moment is Moment.BEFORE:
            death.now()
        else:
            delay = world.random.uniform(0, SPREAD_S)
        thread = threading.Timer(delay, death.now)
        if moment is Moment.WITHIN:
            thread.start()
        begun = [
            _measure(trial, call, timeout_ms, death, moment, watchdog, world)
            for trial, call, timeout_ms in ready
        ]
        outcomes = await asyncio.gather(*begun)
        if moment is Moment.WITHIN:
            await asyncio.to_thread(thread.join)
    watchdog.stop()
    await asyncio.to_thread(_revive, world, sign)
    return outcomes


async def _get_ready(
    stack: AsyncExitStack, world: World, at_once: asyncio.Semaphore, trial: Trial
) -> tuple[Trial, Call, float]:
    async with at_once:
        for attempt in range(_ATTEMPTS):
            timeout_ms = world.random.uniform(*TIMEOUT_MS)
            try:
                call = await stack.enter_async_context(trial.arrange(world, timeout_ms))
                return trial, call, timeout_ms
            except ClientError:  # its timeout was too short for a machine under load
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError


async def _measure(
    trial: Trial,
    call: Call,
    timeout_ms: float,
    death: Death,
    moment: Moment,
    watchdog: Watchdog,
    world: World,
) -> Outcome:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(world.random.uniform(0, SPREAD_S))
    begun, stalled = loop.time(), watchdog.so_far()
    fault = ""
    try:
        await call()
    except (ClientError, TimeoutError):
        pass  # how a call ends is not judged here, only when
    except Exception as error:  # noqa: BLE001 -- reported with all others
        fault = repr(error)
    ended = loop.time()
    interrupted = death.at is not None and begun < death.at < ended
    late_s = ended - begun - timeout_ms / 1000
    return Outcome(
        trial.name, death.sign, moment, late_s, watchdog.so_far() - stalled, interrupted, fault
    )


def _revive(world: World, sign: signal.Signals) -> None:
    if sign == signal.SIGSTOP:
        os.kill(world.broker.pid, signal.SIGCONT)
    else:
        world.broker.kill()
        world.broker.start()
