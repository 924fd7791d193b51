"""One log directory, two brokers in turn: Apache Kafka starts on what minikafka wrote, and back.

Each pass fills a broker, ends it, starts the other one on the same directory with the same
server.properties, reads everything back, appends, ends it too, and starts the first one again.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import apache
from harness.broker import RunningBroker, Software
from harness.clients import CODECS
from harness.contents import Shown, Written, commit, committed, produce, read
from harness.java import dump_log
from harness.peer import Peer

from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)

MIB = 1 << 20
GROUPS = ("readers", "keepers")
"""Java's hash of the second is negative: it has to be sought where the other broker put it."""
LOG_START = 2_345
"""Where `segments` begins after DeleteRecords: in the middle of a segment and of a batch."""

SETTINGS = {
    "broker.session.timeout.ms": "2000",  # a killed broker's, that the next one waits for
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.backoff.ms": "300",
    "log.flush.start.offset.checkpoint.interval.ms": "300",
    "log.flush.offset.checkpoint.interval.ms": "300",
    "log.initial.task.delay.ms": "100",  # Kafka's own: its checkpoints begin after 30 s else
}

# Killed in one direction, stopped in the other: each of them takes over both kinds of directory.
WAYS = [
    pytest.param(Software.MINIKAFKA, Software.APACHE, "stopped", id="minikafka-kafka-minikafka"),
    pytest.param(Software.APACHE, Software.MINIKAFKA, "killed", id="kafka-minikafka-kafka"),
]


