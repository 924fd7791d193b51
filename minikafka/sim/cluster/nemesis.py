"""Carries out a schedule of faults on a cluster; all of them are over in the end."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final

from minikafka.metadata.image import NO_LEADER
from minikafka.sim.cluster.climate import Climate
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka.sim.cluster.schedule import Fault
from minikafka.sim.cluster.verdict import Verdict
from minikafka.sim.disk import Moment
from minikafka.sim.loop import SimLoop
from minikafka.sim.node import LOG_DIR, BrokerNode

_MOMENTS: Final[tuple[Moment, ...]] = ("before", "within", "after")
_OPERATIONS_MAX: Final = 60
_SLOWER: Final = 20
_MANY_BYTES: Final = 1 << 40

Pair = tuple[str, str]


class Nemesis:
    """`struck` counts faults by kind; `clients` are machines whose links may be cut."""

    def __init__(
        self,
        loop: SimLoop,
        nodes: dict[int, BrokerNode],
        metadata: MetadataTruth,
        climate: Climate,
        verdict: Verdict,
    ) -> None:
        self._loop = loop
        self._nodes = nodes
        self.clients: list[str] = []
        self._metadata = metadata
        self._climate = climate
        self._verdict = verdict
        self._over = False
        self.struck: dict[str, int] = {}

    async def run(self, schedule: list[Fault]) -> None:
        """Until all faults have passed and the world is whole again."""
        running = []
        for fault in schedule:
            await asyncio.sleep(max(0.001, fault.at_s - self._loop.time()))
            self._loop.note("fault", str(fault))
            self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
            running.append(self._loop.create_task(self._strike(fault)))
        for task in running:
            await task
        self._over = True
        for node in self._nodes.values():
            node.disk.heal()
            node.disk.cancel_crash()

    async def keep_running(self, node: BrokerNode) -> None:
        """The service manager of one node: starts it whenever it is down. Runs for ever."""
        random = self._loop.stream(f"service {node.machine.name}").random
        while True:
            await node.down.wait()
            await asyncio.sleep(max(0.001, random() * self._climate.restart_s))
            if node.failure is not None:
                # A disk that has failed is looked after, and its machine is started afresh: after
                # a failed fsync the page cache shows what is not on the platter.
                node.disk.heal()
                node.before_power_loss()
                node.disk.crash(power=True)
                node.after_crash(True)
            self._verdict.tell(f"{node.machine.name} starts")
            node.start()

    # -- whom -------------------------------------------------------------------------------------

    def _victim(self, fault: Fault, random: Callable[[], float]) -> BrokerNode:
        image, nodes = self._metadata.image, list(self._nodes)
        found = NO_LEADER
        partitions = [(topic.name, p) for topic, _, p in image.partitions()]
        own = [p for name, p in partitions if name.startswith("__")]
        others = [p for name, p in partitions if not name.startswith("__")]
        if fault.target == "controller" and self._metadata.leaders:
            found = self._metadata.leaders[max(self._metadata.leaders)]
        elif fault.target == "coordinator" and own:
            found = own[int(random() * len(own))].leader
        elif fault.target == "leader" and others:
            found = others[int(random() * len(others))].leader
        elif fault.target == "follower" and others:
            chosen = others[int(random() * len(others))]
            followers = [node for node in chosen.replicas if node != chosen.leader]
            found = followers[int(random() * len(followers))] if followers else NO_LEADER
        if found not in self._nodes:
            found = nodes[int(random() * len(nodes))]
        return self._nodes[found]

    # -- what -------------------------------------------------------------------------------------

    async def _strike(self, fault: Fault) -> None:
        random = Random(f"{self._loop.seed}/fault {fault.number}").random
        node = self._victim(fault, random)
        machine, kind = node.machine.name, fault.kind
        self._loop.note("strikes", kind, machine)
        self._verdict.tell(f"{kind} of {machine} (fault {fault.number}, {fault.for_s:.2f} s)")
        strike: dict[str, Callable[[], Awaitable[None]]] = {
            "pause": lambda: self._while_paused(node, fault.for_s),
            "cut": lambda: self._while_cut(self._one_link(machine, random), fault, random),
            "isolate": lambda: self._while_cut(self._around(machine), fault, random),
            "split": lambda: self._while_cut(self._split(random), fault, random),
            "cut client": lambda: self._while_cut(
                self._client_link(machine, random), fault, random
            ),
            "slow link": lambda: self._while_slow(machine, fault, random),
            "full disk": lambda: self._while_full(node, fault, random),
            "slow disk": lambda: self._while_slow_disk(node, fault.for_s),
        }
        if kind in strike:
            await strike[kind]()
        elif kind in ("kill", "power"):
            node.crash(power=kind == "power")
        elif kind in ("kill all", "power all"):
            for each in self._nodes.values():
                each.crash(power=kind == "power all")
                await asyncio.sleep(max(0.001, random() * fault.draw * 0.2))
        elif kind.endswith("at an operation"):
            operation = 1 + int(random() * _OPERATIONS_MAX)
            moment = _MOMENTS[int(random() * len(_MOMENTS))]
            node.disk.crash_at(operation, power=kind.startswith("power"), moment=moment)
        elif kind == "clean stop":
            node.stop()
        elif kind == "reset":
            for other in self._others(machine):
                self._loop.network.reset(machine, other)
        elif kind.startswith("failing"):
            node.is_excused = True
            node.disk.fail(kind.removeprefix("failing "), LOG_DIR, error=errno.EIO)
        else:
            assert kind == "wall jump", kind
            node.machine.wall_offset_s += (random() - 0.5) * 7_200

    def _others(self, machine: str) -> list[str]:
        return [n.machine.name for n in self._nodes.values() if n.machine.name != machine]

    def _one_link(self, machine: str, random: Callable[[], float]) -> list[Pair]:
        others = self._others(machine)
        if not others:
            return []
        pair = (machine, others[int(random() * len(others))])
        return [pair if random() < 0.5 else (pair[1], pair[0])]

    def _client_link(self, machine: str, random: Callable[[], float]) -> list[Pair]:
        client = self.clients[int(random() * len(self.clients))]
        return [(machine, client) if random() < 0.5 else (client, machine)]

    def _around(self, machine: str) -> list[Pair]:
        """From the other nodes; clients still reach it."""
        return [(machine, other) for other in self._others(machine)]

    def _split(self, random: Callable[[], float]) -> list[Pair]:
        machines = [node.machine.name for node in self._nodes.values()]
        side = [machine for machine in machines if random() < 0.5]
        rest = [machine for machine in machines if machine not in side]
        return [(one, other) for one in side for other in rest]

    async def _while_cut(
        self, pairs: list[Pair], fault: Fault, random: Callable[[], float]
    ) -> None:
        network, both, lose = self._loop.network, fault.draw < 0.6, random() < 0.4
        for pair in pairs:
            network.cut(*pair, both=both, lose=lose)
        await asyncio.sleep(fault.for_s)
        for pair in pairs:
            network.heal(*pair, both=both)

    async def _while_slow(self, machine: str, fault: Fault, random: Callable[[], float]) -> None:
        others = self._others(machine)
        directions = [*((machine, other) for other in others), *((o, machine) for o in others)]
        links = [self._loop.network.link(*ends) for ends in directions if random() < 0.5]
        slower_s = fault.draw * 0.4
        for link in links:
            link.latency_s += slower_s
        await asyncio.sleep(fault.for_s)
        for link in links:
            link.latency_s -= slower_s

    async def _while_paused(self, node: BrokerNode, for_s: float) -> None:
        paused = node.machine.process
        if node.down.is_set() or paused is None:
            return
        node.machine.pause()
        await asyncio.sleep(for_s)
        if node.machine.process is paused and not paused.dead:
            node.machine.resume()

    async def _while_full(
        self, node: BrokerNode, fault: Fault, random: Callable[[], float]
    ) -> None:
        node.is_excused = True
        node.disk.capacity = node.disk.used + int(random() * 2_000)
        await asyncio.sleep(fault.for_s)
        node.disk.capacity = _MANY_BYTES

    async def _while_slow_disk(self, node: BrokerNode, for_s: float) -> None:
        node.disk.flush_s *= _SLOWER
        await asyncio.sleep(for_s)
        node.disk.flush_s /= _SLOWER
