"""What a scenario is, and what its rounds measure."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Protocol

from harness.broker import RunningBroker

from bench import accounting

Figures = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """One row of the report: a measured value, and the promise made about it, if any.

    `ratio_at_most` bounds subject over reference, `at_most` the subject's own median.
    """

    key: str
    label: str
    unit: str
    ratio_at_most: float | None = None
    at_most: float | None = None
    more_is_better: bool = False


class Reported(Protocol):
    """What the report has to know of a scenario."""

    name: str
    figures: tuple[Figure, ...]


class Scenario(ABC):
    """Work that a broker is given once per round; it may keep what it made on each broker."""

    name: str
    figures: tuple[Figure, ...]
    # What a round will have the broker write, for `machine_memory.touch`.
    new_memory_bytes: int = 0
    # An extra scenario runs only when it is asked for by name.
    extra: bool = False
    # A scenario with a fresh broker gets a newly started one for every round.
    fresh: ClassVar[bool] = False

    def prepare(self, broker: RunningBroker) -> None:  # noqa: B027  # most need nothing
        """Before the first round on this broker: topics, data."""

    @abstractmethod
    def run(self, broker: RunningBroker) -> Figures:
        """One round; the values of `figures` by their keys."""

    def finish(self, broker: RunningBroker) -> None:  # noqa: B027  # most leave nothing
        """After the last round on this broker: leave no load behind for the next scenario."""


class Stopwatch:
    """What passed between the start and the end of a measurement."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.broker = accounting.Cpu(0, 0)
        self.client_s = 0.0
        self.others_s = 0.0
        self.page_faults = 0

    def per_gb(self, value_bytes: int) -> Figures:
        """The usual figures of a scenario that moves bytes (GB and MB are powers of ten)."""
        gigabytes = value_bytes / 1e9
        return {
            "cpu_s_per_gb": self.broker.total_s / gigabytes,
            "user_s_per_gb": self.broker.user_s / gigabytes,
            "mb_per_s": value_bytes / 1e6 / self.elapsed_s,
            "client_cpu_s_per_gb": self.client_s / gigabytes,
            "page_faults_per_mb": self.page_faults / value_bytes * 1e6,
            "other_cores_busy": self.others_s / self.elapsed_s,
        }


@contextmanager
def measured(broker: RunningBroker) -> Iterator[Stopwatch]:
    """Measure what the body costs the broker, this client, and whatever else is running."""
    watch = Stopwatch()
    faults_before = accounting.page_faults(broker.pid)
    broker_before = accounting.cpu(broker.pid)
    machine_before = accounting.machine_busy_s()
    client_before = time.process_time()
    started = time.perf_counter()
    yield watch
    watch.elapsed_s = time.perf_counter() - started
    watch.client_s = time.process_time() - client_before
    watch.broker = accounting.cpu(broker.pid).since(broker_before)
    watch.page_faults = accounting.page_faults(broker.pid) - faults_before
    busy_s = accounting.machine_busy_s() - machine_before
    watch.others_s = max(0.0, busy_s - watch.client_s - watch.broker.total_s)
