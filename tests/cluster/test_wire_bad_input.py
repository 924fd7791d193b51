"""What peers may cost a running broker that are broken, hostile or just slow.

The large form of the first test is `PYTHONPATH=tests python -m robustness --frames 100000`.
"""

import contextlib
import socket
import struct
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.broker import RunningBroker, Software, target
from harness.peer import Peer, Topic, batch_of, batch_of_size, fetch_request, framed
from robustness import process
from robustness.trial import Trial, serve_normally

from minikafka.protocol.messages.api_versions import ApiVersionsRequest
from minikafka.protocol.messages.metadata import MetadataRequest

MIB = 1 << 20
SEED = 20_260_101

pytestmark = [
    pytest.mark.skipif(target() is Software.APACHE, reason="these are promises of ours"),
    pytest.mark.skipif(not process.available(), reason="/proc tells what a process uses"),
]


@pytest.fixture
def warm_broker(own_broker: RunningBroker) -> RunningBroker:
    """A broker that has served before: what it imports for that is not counted."""
    serve_normally(own_broker)
    with Peer(own_broker.host, own_broker.port) as peer:
        peer.call(MetadataRequest(topics=None), 12)
        peer.call(ApiVersionsRequest(), 3)
    return own_broker


def rss(broker: RunningBroker) -> int:
    """Resident bytes, when they have stopped changing."""
    seen = [process.rss_kib(broker.pid)]
    deadline = time.perf_counter() + 5
    while len(seen) < 15 or max(seen[-15:]) != min(seen[-15:]):
        assert time.perf_counter() < deadline, f"never at rest: {seen}"
        time.sleep(0.01)
        seen.append(process.rss_kib(broker.pid))
    return seen[-1] << 10


def test_five_thousand_bad_requests(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as broker:
        trial = Trial(broker, SEED)
        assert list(trial.steps(5000))[-1:] == [5000], trial.faults()
        assert trial.faults() == []
        outcomes = trial.storm.outcomes
        assert outcomes["answered"] > 1000
        assert outcomes["closed"] > 1000
        assert len(trial.storm.errors) > 20


@pytest.mark.parametrize("size", [2**31 - 1, 104_857_601, 0, -1, -(2**31)])
def test_a_size_that_is_not_allowed_closes_at_once(shared_broker: RunningBroker, size: int) -> None:
    started = time.perf_counter()
    with Peer(shared_broker.host, shared_broker.port) as peer:
        peer.socket.sendall(struct.pack(">i", size))
        assert peer.is_closed()
    assert time.perf_counter() - started < 1


def test_half_a_request_and_silence_is_dropped(tmp_path: Path) -> None:
    with RunningBroker(tmp_path, {"connections.max.idle.ms": "400"}) as broker:
        with contextlib.ExitStack() as stack:
            halves = [b"", b"\0\0", struct.pack(">i", 1000), framed(ApiVersionsRequest(), 0)[:-1]]
            quiet = [stack.enter_context(Peer(broker.host, broker.port)) for _ in halves]
            started = time.perf_counter()
            for peer, half in zip(quiet, halves, strict=True):
                peer.socket.sendall(half)
            assert all(peer.is_closed() for peer in quiet)
            assert 0.3 < time.perf_counter() - started < 2
        with Peer(broker.host, broker.port) as peer:
            # One that is waited for is not silent.
            topic = Topic.create(peer, "waited-for")
            topic.fetch(0, max_wait_ms=1000)
            assert topic.produce(batch_of(b"x")).error_code == 0


def test_announcing_a_large_request_costs_nothing_near_it(warm_broker: RunningBroker) -> None:
    before = rss(warm_broker)
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            peer = stack.enter_context(Peer(warm_broker.host, warm_broker.port))
            header = framed(ApiVersionsRequest(), 0)[4:]
            peer.socket.sendall(struct.pack(">i", 100 * MIB) + header)
        with Peer(warm_broker.host, warm_broker.port) as peer:
            peer.api_versions()  # behind all of them
        assert rss(warm_broker) - before < 4 * MIB


@pytest.mark.parametrize("send_path", ["write", "sendfile"])
def test_a_consumer_that_does_not_drain_costs_little(tmp_path: Path, send_path: str) -> None:
    count = 6
    with RunningBroker(tmp_path, {"minikafka.send.path": send_path}) as broker:
        serve_normally(broker)
        with Peer(broker.host, broker.port) as peer:
            topic = Topic.create(peer, "large")
            batch = batch_of_size(MIB)
            for _ in range(40):
                assert topic.produce(batch).error_code == 0
        before = rss(broker)
        request = fetch_request(topic.fetch_topic({0: 0}, partition_max_bytes=40 * MIB))
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(Peer(broker.host, broker.port)) for _ in range(count)]
            for peer in slow:
                peer.send(request, 12)
            for peer in slow:
                assert peer.socket.recv(1, socket.MSG_PEEK)
            assert rss(broker) - before < count * 2 * MIB
            # They get it all in the end.
            for peer in slow:
                (partition,) = peer.receive().responses[0].partitions
                assert len(partition.records) == 40 * len(batch)


def test_a_client_that_only_asks_costs_little(warm_broker: RunningBroker) -> None:
    """Thousands of requests whose answers nobody reads: reading stops, nothing piles up."""
    before = rss(warm_broker)
    with contextlib.ExitStack() as stack:
        questions = memoryview(framed(MetadataRequest(topics=None), 12) * 1_000_000)
        for _ in range(4):
            peer = stack.enter_context(Peer(warm_broker.host, warm_broker.port))
            peer.socket.settimeout(0.3)  # without progress
            sent = 0
            with contextlib.suppress(TimeoutError):
                while sent < len(questions):
                    sent += peer.socket.send(questions[sent:])
            assert sent < len(questions), "the broker reads on"
        assert rss(warm_broker) - before < 4 * 2 * MIB
    with Peer(warm_broker.host, warm_broker.port) as peer:
        peer.api_versions()


@pytest.fixture
def many_sockets() -> Iterator[int]:
    """A thousand connections, if this process may have as many files."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip("this process may not open 1200 files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    yield 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_idle_connections_cost_little(
    warm_broker: RunningBroker, many_sockets: int
) -> None:
    before = rss(warm_broker)
    with contextlib.ExitStack() as stack:
        for number in range(many_sockets):
            peer = stack.enter_context(Peer(warm_broker.host, warm_broker.port))
            if number % 2:
                peer.api_versions()
        assert rss(warm_broker) - before < 10 * MIB
        serve_normally(warm_broker)
    files = process.descriptor_count(warm_broker.pid)
    deadline = time.perf_counter() + 5
    while files > 100:
        assert time.perf_counter() < deadline, f"{files} files are still open"
        files = process.descriptor_count(warm_broker.pid)


def test_nobody_is_harmed_by_others(shared_broker: RunningBroker) -> None:
    """A good client among bad ones, all at once."""
    with Peer(shared_broker.host, shared_broker.port) as good:
        topic = Topic.create(good, f"good-{uuid.uuid4()}")
        for number in range(200):
            with Peer(shared_broker.host, shared_broker.port) as bad:
                bad.socket.sendall(b"GET / HTTP/1.1\r\n\r\n" if number % 2 else b"\x16\x03\x01\0")
                assert topic.produce(batch_of(b"x")).base_offset == number
