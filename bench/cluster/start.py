"""Three nodes on fresh disks: how long until they take a replicated produce, and what they hold."""

import time
from typing import ClassVar

from harness.cluster import RunningCluster
from harness.cluster_node import Node
from harness.peer import Topic, batch_of

from bench.cluster.scenario import ClusterScenario, cpu_s, resident_mb
from bench.scenario import Figure, Figures
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest

_TOPIC = "first"
_REPLICAS = 3
_IDLE_S = 5.0
_PATIENCE_S = 60.0
_RETRY_S = 0.005


class StartUp(ClusterScenario):
    """The nodes are formatted beforehand. A client creates a topic as soon as it may."""

    name = "start"
    fresh: ClassVar[bool] = True
    figures = (
        Figure("first_s", "exec of three → first acked RF 3 produce", "s", 0.15),
        Figure("cpu_s", "CPU of the three until then", "s"),
        Figure("rss_mb", "RSS of the three, idle", "MB", 0.2),
        Figure("idle_cpu", "CPU of the three, idle", "ms/s"),
    )

    def run(self, cluster: RunningCluster) -> Figures:
        started = time.monotonic()
        for node in cluster.nodes:
            node.spawn()
        deadline = started + _PATIENCE_S
        while not self._produced(cluster):
            assert time.monotonic() < deadline, "nothing is acknowledged"
            time.sleep(_RETRY_S)
        first_s, spent_s = time.monotonic() - started, cpu_s(cluster.nodes)
        cluster.wait_unfenced()
        cluster.wait_in_sync(_TOPIC)
        time.sleep(1)
        before = cpu_s(cluster.nodes)
        time.sleep(_IDLE_S)
        return {
            "first_s": first_s,
            "cpu_s": spent_s,
            "rss_mb": resident_mb(cluster.nodes),
            "idle_cpu": (cpu_s(cluster.nodes) - before) / _IDLE_S * 1000,
        }

    def _produced(self, cluster: RunningCluster) -> bool:
        try:
            found = cluster.partition(_TOPIC)
            if found is None:
                with cluster.nodes[0].peer() as peer:
                    topic = CreatableTopic(
                        name=_TOPIC, num_partitions=1, replication_factor=_REPLICAS
                    )
                    peer.call(CreateTopicsRequest(topics=[topic], timeout_ms=1000), 7)
                return False
            if found.leader_id < 0:
                return False
            return _acknowledged(cluster[found.leader_id])
        except OSError:
            return False


def _acknowledged(leader: Node) -> bool:
    with leader.peer() as peer:
        return bool(Topic(peer, _TOPIC).produce(batch_of(b"x")).error_code == 0)
