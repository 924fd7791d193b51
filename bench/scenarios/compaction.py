"""Compaction: how fast a log is compacted, and what that does to somebody else's produce."""

import random
import statistics
import time
from collections.abc import Callable

from harness.broker import RunningBroker
from harness.contents import Written, produce
from harness.peer import Peer

from bench import client, frames
from bench.scenario import Figure, Figures, Scenario, measured
from bench.scenarios.produce import wait_until_removed
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

TOPIC_RESOURCE = 2
SET = 0
PATIENCE_S = 120
LATENCY_PROBES = 1_000


class Compaction(Scenario):
    """A log of keyed records, each key many times, becomes a compacted topic's.

    Twice: with nothing else to do (MB/s of log, until the cleaner's checkpoint says so), and while
    one 100 B record at a time is produced elsewhere, whose waits are compared with those before.
    """

    name = "compaction"
    extra = True

    def __init__(self, *, record_bytes: int, records: int, keys: int) -> None:
        self.record_bytes = record_bytes
        self.records = records
        self.keys = keys
        self.new_memory_bytes = 3 * record_bytes * records
        self.round = 0
        self.figures = (
            Figure(
                "mb_per_s",
                f"log of {record_bytes} B values, {records // keys} per key",
                "MB/s",
                more_is_better=True,
            ),
            Figure("cpu_s_per_gb", "broker CPU", "s/GB"),
            Figure("before_p99_ms", "one acked produce at a time before, p99", "ms"),
            Figure("p50_ms", "during compaction, p50", "ms"),
            Figure("p99_ms", "during compaction, p99", "ms"),
            Figure("beside_mb_per_s", "compaction meanwhile", "MB/s", more_is_better=True),
        )

    def prepare(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.create_topic("beside-compaction")

    def run(self, broker: RunningBroker) -> Figures:
        self.round += 1
        probe = frames.produce("beside-compaction", 100, 1, int(time.time() * 1000))
        alone, beside = f"alone-{self.round}", f"beside-{self.round}"
        size = self._fill(broker, alone)
        with measured(broker) as watch:
            self._compact(broker, alone, lambda: time.sleep(0.002))
        self._remove(broker, alone)
        size_beside = self._fill(broker, beside)
        waits: list[float] = []
        with client.connect(broker.host, broker.port) as connection:
            before = client.produce_one_at_a_time(connection, probe, LATENCY_PROBES)

            def ask() -> None:
                waits.extend(client.produce_one_at_a_time(connection, probe, 20))

            elapsed_s = self._compact(broker, beside, ask)
        self._remove(broker, beside)
        percentiles = statistics.quantiles(waits, n=100)
        return {
            "mb_per_s": size / 1e6 / watch.elapsed_s,
            "cpu_s_per_gb": watch.broker.total_s / size * 1e9,
            "before_p99_ms": statistics.quantiles(before, n=100)[98],
            "p50_ms": percentiles[49],
            "p99_ms": percentiles[98],
            "beside_mb_per_s": size_beside / 1e6 / elapsed_s,
            "other_cores_busy": watch.others_s / watch.elapsed_s,
        }

    def _fill(self, broker: RunningBroker, topic: str) -> int:
        """A topic that is not compacted yet; the bytes of its log that could be."""
        with broker.connect() as admin:
            admin.create_topic(topic, configs={"segment.bytes": str(16 << 20)})
        draw = random.Random(self.round)
        value = draw.randbytes(self.record_bytes)
        records = [
            Written(b"key-%08d" % draw.randrange(self.keys), value) for _ in range(self.records)
        ]
        produce(broker.bootstrap, topic, records)
        logs = sorted((broker.log_dir / f"{topic}-0").glob("*.log"))
        return sum(path.stat().st_size for path in logs[:-1])

    def _compact(self, broker: RunningBroker, topic: str, meanwhile: Callable[[], None]) -> float:
        """Let the cleaner have the topic, until it is clean up to its active segment."""
        logs = sorted((broker.log_dir / f"{topic}-0").glob("*.log"))
        done = f"{topic} 0 {int(logs[-1].stem)}"
        checkpoint = broker.log_dir / "cleaner-offset-checkpoint"
        with Peer(broker.host, broker.port, timeout_s=60) as peer:
            configs = [
                AlterableConfig(name="cleanup.policy", config_operation=SET, value="compact")
            ]
            resource = AlterConfigsResource(
                resource_type=TOPIC_RESOURCE, resource_name=topic, configs=configs
            )
            answer = peer.call(IncrementalAlterConfigsRequest(resources=[resource]), 1)
        assert answer.responses[0].error_code == 0
        began = time.perf_counter()
        while not checkpoint.exists() or done not in checkpoint.read_text():
            assert time.perf_counter() < began + PATIENCE_S, f"{topic} is not clean"
            meanwhile()
        return time.perf_counter() - began

    def _remove(self, broker: RunningBroker, topic: str) -> None:
        with broker.connect() as admin:
            admin.delete_topic(topic)
        wait_until_removed(broker, topic)

    def finish(self, broker: RunningBroker) -> None:
        with broker.connect() as admin:
            admin.delete_topic("beside-compaction")
