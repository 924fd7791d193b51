"""Compaction beside Apache Kafka: one directory, compacted by either, shows the same records.

Kafka fills it, for its producers are transactional too; every batch is a segment of its own.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import apache
from harness.broker import RunningBroker, Software
from harness.clients import CODECS
from harness.contents import Written, commit, committed, produce, read
from harness.java import dump_log
from harness.peer import Peer

TOPIC = "compacted"
GROUP = "readers"
SETTINGS = {
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "log.roll.ms": "1",
    "log.cleaner.enable": "false",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.min.cleanable.ratio": "0.01",
    "log.initial.task.delay.ms": "100",
}
COMMITS = 12


class ShortLived(RunningBroker):
    """Started for seconds: with the compiler and collector of a JVM that starts fast."""

    def _command(self) -> list[str]:
        if self.software is Software.APACHE:
            return apache.command("kafka.Kafka", [str(self.properties_file)], apache.TOOL_FLAGS)
        return super()._command()

    def let_clean(self) -> None:
        text = self.properties_file.read_text()
        self.properties_file.write_text(text.replace("cleaner.enable=false", "cleaner.enable=true"))

    def clean_offsets(self) -> dict[str, int]:
        """What the cleaner's checkpoint says of partitions 0."""
        path = self.log_dir / "cleaner-offset-checkpoint"
        lines = path.read_text().splitlines()[2:] if path.exists() else []
        return {line.split()[0]: int(line.split()[2]) for line in lines if line.split()[1] == "0"}

    def bases(self, topic: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.log_dir / f"{topic}-0").glob("*.log"))

    def end(self) -> None:
        assert self.stop() in (0, 143), self.output_tail()  # 143: the JVM's at SIGTERM


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ShortLived]:
    broker = ShortLived(tmp_path, SETTINGS)
    yield broker
    broker.kill()


def wait_until(holds: Callable[[], bool], broker: RunningBroker) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, broker.output_tail()
        time.sleep(0.05)


def fill(broker: RunningBroker) -> None:
    """Superseded, deleted, aborted and live records in every codec; offsets of a group."""
    with Peer(broker.host, broker.port, timeout_s=60) as peer:
        peer.create_topic(TOPIC, 1, {"cleanup.policy": "compact"})
    bootstrap = broker.bootstrap
    for turn, codec in enumerate(CODECS):
        records = [
            Written(b"key %d" % (n % 7), f"{codec} {n}".encode() * 20, (("n", b"%d" % n),))
            for n in range(turn, 40 + turn)
        ]
        gone = Written(b"key %d" % turn, None)
        produce(bootstrap, TOPIC, [*records, gone], codec=codec)
        for kept in (True, False):
            transaction = [
                Written(b"of %d" % (n % 3), f"{codec} {kept}".encode()) for n in range(9)
            ]
            produce(
                bootstrap, TOPIC, transaction, codec=codec, transactional_id="writer", commit=kept
            )
    produce(bootstrap, TOPIC, [Written(b"last", b"word")])
    for offset in range(COMMITS):
        commit(bootstrap, GROUP, TOPIC, offset, f"commit {offset}")


def compact_all(broker: ShortLived) -> None:
    """Run the cleaner until nothing is dirty any more, then end the broker."""
    active = {topic: broker.bases(topic)[-1] for topic in (TOPIC, "__consumer_offsets")}
    broker.let_clean()
    broker.start()
    wait_until(
        lambda: all(broker.clean_offsets().get(topic, 0) >= end for topic, end in active.items()),
        broker,
    )


def test_the_same_records_survive(broker: ShortLived, tmp_path: Path) -> None:
    broker.software = Software.APACHE
    broker.format()
    broker.start()
    fill(broker)
    everything = read(broker.bootstrap, TOPIC, committed=False)
    broker.end()
    shutil.copytree(broker.log_dir, tmp_path / "filled")

    compact_all(broker)
    by_kafka = [read(broker.bootstrap, TOPIC, committed=level) for level in (True, False)]
    assert len(by_kafka[1]) < len(everything) // 4
    broker.end()

    shutil.rmtree(broker.log_dir)
    shutil.move(tmp_path / "filled", broker.log_dir)
    broker.software = Software.MINIKAFKA
    segments = len(broker.bases(TOPIC))
    compact_all(broker)
    by_minikafka = [read(broker.bootstrap, TOPIC, committed=level) for level in (True, False)]
    assert by_minikafka == by_kafka
    assert len(broker.bases(TOPIC)) < segments
    broker.kill()
    broker.start()
    assert committed(broker.bootstrap, GROUP, TOPIC) == (COMMITS - 1, f"commit {COMMITS - 1}")
    broker.end()

    files = [
        path
        for suffix in ("log", "index", "timeindex")
        for path in sorted(broker.log_dir.glob(f"*-0/*.{suffix}"))
        if path.stat().st_size and not path.parent.name.startswith("__cluster_metadata")
    ]
    dump_log("--index-sanity-check", "--deep-iteration", files=files)

    broker.software = Software.APACHE
    broker.start()
    assert [read(broker.bootstrap, TOPIC, committed=level) for level in (True, False)] == by_kafka
    assert committed(broker.bootstrap, GROUP, TOPIC) == (COMMITS - 1, f"commit {COMMITS - 1}")
    produce(broker.bootstrap, TOPIC, [Written(b"last", b"word after")])
    assert read(broker.bootstrap, TOPIC)[-1].value == b"word after"
    broker.end()
