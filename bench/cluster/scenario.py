"""A scenario on a cluster of three nodes, and what its rounds measure."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import ClassVar

from harness.cluster import RunningCluster
from harness.cluster_node import Node
from harness.wire import AnswerError

from bench import accounting
from bench.scenario import Figure, Figures

_numbers = count(1)


class ClusterScenario(ABC):
    """Work that a cluster is given once per round."""

    name: str
    figures: tuple[Figure, ...]
    # What a round will have the brokers write, for `machine_memory.touch`.
    new_memory_bytes: int = 0
    # Rounds before the first that counts: a JVM compiles what it runs often.
    warm_up_rounds: ClassVar[int] = 0
    # Every round gets nodes of its own, formatted and not started.
    fresh: ClassVar[bool] = False

    @abstractmethod
    def run(self, cluster: RunningCluster) -> Figures:
        """One round; the values of `figures` by their keys."""


class Roles:
    """Who is what: the controller leads nothing of the topic that a round is about."""

    def __init__(self, cluster: RunningCluster) -> None:
        self.controller = cluster.controller()
        self.leader, self.follower = cluster.others(self.controller)
        # A new one for each round: no log grows from round to round.
        self.topic = f"round-{next(_numbers)}"
        ids = [self.leader.node_id, self.follower.node_id, self.controller.node_id]
        cluster.create_topic(self.topic, assignment=[ids])
        # It may hear of its leadership later than those who tell of it.
        cluster.until("its leader to lead", self._leads)

    def _leads(self) -> bool:
        with self.leader.peer() as peer:
            try:
                peer.end_offset(self.topic)
            except AnswerError:
                return False
        return True


def cpu_s(nodes: list[Node]) -> float:
    return sum(accounting.cpu(node.pid).total_s for node in nodes)


def resident_mb(nodes: list[Node]) -> float:
    return sum(accounting.resident_bytes(node.pid) for node in nodes) / 1e6


class Watch:
    """What passed between the start and the end of a measurement."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.brokers_s = 0.0
        self.client_s = 0.0
        self.others_s = 0.0


@contextmanager
def measured(cluster: RunningCluster) -> Iterator[Watch]:
    """Measure what the body costs all nodes together, this client, and whatever else runs."""
    watch = Watch()
    brokers, machine = cpu_s(cluster.nodes), accounting.machine_busy_s()
    client, started = time.process_time(), time.perf_counter()
    yield watch
    watch.elapsed_s = time.perf_counter() - started
    watch.client_s = time.process_time() - client
    watch.brokers_s = cpu_s(cluster.nodes) - brokers
    busy_s = accounting.machine_busy_s() - machine
    watch.others_s = max(0.0, busy_s - watch.client_s - watch.brokers_s)
