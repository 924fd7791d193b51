"""The start after a kill -9, with a gibibyte in a thousand partitions."""

import time

from harness.broker import RunningBroker
from harness.peer import Topic, batch_of

from bench import accounting
from bench.scenario import Figure, Figures, Scenario
from bench.storage import traffic
from bench.storage.partitions import until_answered

PARTITIONS = traffic.PARTITIONS_PER_TOPIC
RECORDS = 64
RECORD_BYTES = 16_000
TOPIC = "filled"


class Restart(Scenario):
    """1,000 partitions with 1 MB each in one batch, none of it flushed before the kill."""

    name = "restart"
    fresh = True
    new_memory_bytes = RECORDS * RECORD_BYTES * PARTITIONS
    figures = (
        Figure("first_s", "exec → first partition answers after kill -9", "s", 1.0),
        Figure("all_s", "exec → all partitions answer", "s", 1.0),
        Figure("cpu_s", "CPU of the broker until then", "s"),
        Figure("rss_mb", "RSS then", "MB"),
        Figure("clean_s", "exec → all partitions answer after a clean stop", "s", 1.0),
    )

    def run(self, broker: RunningBroker) -> Figures:
        batch = batch_of(*[b"x" * RECORD_BYTES] * RECORDS)
        with traffic.connect(broker) as peer:
            traffic.create(peer, TOPIC, PARTITIONS)
            topic = Topic(peer, TOPIC)
            for index in range(PARTITIONS):
                traffic.produce_when_ready(topic, index, batch)
        broker.kill()
        first_s, all_s = self._start(broker)
        figures = {
            "first_s": first_s,
            "all_s": all_s,
            "cpu_s": accounting.cpu(broker.pid).total_s,
            "rss_mb": accounting.resident_bytes(broker.pid) / 1e6,
        }
        broker.stop(timeout_s=120)
        _, figures["clean_s"] = self._start(broker)
        return figures

    def _start(self, broker: RunningBroker) -> tuple[float, float]:
        started = time.perf_counter()
        broker.start(traffic.TIMEOUT_S, until_listed=False)
        until_answered(broker, TOPIC, 1)
        first_s = time.perf_counter() - started
        until_answered(broker, TOPIC, PARTITIONS)
        return first_s, time.perf_counter() - started
