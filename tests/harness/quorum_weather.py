"""Storms over a simulated quorum of whole hosts: each seed another course of misfortunes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from harness.quorum_hosts import SimulatedNode, SimulatedQuorum
from minikafka.sim.loop import simulation

# Snapshots after a few records, and of the log only what the newest of them lacks.
SHORT_LOGS = {
    "metadata_log_max_record_bytes_between_snapshots": "1500",
    "metadata_max_retention_bytes": "2000",
}

Scenario = Callable[[SimulatedQuorum], Coroutine[None, None, None]]

STORM_ROUNDS = 12


class Weather:
    """One thing after another goes wrong, or right again."""

    def __init__(self, cluster: SimulatedQuorum) -> None:
        self._cluster = cluster
        self._random = cluster.random
        self._network = cluster.loop.network
        self._cuts: list[tuple[str, str, bool]] = []
        for node in cluster.nodes:
            node.disk.flush_s = 0.0003 * 10 ** (2 * self._draw())

    def _draw(self) -> float:
        return self._random.random()

    async def change(self) -> None:
        draw = self._draw()
        nodes = self._cluster.nodes
        victim = nodes[int(self._draw() * len(nodes))]
        if draw < 0.3:
            victim.crash(power=self._draw() < 0.5)
        elif draw < 0.55:
            self.start()
        elif draw < 0.7:
            self._isolate(victim)
        elif draw < 0.85:
            self.heal()
        elif victim.is_up and draw < 0.9:
            victim.machine.pause()
            await self._cluster.wait(self._draw() * 4)
            victim.machine.resume()
        else:
            victim.stop()

    def start(self) -> None:
        for node in self._cluster.nodes:
            if not node.is_up:
                node.start()

    def _isolate(self, victim: SimulatedNode) -> None:
        both, lose = self._draw() < 0.5, self._draw() < 0.5
        for other in self._cluster.nodes:
            if other is not victim:
                link = victim.machine.name, other.machine.name, both
                self._network.cut(link[0], link[1], both=both, lose=lose)
                self._cuts.append(link)

    def heal(self) -> None:
        for source, target, both in self._cuts:
            self._network.heal(source, target, both=both)
        self._cuts.clear()


async def storm(cluster: SimulatedQuorum) -> None:
    weather = Weather(cluster)
    cluster.start()
    for _ in range(STORM_ROUNDS):
        for _ in range(5):
            cluster.write(1 + int(cluster.random.random() * 3))
            await cluster.wait(cluster.random.random() * 0.4)
        await weather.change()
    weather.heal()
    await cluster.until("nobody is stopping", lambda: not any(n.is_stopping for n in cluster.nodes))
    weather.start()
    await cluster.settle()


def simulate(
    seed: int | str, scenario: Scenario, *, observers: int = 0, **settings: str
) -> SimulatedQuorum:
    """Put three voters and so many observers through a scenario."""
    with simulation(f"quorum {seed}", limit_s=400) as loop:
        cluster = SimulatedQuorum(loop, settings, observers=observers)
        loop.run_until_complete(scenario(cluster))
    return cluster
