"""A storm on one broker from beginning to end: what it used, what it logged, what was wrong."""

import gc
import time
from collections.abc import Iterator

from harness.broker import BrokerDied, RunningBroker
from harness.peer import Peer, Topic, batch_of, records_of

from robustness import process
from robustness.storm import BadAnswerError, Storm

STEPS = 10
# The first part of a storm imports and compiles what the rest uses.
WARM_AFTER = 0.2
RSS_GROWTH_KIB = 6 << 10
DESCRIPTOR_GROWTH = 8
PATIENCE_S = 20.0


class Trial:
    """Runs a storm in steps; afterwards `faults` says what the broker did wrong."""

    def __init__(self, broker: RunningBroker, seed: int) -> None:
        self.broker = broker
        self.seed = seed
        self.storm = Storm(broker, seed)
        self.rss_kib: list[int] = []
        self.descriptors: list[int] = []
        self._failure: str | None = None

    def steps(self, count: int) -> Iterator[int]:
        """Run the storm; yields how many requests were sent, after each of ten steps."""
        step = max(count // STEPS, 1)
        for number in range(STEPS):
            try:
                self.storm.renew_topics()
                self.storm.run(step)
            except (BadAnswerError, OSError) as error:
                self._failure = f"{type(error).__name__}: {error}"
                return
            self._measure()
            yield (number + 1) * step

    def _measure(self) -> None:
        """What the broker uses with the storm's topics and connections gone."""
        self.storm.close()
        self.storm.delete_topics()
        gc.collect()
        self.rss_kib.append(process.rss_kib(self.broker.pid))
        self.descriptors.append(process.descriptor_count(self.broker.pid))

    def usage(self) -> str:
        """The last measurement."""
        return f"RSS {self.rss_kib[-1] / 1024:6.1f} MiB, {self.descriptors[-1]} descriptors"

    def report(self) -> str:
        """What became of the requests."""
        outcomes = ", ".join(f"{n} {what}" for what, n in self.storm.outcomes.most_common())
        codes = ", ".join(f"{code}: {n}" for code, n in sorted(self.storm.errors.items()))
        return f"{outcomes}\nerror codes in answers: {codes}\n{self._log_lines()} lines in the log"

    def faults(self) -> list[str]:
        """Everything that must not be; produces, fetches, kills and starts again to find out."""
        found = [self._failure] if self._failure else []
        assert self.broker.process is not None
        if self.broker.process.poll() is not None:
            return [*found, f"exit code {self.broker.process.poll()}: {self.broker.output_tail()}"]
        found += self._usage_faults()
        found += self._log_faults()
        try:
            serve_normally(self.broker)
            # What the storm has left in the metadata and in the logs must be readable, too.
            self.broker.kill()
            self.broker.start()
            serve_normally(self.broker)
        except (AssertionError, OSError, BrokerDied) as error:
            found.append(f"a normal client is not served: {type(error).__name__}: {error}")
        return found

    def _usage_faults(self) -> Iterator[str]:
        warm = int(len(self.rss_kib) * WARM_AFTER)
        if len(self.rss_kib) > warm:
            growth = self.rss_kib[-1] - self.rss_kib[warm]
            if growth > RSS_GROWTH_KIB:
                yield f"resident memory grew by {growth} KiB: {self.rss_kib}"
            if self.descriptors[-1] > self.descriptors[warm] + DESCRIPTOR_GROWTH:
                yield f"descriptors: {self.descriptors}"

    def _log_lines(self) -> int:
        return self.broker.output_file.read_bytes().count(b"\n")

    def _log_faults(self) -> Iterator[str]:
        text = self.broker.output_file.read_text(errors="replace")
        count = text.count("Traceback (most recent call last)")
        if count:
            at = text.index("Traceback (most recent call last)")
            yield f"{count} tracebacks in the log, the first: {text[max(at - 300, 0) : at + 3000]}"
        # One line for each connection that was closed, a few for each topic of ours.
        outcomes = self.storm.outcomes
        bad = outcomes["closed"] + outcomes["bad prefix"] + outcomes["waits"]
        lines = self._log_lines()
        if lines > bad * 1.1 + 200:
            yield f"{lines} lines in the log for {bad} bad requests"


def serve_normally(broker: RunningBroker) -> None:
    """A fresh topic is written and read. AssertionError when that is not possible."""
    deadline = time.perf_counter() + PATIENCE_S
    with Peer(broker.host, broker.port) as peer:
        name = f"normal-{time.monotonic_ns()}"
        topic = Topic.create(peer, name, 1, {"max.message.bytes": "1000000"})
        values = [b"%d" % n for n in range(100)]
        for value in values:
            answer = topic.produce(batch_of(value))
            assert answer.error_code == 0, answer
        read = [record.value for record in records_of(topic.fetch(0).records)]
        assert read == values
        assert time.perf_counter() < deadline
