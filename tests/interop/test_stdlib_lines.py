"""Every line of the standard library, produced through two kills and read by four clients."""

import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest
from harness import corpus, kcat
from harness.broker import RunningBroker
from harness.clients import PYTHON_CLIENTS, Client, Keyed, Stored
from harness.kcat import Kcat

TOPIC = "stdlib"
PARTITIONS = 6
KILLED_AT = (0.3, 0.6)
PATIENCE_S = 240


class Produced(NamedTuple):
    broker: RunningBroker
    lines: list[Keyed]


def in_log(broker: RunningBroker) -> int:
    with broker.connect() as wire:
        return sum(wire.end_offset(TOPIC, partition) for partition in range(PARTITIONS))


def wait_until_stored(broker: RunningBroker, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (stored := in_log(broker)) < count:
        assert time.monotonic() < deadline, f"{stored} of {count} lines are in the log"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def produced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Produced]:
    """kcat produces all lines; the broker is killed -9 and restarted twice meanwhile."""
    lines = corpus.lines()
    with RunningBroker(tmp_path_factory.mktemp("stdlib")) as broker:
        with broker.connect() as wire:
            wire.create_topic(TOPIC, PARTITIONS)
        producer = subprocess.Popen(
            kcat.producer_command(broker.bootstrap, TOPIC),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        spoken: list[bytes] = []
        feeder = threading.Thread(
            target=lambda: spoken.append(producer.communicate(kcat.encode(lines))[1]), daemon=True
        )
        feeder.start()
        for share in KILLED_AT:
            wait_until_stored(broker, int(len(lines) * share))
            broker.kill()
            assert producer.poll() is None, "kcat was done before the broker was killed"
            broker.start()
        feeder.join(PATIENCE_S)
        if feeder.is_alive():
            producer.kill()
            feeder.join()
        assert producer.returncode == 0, b"".join(spoken)[-2000:].decode(errors="replace")
        yield Produced(broker, lines)
        broker.assert_alive()


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
