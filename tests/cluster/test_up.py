"""`minikafka up` as its users start it: brokers come, one dies and comes back, all go."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.broker import PROJECT
from harness.clients import ConfluentKafka, Keyed
from harness.peer import Peer

from minikafka.protocol.messages.metadata import MetadataRequest, MetadataRequestTopic

PATIENCE_S = 60


class Up:
    """A running `minikafka up` and what it has said."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "minikafka.cli.main", "up", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=PROJECT,
        )
        self.lines: list[str] = []
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line.rstrip())

    def wait(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        self.wait(lambda: any(re.search(pattern, line) for line in self.lines))
        return next(found for line in self.lines if (found := re.search(pattern, line)))

    @property
    def addresses(self) -> str:
        return self.wait_for_line(r"listens? on (\S+); data in")[1]

    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return list(map(int, children.read_text().split()))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self._listening.join()


@pytest.fixture
def start() -> Iterator[Callable[..., Up]]:
    """Starts one; what is still running at the end is stopped the hard way."""
    started: list[Up] = []

    def begin(*words: str) -> Up:
        started.append(Up(*words))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            up.end()


def in_sync(address: str, topic: str) -> list[int]:
    host, _, port = address.partition(":")
    with Peer(host, int(port)) as peer:
        answer = peer.call(MetadataRequest(topics=[MetadataRequestTopic(name=topic)]), 12)
    (described,) = answer.topics
    return sorted(described.partitions[0].isr_nodes) if described.partitions else []


@pytest.mark.parametrize("brokers", [1, 3])
def test_a_killed_broker_comes_back_and_the_data_stays(
    brokers: int, start: Callable[..., Up], tmp_path: Path
) -> None:
    words = ("--brokers", str(brokers), "--dev", "--port", "0", "--data", str(tmp_path))
    up = start(*words)
    addresses = up.addresses
    assert addresses.count(",") == brokers - 1
    records = [Keyed(b"%d" % number, b"first") for number in range(100)]
    client = ConfluentKafka()
    client.produce(addresses, "kept", records)
    everybody = list(range(1, brokers + 1))
    first = addresses.split(",")[0]
    up.wait(lambda: in_sync(first, "kept") == everybody)

    victim = up.pids()[-1]
    os.kill(victim, signal.SIGKILL)
    up.wait_for_line(rf"broker \d+ \(pid {victim}\) was killed by SIGKILL; starts again")
    up.wait_for_line(r"broker \d+ is back")
    up.wait(lambda: in_sync(first, "kept") == everybody)
    assert up.end() == 0

    again = start(*words)
    stored = client.read(again.addresses, "kept")
    assert [Keyed(each.key, each.value) for each in stored] == records
    assert again.end(signal.SIGINT) == 0


def test_a_broker_that_cannot_start_ends_it(start: Callable[..., Up], tmp_path: Path) -> None:
    up = start("--brokers", "1", "--data", str(tmp_path), "--override", "num.partitions=no")
    assert up.process.wait(PATIENCE_S) == 2
    assert any("num.partitions" in line for line in up.lines), up.lines


def test_voters_stay_what_they_were(start: Callable[..., Up], tmp_path: Path) -> None:
    (tmp_path / "broker-1").mkdir()
    (tmp_path / "broker-1/meta.properties").write_text(
        "version=1\ncluster.id=abc\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAQ\n"
    )
    up = start("--brokers", "3", "--port", "0", "--data", str(tmp_path))
    assert up.process.wait(PATIENCE_S) == 1
    assert any("voters 1 to 1" in line for line in up.lines), up.lines
