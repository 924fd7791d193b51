"""Every line of the standard library, produced through two kills and read by four clients."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from harness import corpus
from harness.broker import RunningBroker
from harness.clients import PYTHON_CLIENTS, Client, Keyed, Stored
from harness.java import dump_log
from harness.kcat import Feeder, Kcat
from harness.segments import segment_files

TOPIC = "stdlib"
PARTITIONS = 6
PATIENCE_S = 240


class Produced(NamedTuple):
    broker: RunningBroker
    lines: list[Keyed]


def in_log(broker: RunningBroker) -> int:
    with broker.connect() as wire:
        return sum(wire.end_offset(TOPIC, partition) for partition in range(PARTITIONS))


@pytest.fixture(scope="module")
def produced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Produced]:
    """kcat produces all lines; meanwhile the broker is killed -9 and started again, twice."""
    lines = corpus.lines()
    third = len(lines) // 3
    with RunningBroker(tmp_path_factory.mktemp("stdlib")) as broker:
        with broker.connect() as wire:
            wire.create_topic(TOPIC, PARTITIONS)
        feeder = Feeder(broker.bootstrap, TOPIC, broker.directory / "kcat.log")
        try:
            feeder.feed(lines[:third])
            kill_between(broker, third // 3, third)
            feeder.feed(lines[third : 2 * third])
            broker.start()
            kill_between(broker, third + third // 3, 2 * third)
            feeder.feed(lines[2 * third :])
            broker.start()
            feeder.finish()
        finally:
            feeder.close()
        yield Produced(broker, lines)


def kill_between(broker: RunningBroker, at_least: int, fewer_than: int) -> None:
    """SIGKILL once so many lines are in the log, while more of those fed are on their way."""
    deadline = time.monotonic() + PATIENCE_S
    while (stored := in_log(broker)) < at_least:
        assert time.monotonic() < deadline, f"{stored} of {at_least} lines are in the log"
        time.sleep(0.002)
    broker.kill()
    assert stored < fewer_than, "everything fed was stored before the broker was killed"


def by_key(records: Sequence[Keyed] | Sequence[Stored]) -> dict[bytes | None, list[bytes | None]]:
    grouped: dict[bytes | None, list[bytes | None]] = defaultdict(list)
    for record in records:
        grouped[record.key].append(record.value)
    return grouped


def test_the_corpus_is_worth_the_name() -> None:
    lines = corpus.lines()
    assert len(lines) > 200_000
    assert sum(len(line.value or b"") for line in lines) > 8_000_000
    assert any(line.value == b"" for line in lines)


def test_the_log_holds_every_line_once(produced: Produced) -> None:
    assert in_log(produced.broker) == len(produced.lines)


@pytest.mark.parametrize("client", [Kcat(), *PYTHON_CLIENTS], ids=lambda client: client.name)
def test_each_client_reads_the_same_lines(produced: Produced, client: Client) -> None:
    stored = client.read(produced.broker.bootstrap, TOPIC, PARTITIONS)
    read, expected = by_key(stored), by_key(produced.lines)
    assert read.keys() == expected.keys()
    wrong = [key for key in expected if read[key] != expected[key]]
    assert wrong == [], f"{len(wrong)} files differ"
    partitions_of_key = {(record.key, record.partition) for record in stored}
    assert len(partitions_of_key) == len(expected), "a key is in more than one partition"
    assert len({record.partition for record in stored}) == PARTITIONS


def test_kafka_finds_every_batch_in_the_files(produced: Produced) -> None:
    """Last, because it stops the broker: what two kills and a clean stop left on disk."""
    produced.broker.assert_alive()
    produced.broker.stop()
    count = 0
    for partition in range(PARTITIONS):
        segments = segment_files(produced.broker.log_dir, TOPIC, partition)
        batches = re.findall(
            r"baseOffset: (\d+) lastOffset: (\d+) count: (\d+) ", dump_log(files=segments)
        )
        next_offset = 0
        for base_offset, last_offset, record_count in batches:
            assert int(base_offset) == next_offset
            next_offset = int(last_offset) + 1
            count += int(record_count)
    assert count == len(produced.lines)
