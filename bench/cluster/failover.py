"""kill -9 of one node: how long nothing is acknowledged, and how long until it is back."""

import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import ClassVar

from cluster_kills.writer import Writer
from harness.cluster import RunningCluster
from harness.cluster_node import Node
from harness.peer import Peer, Topic, batch_of

from bench.cluster.scenario import ClusterScenario, Roles
from bench.scenario import Figure, Figures
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest

_EVERY_S = 0.02
_PARKED_S = 20.0
_CALM_S = 2.0
_WRITER_RATE = 200
# Longer than any wait of Apache Kafka's, shorter than a hang.
_PATIENCE_S = 60.0


class Probe:
    """One produce after the other, acks=all, `_EVERY_S` apart; `acked` has when each succeeded."""

    def __init__(self, cluster: RunningCluster, topic: str) -> None:
        self._cluster = cluster
        self._topic = topic
        self._batch = batch_of(b"x" * 100)
        self._stopped = threading.Event()
        self.acked = [time.monotonic()]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._leader().peer(_PARKED_S) as peer:
                    self._produce(Topic(peer, self._topic))
            except OSError:
                pass  # The leader is gone, or nobody answers: look for the next one.
            self._stopped.wait(_EVERY_S)

    def _leader(self) -> Node:
        found = self._cluster.partition(self._topic)
        if found is None or found.leader_id < 0:
            raise ConnectionError("nobody leads")
        return self._cluster[found.leader_id]

    def _produce(self, topic: Topic) -> None:
        while not self._stopped.is_set():
            if topic.produce(self._batch).error_code:
                return  # It leads no longer, or too few replicas are in sync.
            self.acked.append(time.monotonic())
            self._stopped.wait(_EVERY_S)

    def longest_gap_ms(self, since: float) -> float:
        """Between two acknowledgements of which the second came after `since`."""
        pairs = pairwise(self.acked)
        return max((after - before) * 1000 for before, after in pairs if after > since)

    def wait_for_one_after(self, moment: float) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while self.acked[-1] <= moment:
            assert time.monotonic() < deadline, f"nothing acknowledged for {_PATIENCE_S} s"
            time.sleep(0.005)

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


def metadata_back_ms(cluster: RunningCluster, since: float) -> float:
    """Until one of the living nodes has a topic created."""
    number = 0
    while True:
        for node in cluster.living():
            try:
                with node.peer(1.0) as peer:
                    number += 1
                    if _creates(peer, f"after-{since:.3f}-{number}"):
                        return (time.monotonic() - since) * 1000
            except OSError:
                continue
        assert time.monotonic() < since + _PATIENCE_S, "no topic can be created"
        time.sleep(_EVERY_S)


def _creates(peer: Peer, name: str) -> bool:
    topic = CreatableTopic(name=name, num_partitions=1, replication_factor=1)
    (answer,) = peer.call(CreateTopicsRequest(topics=[topic], timeout_ms=500), 7).topics
    return bool(answer.error_code == 0)


class Failover(ClusterScenario):
    """One partition with RF 3, min ISR 2, under two clients; kill -9 of one node, then its start.

    Default settings: Apache Kafka notices by its session of 9 s.
    """

    who: ClassVar[str]
    figures = (
        Figure("gap_ms", "nothing acknowledged (probe every 20 ms)", "ms", at_most=1000),
        Figure("librdkafka_ms", "nothing acknowledged to librdkafka", "ms"),
        Figure("metadata_ms", "kill → a topic can be created", "ms", at_most=1000),
        Figure("rejoin_s", "exec → in the ISR again", "s", 0.5),
    )

    def __init__(self) -> None:
        self.name = f"kill-{self.who}"

    def run(self, cluster: RunningCluster) -> Figures:
        roles = Roles(cluster)
        victim: Node = getattr(roles, self.who)
        writer = Writer("confluent", cluster.bootstrap, roles.topic, 1, _WRITER_RATE)
        probe = Probe(cluster, roles.topic)
        try:
            self._calm(lambda: writer.acked > 0)
            probe.wait_for_one_after(time.monotonic())
            writer.longest_gap_ms()
            killed = time.monotonic()
            victim.kill()
            metadata_ms = metadata_back_ms(cluster, killed)
            # Whatever waits for the dead one has waited by now: a follower's death is felt late.
            cluster.wait_in_sync(roles.topic, count=2)
            probe.wait_for_one_after(time.monotonic())
            time.sleep(_CALM_S)
            gap_ms = probe.longest_gap_ms(killed)
            librdkafka_ms = writer.longest_gap_ms()
        finally:
            probe.stop()
            writer.kill()
        started = time.monotonic()
        victim.spawn()
        cluster.wait_in_sync(roles.topic)
        rejoin_s = time.monotonic() - started
        cluster.wait_unfenced()
        return {
            "gap_ms": gap_ms,
            "librdkafka_ms": librdkafka_ms or 0.0,
            "metadata_ms": metadata_ms,
            "rejoin_s": rejoin_s,
        }

    def _calm(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, "librdkafka gets nothing acknowledged"
            time.sleep(0.01)
        time.sleep(_CALM_S)


class KillLeader(Failover):
    who = "leader"


class KillFollower(Failover):
    who = "follower"


class KillController(Failover):
    who = "controller"
