"""Produce: by batch size, many small requests, and the wait for one acknowledgement."""

import statistics
import time

from harness.broker import RunningBroker

from bench import client, frames
from bench.scenario import Figure, Figures, Scenario, measured

IN_FLIGHT = 8


class ProduceBatches(Scenario):
    """One connection, eight requests in flight, one batch per request, one partition, acks=1.

    `records` None means: as many as fill 16 KiB. Each round has a topic of its own, deleted
    afterwards, so that the disk does not fill.
    """

    def __init__(
        self, name: str, *, record_bytes: int, records: int | None, round_bytes: int
    ) -> None:
        self.name = name
        self.record_bytes = record_bytes
        self.records = records or frames.records_filling(16_384, record_bytes)
        self.round_bytes = round_bytes
        self.new_memory_bytes = round_bytes * 3 // 2
        self.round = 0
        limit = 0.7 if record_bytes < 1000 else 0.4
        batch = f"{self.records} × {record_bytes} B"
        self.figures = (
            Figure("cpu_s_per_gb", f"broker CPU, batches of {batch}", "s/GB", ratio_at_most=limit),
            Figure("user_s_per_gb", "of it in user mode", "s/GB"),
            Figure("mb_per_s", "throughput", "MB/s", more_is_better=True),
            Figure("client_cpu_s_per_gb", "the client's own CPU", "s/GB"),
        )

    def run(self, broker: RunningBroker) -> Figures:
        self.round += 1
        topic = f"{self.name}-{self.round}"
        now_ms = int(time.time() * 1000)
        produce = frames.produce(topic, self.record_bytes, self.records, now_ms)
        count = self.round_bytes // produce.value_bytes
        with broker.connect() as admin:
            admin.create_topic(topic)
            with client.connect(broker.host, broker.port) as connection:
                client.produce_pipelined(connection, produce, IN_FLIGHT, IN_FLIGHT)
                with measured(broker) as watch:
                    client.produce_pipelined(connection, produce, count, IN_FLIGHT)
            stored = admin.end_offset(topic)
            assert stored == (count + IN_FLIGHT) * self.records, f"{stored} records are stored"
            admin.delete_topic(topic)
        wait_until_removed(broker, topic)
        return watch.per_gb(count * produce.value_bytes)


def wait_until_removed(broker: RunningBroker, topic: str) -> None:
    """Until the files are gone: giving their pages back costs 0.1 s/GB, and no later round's."""
    deadline = time.perf_counter() + 60  # Apache Kafka removes nothing in its first 30 s
    while any(broker.log_dir.glob(f"{topic}*")):
        assert time.perf_counter() < deadline, f"{topic} is still on the disk"
        time.sleep(0.02)


class SmallRequests(Scenario):
    """Batches of one 100 B record: eight in flight on one connection, or one on each of many."""

    def __init__(
        self, name: str, *, connections: int, requests: int, ratio_at_most: float | None = None
    ) -> None:
        self.name = name
        self.extra = ratio_at_most is None
        self.connections = connections
        self.requests = requests
        where = f"over {connections} connections" if connections > 1 else "8 in flight"
        self.figures = (
            Figure(
                "cpu_us_per_request",
                f"broker CPU, 1 × 100 B, {where}",
                "µs/request",
                ratio_at_most=ratio_at_most,
            ),
            Figure("requests_per_s", "throughput", "requests/s", more_is_better=True),
            Figure("client_cpu_us_per_request", "the client's own CPU", "µs/request"),
        )

    def prepare(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.create_topic(self.name)

    def run(self, broker: RunningBroker) -> Figures:
        produce = frames.produce(self.name, 100, 1, int(time.time() * 1000))
        connections = [client.connect(broker.host, broker.port) for _ in range(self.connections)]
        with measured(broker) as watch:
            if self.connections == 1:
                client.produce_pipelined(connections[0], produce, self.requests, IN_FLIGHT)
            else:
                client.produce_from_many(connections, produce, self.requests)
        for connection in connections:
            connection.close()
        return {
            "cpu_us_per_request": watch.broker.total_s / self.requests * 1e6,
            "requests_per_s": self.requests / watch.elapsed_s,
            "client_cpu_us_per_request": watch.client_s / self.requests * 1e6,
            "other_cores_busy": watch.others_s / watch.elapsed_s,
        }

    def finish(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.delete_topic(self.name)


class AckLatency(Scenario):
    """One connection, one 100 B record at a time, acks=all: how long until it is acknowledged."""

    name = "latency"
    figures = (
        Figure("p50_ms", "one acked produce at a time, p50", "ms", ratio_at_most=1.0),
        Figure("p99_ms", "p99", "ms", ratio_at_most=1.2),
        Figure("cpu_us_per_request", "broker CPU", "µs/request"),
    )

    def __init__(self, *, requests: int) -> None:
        self.requests = requests

    def prepare(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.create_topic(self.name)

    def run(self, broker: RunningBroker) -> Figures:
        produce = frames.produce(self.name, 100, 1, int(time.time() * 1000), acks=-1)
        with (
            client.connect(broker.host, broker.port) as connection,
            measured(broker) as watch,
        ):
            waits = client.produce_one_at_a_time(connection, produce, self.requests)
        percentiles = statistics.quantiles(waits, n=100)
        return {
            "p50_ms": percentiles[49],
            "p99_ms": percentiles[98],
            "cpu_us_per_request": watch.broker.total_s / self.requests * 1e6,
            "other_cores_busy": watch.others_s / watch.elapsed_s,
        }

    def finish(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.delete_topic(self.name)
