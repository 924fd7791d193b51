"""Misfortune, drawn from the seed: one fault after the other, each of them over in the end."""

import asyncio
import errno
from typing import Final

from minikafka.sim.disk import Moment
from minikafka.sim.loop import SimLoop
from minikafka.sim.node import LOG_DIR, BrokerNode
from minikafka.sim.weather import Weather

_MOMENTS: Final[tuple[Moment, ...]] = ("before", "within", "after")
_OPERATIONS_MAX: Final = 60
_RESTART_S: Final = 0.5
_SLOWER: Final = 20


class Nemesis:
    """Draws `weather.fault_count` faults for a broker and its clients' links.

    `struck` counts what happened, for those who want to know whether a seed tried anything.
    """

    def __init__(self, loop: SimLoop, node: BrokerNode, clients: list[str], weather: Weather):
        self._loop = loop
        self._node = node
        self._clients = clients
        self._weather = weather
        self._random = loop.stream("nemesis").random
        self._over = False
        self.struck: dict[str, int] = {}

    async def run(self) -> None:
        """Until all faults have passed and everything works again."""
        for _ in range(self._weather.fault_count):
            await self._pause(self._weather.fault_pause_s)
            kind = self._weather.faults[int(self._random() * len(self._weather.faults))]
            self._loop.note("fault", kind)
            self.struck[kind] = self.struck.get(kind, 0) + 1
            await self._strike(kind)
        self._over = True
        self._calm_down()

    async def keep_running(self) -> None:
        """The service manager: starts the broker whenever it is down, after a while. Runs for
        ever."""
        while True:
            await self._node.down.wait()
            await self._pause(_RESTART_S)
            failure = self._node.failure
            if failure is not None:
                # A disk that has failed is looked after, and its machine is started afresh: after
                # a failed fsync the page cache shows what is not on the platter.
                self._calm_down()
                self._node.before_power_loss()
                self._node.disk.crash(power=True)
            self._node.start()

    async def _strike(self, kind: str) -> None:
        node, disk = self._node, self._node.disk
        if kind in ("kill", "power"):
            node.crash(power=kind == "power")
        elif kind.endswith("at an operation"):
            operation = 1 + int(self._random() * _OPERATIONS_MAX)
            moment = _MOMENTS[int(self._random() * len(_MOMENTS))]
            disk.crash_at(operation, power=kind.startswith("power"), moment=moment)
        elif kind == "clean stop":
            node.stop()
        elif kind == "pause":
            await self._while_paused()
        elif kind in ("cut", "reset"):
            await self._break_links(kind)
        elif kind == "full disk":
            node.is_excused = True
            disk.capacity = disk.used + int(self._random() * 2_000)
            await self._pause(1.0)
            disk.capacity = 1 << 40
        elif kind.startswith("failing"):
            node.is_excused = True
            disk.fail(kind.removeprefix("failing "), LOG_DIR, error=errno.EIO)
        elif kind == "slow disk":
            disk.flush_s *= _SLOWER
            await self._pause(1.0)
            disk.flush_s /= _SLOWER

    async def _while_paused(self) -> None:
        machine = self._node.machine
        paused = machine.process
        if self._node.down.is_set() or paused is None:
            return
        machine.pause()
        await self._pause(1.0)
        if machine.process is paused:
            machine.resume()

    async def _break_links(self, kind: str) -> None:
        network, broker = self._loop.network, self._node.machine.name
        client = self._clients[int(self._random() * len(self._clients))]
        if kind == "reset":
            network.reset(broker, client)
            return
        ends = (broker, client) if self._random() < 0.5 else (client, broker)
        both, lose = self._random() < 0.5, self._random() < 0.5
        network.cut(*ends, both=both, lose=lose)
        await self._pause(3.0)
        network.heal(*ends, both=both)

    def _calm_down(self) -> None:
        self._node.disk.heal()
        if self._over:
            self._node.disk.cancel_crash()

    async def _pause(self, at_most_s: float) -> None:
        await asyncio.sleep(max(0.001, self._random() * at_most_s))
