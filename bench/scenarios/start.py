"""Start: from exec to the first answered request, and what a broker with nothing to do holds."""

import time

from harness.broker import RunningBroker

from bench import accounting
from bench.scenario import Figure, Figures, Scenario

IDLE_S = 2.0


class Start(Scenario):
    """A new process on empty storage. Formatting, which Kafka's users do by hand, is apart."""

    name = "start"
    fresh = True
    figures = (
        Figure("first_answer_ms", "exec → first answered ApiVersions", "ms", at_most=250),
        Figure("format_ms", "formatting the storage before", "ms"),
        Figure("cpu_s", "CPU until idle", "s"),
        Figure("idle_rss_mb", f"RSS after {IDLE_S:.0f} s idle", "MB", at_most=50),
    )

    def run(self, broker: RunningBroker) -> Figures:
        assert broker.process is None
        format_s = broker.format()
        start_s = broker.start()
        time.sleep(IDLE_S)
        return {
            "first_answer_ms": start_s * 1000,
            "format_ms": format_s * 1000,
            "cpu_s": accounting.cpu(broker.pid).total_s,
            "idle_rss_mb": accounting.resident_bytes(broker.pid) / 1e6,
        }
