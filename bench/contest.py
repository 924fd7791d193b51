"""Two brokers, the same rounds in turn: what is compared was measured in the same minutes."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.broker import RunningBroker, Software

from bench import machine_memory
from bench.scenario import Figures, Scenario

# Scenario name to contestant name to the figures of each round.
Results = dict[str, dict[str, list[Figures]]]

WARM_UP_AT_MOST_S = 12
SETTINGS = {
    "num.partitions": "1",
    "auto.create.topics.enable": "false",
    # Topics of past rounds leave the page cache before they are written back to the disk, and
    # before the next round is measured (see `ProduceBatches`).
    "log.segment.delete.delay.ms": "200",
    # The cleaner begins when it is given something to do, not up to 15 s later.
    "log.cleaner.backoff.ms": "50",
}


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
                for name, broker in brokers.items():
                    scenario.prepare(broker)
                    self._warm_up(scenario, name, broker)
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

    def _warm_up(self, scenario: Scenario, name: str, broker: RunningBroker) -> None:
        """Rounds that do not count, until two in a row bring nothing: a JVM takes a while."""
        key = scenario.figures[0].key
        best, without_gain, rounds = float("inf"), 0, 0
        until = time.perf_counter() + WARM_UP_AT_MOST_S
        # Three at least: the first may have waited for the files of the scenario before.
        while rounds < 3 or (without_gain < 2 and time.perf_counter() < until):
            machine_memory.touch(scenario.new_memory_bytes)
            figure = scenario.run(broker)[key]
            without_gain = without_gain + 1 if figure > best * 0.93 else 0
            best = min(best, figure)
            rounds += 1
        self._say(f"{scenario.name:18} {name:12} warmed up by {rounds} rounds")

    def _say(self, what: str) -> None:
        print(f"{time.perf_counter() - self._started:6.1f} s  {what}", file=sys.stderr)

    def _round(self, scenario: Scenario, name: str, broker: RunningBroker) -> None:
        machine_memory.touch(scenario.new_memory_bytes)
        figures = scenario.run(broker)
        self.results[scenario.name][name].append(figures)
        first = scenario.figures[0]
        self._say(
            f"{scenario.name:18} {name:12} {first.label}: {figures[first.key]:.4g} {first.unit}"
        )
