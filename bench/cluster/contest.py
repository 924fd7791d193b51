"""Two clusters, the same rounds in turn."""

import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.broker import Software
from harness.cluster import RunningCluster

from bench import machine_memory
from bench.cluster.scenario import ClusterScenario
from bench.contest import Results

NODES = 3
SETTINGS = {
    "auto.create.topics.enable": "false",
    # Between rounds nothing moves by itself, in neither of the two.
    "auto.leader.rebalance.enable": "false",
    "log.segment.delete.delay.ms": "200",
}


class ClusterContest:
    """Runs scenarios for the contestants, whose names are what the report shows."""

    def __init__(self, contestants: dict[str, Software], rounds: int, directory: Path) -> None:
        self.results: Results = defaultdict(lambda: defaultdict(list))
        self._contestants = contestants
        self._rounds = rounds
        self._directory = directory
        self._started = time.perf_counter()

    def run(self, scenarios: Sequence[ClusterScenario]) -> None:
        for scenario in scenarios:
            if scenario.fresh:
                self._on_fresh_nodes(scenario)
        if lasting := [scenario for scenario in scenarios if not scenario.fresh]:
            self._on_lasting_nodes(lasting)

    def _on_fresh_nodes(self, scenario: ClusterScenario) -> None:
        """Every round has nodes of its own on empty disks."""
        for number in range(self._rounds):
            for name, software in self._order(number):
                place = self._directory / f"{scenario.name}-{name}-{number}"
                cluster = RunningCluster(place, NODES, SETTINGS, software, first_id=1)
                try:
                    cluster.format()
                    self._round(scenario, name, cluster)
                finally:
                    cluster.kill()
                    shutil.rmtree(place)

    def _on_lasting_nodes(self, scenarios: Sequence[ClusterScenario]) -> None:
        """Both run all the time, each idle while the other works."""
        with self._running() as clusters:
            for scenario in scenarios:
                for name, cluster in clusters.items():
                    for _ in range(scenario.warm_up_rounds):
                        machine_memory.touch(scenario.new_memory_bytes)
                        scenario.run(cluster)
                    self._say(f"{scenario.name:16} {name:12} is warm")
                for number in range(self._rounds):
                    for name, _software in self._order(number):
                        self._round(scenario, name, clusters[name])

    @contextmanager
    def _running(self) -> Iterator[dict[str, RunningCluster]]:
        clusters: dict[str, RunningCluster] = {}
        try:
            for name, software in self._contestants.items():
                cluster = RunningCluster(
                    self._directory / name, NODES, SETTINGS, software, first_id=1
                )
                clusters[name] = cluster
                cluster.format()
                cluster.start()
            yield clusters
        finally:
            for cluster in clusters.values():
                cluster.kill()

    def _order(self, number: int) -> list[tuple[str, Software]]:
        """Who comes first changes with every round."""
        order = list(self._contestants.items())
        return order[::-1] if number % 2 else order

    def _round(self, scenario: ClusterScenario, name: str, cluster: RunningCluster) -> None:
        machine_memory.touch(scenario.new_memory_bytes)
        figures = scenario.run(cluster)
        self.results[scenario.name][name].append(figures)
        shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        self._say(f"{scenario.name:16} {name:12} {shown}")

    def _say(self, what: str) -> None:
        print(f"{time.perf_counter() - self._started:6.1f} s  {what}", file=sys.stderr)
