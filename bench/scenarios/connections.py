"""What connections hold that do nothing, announce what they never send, or read nothing."""

import socket
import struct
import time

from harness.broker import RunningBroker
from harness.wire import API_VERSIONS, PRODUCE, request

from bench import client, frames
from bench.accounting import resident_bytes
from bench.scenario import Figure, Figures, Scenario

SETTLE_S = 0.7


class Idle(Scenario):
    """Connections that were introduced (ApiVersions answered) and then say nothing."""

    name = "idle-connections"
    fresh = True

    def __init__(self, *, connections: int) -> None:
        self.connections = connections
        self.figures = (
            Figure("rss_kb_each", f"RSS per connection, {connections} idle", "kB", at_most=10),
        )

    def run(self, broker: RunningBroker) -> Figures:
        hello = request(API_VERSIONS, 0, b"")
        _greet(broker, hello)  # What the first request loads is not a connection's cost.
        before = resident_bytes(broker.pid)
        peers = [_greet(broker, hello) for _ in range(self.connections)]
        time.sleep(SETTLE_S)
        grown = resident_bytes(broker.pid) - before
        _close(peers)
        return {"rss_kb_each": grown / self.connections / 1000}


class Announced(Scenario):
    """Peers that announce a huge Produce request, send its header, and leave it at that."""

    name = "announced"
    fresh = True

    def __init__(self, *, peers: int, announced_bytes: int) -> None:
        self.peers = peers
        self.announced_bytes = announced_bytes
        what = f"RSS per peer that announces {announced_bytes >> 20} MiB"
        self.figures = (Figure("rss_kb_each", what, "kB", at_most=1000),)

    def run(self, broker: RunningBroker) -> Figures:
        header = request(PRODUCE, 10, b"", flexible=True)[4:]
        before = resident_bytes(broker.pid)
        peers = []
        for _ in range(self.peers):
            peer = client.connect(broker.host, broker.port)
            peer.sendall(struct.pack(">i", self.announced_bytes) + header)
            peers.append(peer)
        time.sleep(SETTLE_S)
        grown = resident_bytes(broker.pid) - before
        _close(peers)
        return {"rss_kb_each": grown / self.peers / 1000}


class NonDraining(Scenario):
    """Consumers that ask for much and read nothing of the answer."""

    name = "non-draining"
    fresh = True

    def __init__(self, *, consumers: int, unread_bytes: int) -> None:
        self.consumers = consumers
        self.unread_bytes = unread_bytes
        what = f"RSS per consumer that leaves {unread_bytes >> 20} MiB unread"
        self.figures = (Figure("rss_kb_each", what, "kB", at_most=2 * 1024 * 1.024),)

    def run(self, broker: RunningBroker) -> Figures:
        produce = frames.produce(self.name, 1024, 976, int(time.time() * 1000))
        with broker.connect() as admin:
            admin.create_topic(self.name)
            with client.connect(broker.host, broker.port) as connection:
                count = self.unread_bytes // produce.value_bytes + 2
                client.produce_pipelined(connection, produce, count, 1)
            topic_id = admin.describe_topic(self.name).topic_id
        fetch = frames.fetch(topic_id, self.unread_bytes)
        time.sleep(SETTLE_S)
        before = resident_bytes(broker.pid)
        consumers = []
        for _ in range(self.consumers):
            consumer = client.connect(broker.host, broker.port, receive_buffer_bytes=4096)
            consumer.sendall(fetch.at(0))
            consumers.append(consumer)
        time.sleep(SETTLE_S)
        grown = resident_bytes(broker.pid) - before
        _close(consumers)
        return {"rss_kb_each": grown / self.consumers / 1000}


def _greet(broker: RunningBroker, hello: bytes) -> socket.socket:
    peer = client.connect(broker.host, broker.port)
    peer.sendall(hello)
    if not peer.recv(65_536):
        raise client.BrokerAnswer("the broker closed the connection")
    return peer


def _close(peers: list[socket.socket]) -> None:
    for peer in peers:
        peer.close()
