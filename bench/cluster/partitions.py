"""Many replicated partitions: until each takes a produce, what they hold, one broker's return."""

import time
from contextlib import ExitStack
from typing import ClassVar

from harness.cluster import RunningCluster
from harness.peer import Peer, Topic, batch_of

from bench.cluster.scenario import ClusterScenario, cpu_s, resident_mb
from bench.scenario import Figure, Figures
from bench.storage import traffic

_PER_TOPIC = traffic.PARTITIONS_PER_TOPIC
_PER_REQUEST = 100
_PATIENCE_S = 600.0
_RETRY_S = 0.05


class ReplicatedPartitions(ClusterScenario):
    """Topics of a thousand partitions, RF 3, made one after the other."""

    fresh: ClassVar[bool] = True

    def __init__(self, count: int) -> None:
        self.name = f"partitions-{count}"
        self._names = [f"t{number}" for number in range(count // _PER_TOPIC)]
        self.figures = (
            Figure("created_s", "CreateTopics → all in sync", "s", 0.5),
            Figure("produced_s", "then each took a produce, 100 in a request", "s"),
            Figure("cpu_s", "CPU of the three for both", "s"),
            Figure("rss_mb", "RSS of the three", "MB", 0.4),
            Figure("led_s", "kill -9 of one → all are led by others", "s"),
            Figure("back_s", "its start → all in sync", "s"),
            Figure("rss_after_mb", "RSS of the three then", "MB"),
        )

    def run(self, cluster: RunningCluster) -> Figures:
        cluster.start()
        before, started = cpu_s(cluster.nodes), time.monotonic()
        for name in self._names:
            self._create(cluster, name)
        self._until(cluster, in_sync=3)
        figures = {"created_s": time.monotonic() - started}
        started = time.monotonic()
        self._produce_to_each(cluster)
        figures |= {
            "produced_s": time.monotonic() - started,
            "cpu_s": cpu_s(cluster.nodes) - before,
            "rss_mb": resident_mb(cluster.nodes),
        }
        victim = cluster.others(cluster.controller())[0]
        started = time.monotonic()
        victim.kill()
        self._until(cluster, in_sync=2)
        figures["led_s"] = time.monotonic() - started
        started = time.monotonic()
        victim.spawn()
        self._until(cluster, in_sync=3)
        figures["back_s"] = time.monotonic() - started
        figures["rss_after_mb"] = resident_mb(cluster.nodes)
        return figures

    def _create(self, cluster: RunningCluster, name: str) -> None:
        with cluster.nodes[0].peer(traffic.TIMEOUT_S) as peer:
            traffic.create(peer, name, _PER_TOPIC, replicas=3)

    def _until(self, cluster: RunningCluster, in_sync: int) -> None:
        """Until every partition has a leader and so many replicas in sync."""
        deadline = time.monotonic() + _PATIENCE_S
        for name in self._names:
            while not self._is(cluster, name, in_sync):
                assert time.monotonic() < deadline, f"{name}: not {in_sync} in sync"
                time.sleep(_RETRY_S)

    def _is(self, cluster: RunningCluster, name: str, in_sync: int) -> bool:
        try:
            (topic,) = cluster.metadata(name).topics
        except OSError:
            return False
        return len(topic.partitions) == _PER_TOPIC and all(
            each.leader_id >= 0 and len(each.isr_nodes) == in_sync for each in topic.partitions
        )

    def _produce_to_each(self, cluster: RunningCluster) -> None:
        batch = batch_of(b"x" * 100)
        with ExitStack() as stack:
            peers: dict[int, Peer] = {
                node.node_id: stack.enter_context(node.peer(traffic.TIMEOUT_S))
                for node in cluster.nodes
            }
            for name in self._names:
                (topic,) = cluster.metadata(name).topics
                led: dict[int, list[int]] = {node_id: [] for node_id in peers}
                for partition in topic.partitions:
                    led[partition.leader_id].append(partition.partition_index)
                for node_id, indexes in led.items():
                    leading = Topic(peers[node_id], name)
                    for at in range(0, len(indexes), _PER_REQUEST):
                        produce_to_all(leading, indexes[at : at + _PER_REQUEST], batch)


def produce_to_all(topic: Topic, indexes: list[int], batch: bytes) -> None:
    """One request with a batch for each of the partitions, acks=all, until all have taken it."""
    deadline = time.monotonic() + traffic.TIMEOUT_S
    while indexes:
        assert time.monotonic() < deadline, f"{topic.name}: {indexes} take nothing"
        request = topic.produce_request(dict.fromkeys(indexes, batch), timeout_ms=30_000)
        (answer,) = topic.peer.call(request, 12).responses
        indexes = [each.index for each in answer.partition_responses if each.error_code]
