"""A disk that takes no more, under a running broker: what is answered, and what goes on.

A limit on the size of files, set from outside on the running process, makes writes fail (EFBIG)
without root and without mocks.
"""

import resource
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.broker import RunningBroker, Software, target
from harness.peer import Peer, Topic, batch_of, batch_of_size, records_of

STORAGE_ERROR = 56
LIMIT_BYTES = 300_000

pytestmark = [
    pytest.mark.skipif(target() is Software.APACHE, reason="the JVM has ideas of its own"),
    pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    directories = ",".join(str(tmp_path / name) for name in ("one", "two"))
    settings = {"log.dirs": directories, "metadata.log.dir": str(tmp_path / "metadata")}
    with RunningBroker(tmp_path, settings) as running:
        yield running


@pytest.fixture
def peer(broker: RunningBroker) -> Iterator[Peer]:
    with Peer(broker.host, broker.port) as connected:
        yield connected


@pytest.fixture
def spread(broker: RunningBroker, peer: Peer) -> tuple[Topic, int, int]:
    """A topic, and two of its partitions that lie in different directories."""
    while True:  # The controller draws the directories by lot.
        topic = Topic.create(peer, f"spread-{uuid.uuid4()}", 8)
        found = [
            [int(path.name.rsplit("-", 1)[1]) for path in parent.glob(f"{topic.name}-*")]
            for parent in (broker.directory / "one", broker.directory / "two")
        ]
        if all(found):
            return topic, found[0][0], found[1][0]


def limit_files(broker: RunningBroker, size: int) -> None:
    resource.prlimit(broker.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def fill(topic: Topic, partition: int) -> int:
    """Produce until it fails; how many batches were taken."""
    batch = batch_of_size(50_000)
    for count in range(20):
        answer = topic.produce(batch, partition=partition, acks=1)
        if answer.error_code:
            assert answer.error_code == STORAGE_ERROR
            assert (answer.base_offset, answer.log_start_offset) == (-1, -1)
            return count
    raise AssertionError("it never failed")


def test_one_directory_fails_and_the_other_goes_on(
    broker: RunningBroker, spread: tuple[Topic, int, int]
) -> None:
    topic, failing, sound = spread
    topic.produce(batch_of(b"before"), partition=sound)
    limit_files(broker, LIMIT_BYTES)
    assert fill(topic, failing) == LIMIT_BYTES // 50_000
    # Also for requests that do not take the short way, and for readers.
    for version, options in ((13, {"acks": -1}), (12, {"transactional_id": "t"})):
        answer = topic.produce(batch_of(b"x"), version, partition=failing, **options)
        assert answer.error_code == STORAGE_ERROR
    assert topic.fetch(0, partition=failing).error_code == STORAGE_ERROR
    assert topic.produce(batch_of(b"after"), partition=sound).base_offset == 1
    read = [record.value for record in records_of(topic.fetch(0, partition=sound).records)]
    assert read == [b"before", b"after"]
    log = broker.output_file.read_text()
    assert log.count(" is offline: ") == 1
    assert "Traceback" not in log


def test_without_a_directory_the_broker_ends(
    broker: RunningBroker, spread: tuple[Topic, int, int]
) -> None:
    topic, one, other = spread
    limit_files(broker, LIMIT_BYTES)
    fill(topic, one)
    fill(topic, other)
    assert topic.peer.is_closed()
    assert broker.process is not None
    assert broker.process.wait(10) == 1
    log = broker.output_file.read_text()
    assert "no log directory is left" in log
    assert "Traceback" not in log


def test_what_was_acknowledged_before_is_there_afterwards(
    broker: RunningBroker, spread: tuple[Topic, int, int]
) -> None:
    topic, failing, _ = spread
    limit_files(broker, LIMIT_BYTES)
    count = fill(topic, failing)
    broker.kill()
    broker.start()
    deadline = time.perf_counter() + 10
    with Peer(broker.host, broker.port) as again:
        topic.peer = again
        while (answer := topic.produce(batch_of(b"again"), partition=failing)).error_code == 6:
            assert time.perf_counter() < deadline
        assert (answer.error_code, answer.base_offset) == (0, count)
