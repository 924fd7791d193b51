"""Many partitions: how long until the last one takes a produce, and what it is to have them."""

import statistics
import time

from harness.broker import RunningBroker
from harness.peer import Peer, Topic, batch_of

from bench import accounting
from bench.scenario import Figure, Figures, Scenario
from bench.storage import traffic

ASKED = 200
IDLE_S = 5.0


class Partitions(Scenario):
    """`count` partitions in topics of a thousand, made one topic after the other."""

    fresh = True

    def __init__(self, count: int) -> None:
        self.name = f"partitions-{count}"
        self._count = count
        self.figures = (
            Figure("created_s", "CreateTopics → last partition took a produce", "s", 0.2),
            Figure("cpu_s", "CPU of the broker for it", "s"),
            Figure("longest_ms", "longest answer to another connection meanwhile", "ms"),
            Figure("rss_mb", "RSS with them", "MB", 0.4),
            Figure("open_files", "open files", ""),
            Figure("idle_cpu", "CPU while nothing is asked", "ms/s"),
            Figure("produce_ms", "produce to one of them, p50", "ms"),
            Figure("produce_p99_ms", "produce to one of them, p99", "ms"),
            Figure("metadata_ms", "Metadata of 1,000 of them, p50", "ms"),
            Figure("killed_s", "kill -9, then all of them answer", "s"),
        )

    def run(self, broker: RunningBroker) -> Figures:
        batch = batch_of(b"x" * 100)
        names = [f"t{n}" for n in range(self._count // traffic.PARTITIONS_PER_TOPIC)]
        last = traffic.PARTITIONS_PER_TOPIC - 1
        with traffic.connect(broker) as peer:
            before = accounting.cpu(broker.pid)
            started = time.perf_counter()
            longest_ms = 0.0
            for name in names:
                traffic.create(peer, name, traffic.PARTITIONS_PER_TOPIC)
                with traffic.connect(broker) as other:
                    asked = time.perf_counter()
                    other.api_versions()
                    longest_ms = max(longest_ms, (time.perf_counter() - asked) * 1000)
            traffic.produce_when_ready(Topic(peer, names[-1]), last, batch)
            figures = {
                "created_s": time.perf_counter() - started,
                "cpu_s": accounting.cpu(broker.pid).since(before).total_s,
                "longest_ms": longest_ms,
            }
            for name in names:
                for index in range(traffic.PARTITIONS_PER_TOPIC):
                    traffic.produce_when_ready(Topic(peer, name), index, batch)
            figures |= {
                "rss_mb": accounting.resident_bytes(broker.pid) / 1e6,
                "open_files": traffic.open_files(broker.pid),
            }
            taken = []
            for number in range(ASKED):
                topic = Topic(peer, names[number % len(names)])
                asked = time.perf_counter()
                answer = topic.produce(batch, partition=number * 37 % (last + 1))
                taken.append((time.perf_counter() - asked) * 1000)
                assert answer.error_code == 0
            taken.sort()
            figures |= {
                "produce_ms": statistics.median(taken),
                "produce_p99_ms": taken[int(ASKED * 0.99)],
                "metadata_ms": statistics.median(
                    self._metadata_ms(peer, name) for name in names * (30 // len(names))
                ),
            }
        figures["idle_cpu"] = self._idle_cpu(broker)
        figures["killed_s"] = restarted_s(broker, names)
        return figures

    def _metadata_ms(self, peer: Peer, name: str) -> float:
        asked = time.perf_counter()
        traffic.metadata(peer, name)
        return (time.perf_counter() - asked) * 1000

    def _idle_cpu(self, broker: RunningBroker) -> float:
        before = accounting.cpu(broker.pid)
        time.sleep(IDLE_S)
        return accounting.cpu(broker.pid).since(before).total_s / IDLE_S * 1000


def restarted_s(broker: RunningBroker, names: list[str]) -> float:
    """Kill the broker and start it again; seconds from exec until every partition answers."""
    broker.kill()
    started = time.perf_counter()
    broker.start(traffic.TIMEOUT_S)
    for name in names:
        until_answered(broker, name, traffic.PARTITIONS_PER_TOPIC)
    return time.perf_counter() - started


def until_answered(broker: RunningBroker, name: str, count: int) -> None:
    """Until `count` partitions of a topic tell their log ends."""
    deadline = time.monotonic() + traffic.TIMEOUT_S
    while True:
        try:
            with traffic.connect(broker) as peer:
                while traffic.answered(peer, name, traffic.PARTITIONS_PER_TOPIC) < count:
                    assert time.monotonic() < deadline, "not all partitions answer"
                    time.sleep(0.005)
            return
        except ConnectionError:
            assert time.monotonic() < deadline, "nobody answers"
            time.sleep(0.005)