def records_of(label: str, count: int, size: int = 20) -> list[Written]:
    """Keys and values of many shapes, some with headers."""
    made = []
    for n in range(count):
        key = None if n % 11 == 10 else f"{label}-{n % 13}".encode()
        value = None if n % 17 == 16 else f"{label} {n} ".encode() * (size * (n % 3) // 4 + 1)
        headers = (("n", str(n).encode()), ("n", b""), ("none", None)) if n % 5 == 0 else ()
        made.append(Written(key, value, headers))
    return made


def delete_records(broker: RunningBroker, topic: str, offset: int) -> None:
    with Peer(broker.host, broker.port, timeout_s=60) as peer:
        partitions = [DeleteRecordsPartition(partition_index=0, offset=offset)]
        topics = [DeleteRecordsTopic(name=topic, partitions=partitions)]
        answer = peer.call(DeleteRecordsRequest(topics=topics, timeout_ms=30_000), 2)
        assert answer.topics[0].partitions[0].low_watermark == offset
    # A log start inside a segment outlives a kill from the next checkpoint on, with both brokers.
    checkpoint = broker.log_dir / "log-start-offset-checkpoint"
    deadline = time.monotonic() + 60
    while f"{topic} 0 {offset}" not in checkpoint.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def create_topics(broker: RunningBroker) -> None:
    small = {"segment.bytes": str(MIB), "index.interval.bytes": "1024"}
    compacted = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
    with Peer(broker.host, broker.port, timeout_s=60) as peer:
        for codec in CODECS:
            peer.create_topic(f"codec-{codec}", 2)
        peer.create_topic("segments", 1, small)
        peer.create_topic("compacted", 1, small | compacted)
        peer.create_topic("stamped", 1, {"message.timestamp.type": "LogAppendTime"})
        peer.create_topic("transactions", 1)
        peer.create_topic("never-written", 3)


def append(broker: RunningBroker, label: str) -> None:
    """The same to every broker: something more in every topic."""
    bootstrap = broker.bootstrap
    for codec in CODECS:
        for partition in range(2):
            topic = f"codec-{codec}"
            records = records_of(f"{label}-{partition}", 60)
            produce(bootstrap, topic, records, codec=codec, partition=partition)
    produce(bootstrap, "stamped", records_of(label, 30), codec="lz4")
    produce(bootstrap, "segments", records_of(label, 3_000, 200))
    kept = [Written(b"%d" % (n % 50), f"{label} {n} ".encode() * 60) for n in range(2_000)] + [
        Written(f"gone-{label}".encode(), None)
    ]
    produce(bootstrap, "compacted", kept)
    for group in GROUPS:
        commit(bootstrap, group, "segments", LOG_START + len(label), label)


def transact(broker: RunningBroker, label: str) -> None:
    """Two transactions that are committed, and one between them that is not."""
    for n, ending in enumerate((True, False, True)):
        produce(
            broker.bootstrap,
            "transactions",
            records_of(f"{label}-{n}-{ending}", 20),
            transactional_id="writer",
            commit=ending,
        )


class Contents:
    """All that a broker shows of its topics and groups."""

    def __init__(self, broker: RunningBroker) -> None:
        bootstrap = broker.bootstrap
        self.topics: dict[str, list[Shown]] = {
            f"codec-{codec}": sorted(read(bootstrap, f"codec-{codec}", partitions=2))
            for codec in CODECS
        }
        self.topics["segments"] = read(bootstrap, "segments")
        self.topics["stamped"] = read(bootstrap, "stamped")
        self.topics["transactions"] = read(bootstrap, "transactions")
        self.topics["with what was aborted"] = read(bootstrap, "transactions", committed=False)
        # What a compacted topic shows of the past is up to the cleaner; the last words are not.
        last = {shown.key: shown for shown in read(bootstrap, "compacted")}
        self.compacted = {key: shown for key, shown in last.items() if shown.value is not None}
        self.groups = {group: committed(bootstrap, group, "segments") for group in GROUPS}

    def check_continues(self, earlier: "Contents") -> None:
        """Nothing that `earlier` showed is gone or altered."""
        for topic, shown in earlier.topics.items():
            found = set(self.topics[topic])
            lost = [record for record in shown if record not in found]
            assert not lost, f"{topic}: {len(lost)} of {len(shown)} are gone, first {lost[0]}"

    def check_same(self, earlier: "Contents") -> None:
        """Exactly what `earlier` showed."""
        self.check_continues(earlier)
        for topic, shown in earlier.topics.items():
            assert len(self.topics[topic]) == len(shown), topic
        assert self.compacted == earlier.compacted
        assert self.groups == earlier.groups


def check_written(contents: Contents, label: str) -> None:
    """What `append(broker, label)` wrote is what is shown last."""
    for codec in CODECS:
        for partition in range(2):
            shown = [s for s in contents.topics[f"codec-{codec}"] if s.partition == partition]
            expected = records_of(f"{label}-{partition}", 60)
            assert [Written(s.key, s.value, s.headers) for s in shown[-60:]] == expected
    expected = records_of(label, 3_000, 200)
    shown = contents.topics["segments"]
    # The first fill's beginning was deleted.
    count = min(len(shown), len(expected))
    assert [Written(s.key, s.value, s.headers) for s in shown[-count:]] == expected[-count:]
    assert {s.value for s in contents.compacted.values()} == {
        f"{label} {n} ".encode() * 60 for n in range(1_950, 2_000)
    }
    assert contents.groups == dict.fromkeys(GROUPS, (LOG_START + len(label), label))


def check_files(broker: RunningBroker) -> None:
    """kafka-dump-log finds nothing wrong with logs and indexes."""
    files = [
        path
        for suffix in ("log", "index", "timeindex")
        for path in sorted(broker.log_dir.glob(f"*-0/*.{suffix}"))
        if path.stat().st_size and not path.parent.name.startswith("__cluster_metadata")
    ]
    dump_log("--verify-index-only", files=files)
    dump_log("--index-sanity-check", "--deep-iteration", files=files)


def end(broker: RunningBroker, how: str) -> None:
    if how == "killed":
        broker.kill()
    else:
        assert broker.stop() in (0, 143), broker.output_tail()  # 143: the JVM's at SIGTERM


class ShortLived(RunningBroker):
    """Started for seconds: with the compiler and collector of a JVM that starts fast."""

    def _command(self) -> list[str]:
        if self.software is Software.APACHE:
            return apache.command("kafka.Kafka", [str(self.properties_file)], apache.TOOL_FLAGS)
        return super()._command()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    broker = ShortLived(tmp_path, SETTINGS)
    yield broker
    broker.kill()


@pytest.mark.parametrize(("first", "second", "ending"), WAYS)
def test_a_directory_changes_hands(
    broker: RunningBroker, first: Software, second: Software, ending: str
) -> None:
    broker.software = first
    broker.format()
    broker.start()
    create_topics(broker)
    append(broker, "first")
    delete_records(broker, "segments", LOG_START)
    if first is Software.APACHE:
        transact(broker, "first")
    filled = Contents(broker)
    check_written(filled, "first")
    end(broker, ending)

    broker.software = second
    broker.start()
    taken_over = Contents(broker)
    taken_over.check_same(filled)
    append(broker, "second")
    appended = Contents(broker)
    appended.check_continues(filled)
    check_written(appended, "second")
    end(broker, ending)

    broker.software = first
    broker.start()
    returned = Contents(broker)
    returned.check_same(appended)
    append(broker, "third")
    check_written(Contents(broker), "third")
    end(broker, "stopped")
    check_files(broker)
