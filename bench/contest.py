"""Two brokers, the same rounds in turn: what is compared was measured in the same minutes."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.broker import RunningBroker, Software

from bench.scenario import Figures, Scenario

# Scenario name to contestant name to the figures of each round.
Results = dict[str, dict[str, list[Figures]]]

SETTINGS = {"num.partitions": "1", "auto.create.topics.enable": "false"}


class Contest:
    """Runs scenarios for the contestants, whose names are what the report shows."""

    def __init__(self, contestants: dict[str, Software], rounds: int, directory: Path) -> None:
        self.contestants = contestants
        self.rounds = rounds
        self.directory = directory
        self.results: Results = defaultdict(lambda: defaultdict(list))
        self._started = time.perf_counter()

    def run(self, scenarios: Sequence[Scenario]) -> None:
        if fresh := [scenario for scenario in scenarios if scenario.fresh]:
            self._on_fresh_brokers(fresh)
        if lasting := [scenario for scenario in scenarios if not scenario.fresh]:
            self._on_lasting_brokers(lasting)

    def _on_fresh_brokers(self, scenarios: Sequence[Scenario]) -> None:
        """Every round starts a broker on empty storage and hands it through the scenarios."""
        for number in range(self.rounds):
            for name, software in self._order(number):
                broker = RunningBroker(self.directory / f"{name}-{number}", SETTINGS, software)
                try:
                    if scenarios[0].name != "start":
                        broker.format()
                        broker.start()
                    for scenario in scenarios:
                        self._round(scenario, name, broker)
                finally:
                    broker.kill()

    def _on_lasting_brokers(self, scenarios: Sequence[Scenario]) -> None:
        """Both brokers run all the time, each idle while the other works."""
        with self._running_brokers() as brokers:
            for scenario in scenarios:
                for broker in brokers.values():
                    scenario.prepare(broker)
                for number in range(self.rounds):
                    for name, _ in self._order(number):
                        self._round(scenario, name, brokers[name])
                for broker in brokers.values():
                    scenario.finish(broker)

    @contextmanager
    def _running_brokers(self) -> Iterator[dict[str, RunningBroker]]:
        brokers: dict[str, RunningBroker] = {}
        try:
            for name, software in self.contestants.items():
                broker = RunningBroker(self.directory / name, SETTINGS, software)
                brokers[name] = broker
                broker.format()
                broker.start()
            yield brokers
        finally:
            for broker in brokers.values():
                broker.kill()

    def _order(self, number: int) -> list[tuple[str, Software]]:
        """Who comes first changes with every round."""
        order = list(self.contestants.items())
        return order[::-1] if number % 2 else order

    def _round(self, scenario: Scenario, name: str, broker: RunningBroker) -> None:
        figures = scenario.run(broker)
        self.results[scenario.name][name].append(figures)
        first = scenario.figures[0]
        elapsed = time.perf_counter() - self._started
        print(
            f"{elapsed:6.1f} s  {scenario.name:18} {name:12} "
            f"{first.label}: {figures[first.key]:.4g} {first.unit}",
            file=sys.stderr,
        )
