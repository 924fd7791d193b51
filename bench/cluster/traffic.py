"""What replication costs: acks=all to three replicas, min ISR 2, from the raw client."""

import statistics
import struct
import sys
import threading
import time
from typing import ClassVar

from harness.cluster import RunningCluster
from harness.peer import Peer, Topic, batch_of, fetch_request, records_of

from bench import client, frames
from bench.cluster.scenario import ClusterScenario, Roles, measured, resident_mb
from bench.scenario import Figure, Figures
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState

_RECORD_BYTES = 1024
_IN_FLIGHT = 8
_STAMP = struct.Struct(">q")


def _now_ms() -> int:
    return int(time.time() * 1000)


class ProduceReplicated(ClusterScenario):
    """One connection, eight requests in flight, acks=all, one partition, RF 3, min ISR 2.

    Each round's topic is deleted: memory that the disk's cache takes anew is dear (see
    `machine_memory`).
    """

    warm_up_rounds: ClassVar[int] = 3

    def __init__(
        self, name: str, total_bytes: int, batch_bytes: int, at_most: float | None
    ) -> None:
        self.name = name
        self.new_memory_bytes = 3 * total_bytes * 3 // 2
        self._total_bytes = total_bytes
        self._records = frames.records_filling(batch_bytes, _RECORD_BYTES)
        self.figures = (
            Figure("cpu_s_per_gb", "CPU of the three brokers", "s/GB", at_most),
            Figure("mb_per_s", "throughput", "MB/s", more_is_better=True),
            Figure("client_cpu_s_per_gb", "CPU of the client", "s/GB"),
            Figure("others", "cores busy with other things", ""),
            Figure("rss_mb", "RSS of the three afterwards", "MB"),
        )

    def run(self, cluster: RunningCluster) -> Figures:
        roles = Roles(cluster)
        produce = frames.produce(roles.topic, _RECORD_BYTES, self._records, _now_ms(), acks=-1)
        count = -(-self._total_bytes // produce.value_bytes)
        with client.connect(roles.leader.host, roles.leader.port) as connection:
            client.produce_pipelined(connection, produce, 20, _IN_FLIGHT)
            with measured(cluster) as watch:
                client.produce_pipelined(connection, produce, count, _IN_FLIGHT)
        gigabytes = count * produce.value_bytes / 1e9
        _delete(cluster, roles.topic)
        return {
            "cpu_s_per_gb": watch.brokers_s / gigabytes,
            "mb_per_s": gigabytes * 1000 / watch.elapsed_s,
            "client_cpu_s_per_gb": watch.client_s / gigabytes,
            "others": watch.others_s / watch.elapsed_s,
            "rss_mb": resident_mb(cluster.nodes),
        }


def _delete(cluster: RunningCluster, topic: str) -> None:
    """Delete a topic; its files are gone on return."""
    request = DeleteTopicsRequest(topics=[DeleteTopicState(name=topic)], timeout_ms=10_000)

    def deleted() -> bool:
        (answer,) = cluster.ask(request, 6).responses
        return answer.error_code in (0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

    cluster.until("the topic to be deleted", deleted)
    logs = [node.log_dir for node in cluster.nodes]
    cluster.until("its files to go", lambda: not any(any(log.glob(f"{topic}-*")) for log in logs))


class OneAtATime(ClusterScenario):
    """Records of 100 B, each sent when the one before was acknowledged by all replicas."""

    name = "latency"
    warm_up_rounds: ClassVar[int] = 3
    figures = (
        Figure("p50_ms", "acknowledged, p50", "ms", 1.0),
        Figure("p99_ms", "acknowledged, p99", "ms"),
    )
    _count = 2000

    def run(self, cluster: RunningCluster) -> Figures:
        roles = Roles(cluster)
        produce = frames.produce(roles.topic, 100, 1, _now_ms(), acks=-1)
        with client.connect(roles.leader.host, roles.leader.port) as connection:
            client.produce_one_at_a_time(connection, produce, 50)
            waits = sorted(client.produce_one_at_a_time(connection, produce, self._count))
        return {"p50_ms": statistics.median(waits), "p99_ms": waits[int(len(waits) * 0.99)]}


class EndToEnd(ClusterScenario):
    """1,000 records a second, each in a produce of its own, and a consumer that waits for them."""

    name = "end-to-end"
    warm_up_rounds: ClassVar[int] = 2
    figures = (
        Figure("p50_ms", "produce → consumer, p50", "ms", at_most=5),
        Figure("p99_ms", "produce → consumer, p99", "ms"),
    )
    _count = 4000
    _every_s = 0.001

    def run(self, cluster: RunningCluster) -> Figures:
        roles = Roles(cluster)
        took: list[float] = []
        with roles.leader.peer(30) as fetching, roles.leader.peer(30) as producing:
            consumer = threading.Thread(target=self._consume, args=(fetching, roles.topic, took))
            interval_s = sys.getswitchinterval()
            # Three threads that mostly wait: none of them should wait for another's turn.
            sys.setswitchinterval(0.0002)
            try:
                consumer.start()
                self._produce(Topic(producing, roles.topic))
                consumer.join()
            finally:
                sys.setswitchinterval(interval_s)
        took.sort()
        return {"p50_ms": statistics.median(took), "p99_ms": took[int(len(took) * 0.99)]}

    def _produce(self, topic: Topic) -> None:
        sent = threading.Semaphore(0)

        def acknowledged() -> None:
            for _ in range(self._count):
                sent.acquire()
                (answer,) = topic.peer.receive().responses
                assert answer.partition_responses[0].error_code == 0

        answers = threading.Thread(target=acknowledged)
        answers.start()
        started = time.perf_counter()
        for number in range(self._count):
            if (early := started + number * self._every_s - time.perf_counter()) > 0:
                time.sleep(early)
            value = _STAMP.pack(time.perf_counter_ns()) + b"x" * 92
            topic.peer.send(topic.produce_request({0: batch_of(value)}), 12)
            sent.release()
        answers.join()

    def _consume(self, peer: Peer, name: str, took: list[float]) -> None:
        topic, offset = Topic(peer, name), 0
        while offset < self._count:
            request = fetch_request(topic.fetch_topic({0: offset}), max_wait_ms=500)
            (answered,) = peer.call(request, 12).responses
            (partition,) = answered.partitions
            assert partition.error_code == 0
            now = time.perf_counter_ns()
            for record in records_of(partition.records or b""):
                assert record.value is not None
                took.append((now - _STAMP.unpack_from(record.value)[0]) / 1e6)
                offset = record.offset + 1
