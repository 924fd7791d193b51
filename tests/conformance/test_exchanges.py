"""Real requests to a real Kafka 4.3.0, and what it answered: our answers have the same shape.

`exchanges.jsonl` was recorded against three brokers on one fresh topic, in the order of its lines.
All requests that this broker serves are sent to it in that order, once; each test compares one
answer field by field. Values that belong to a cluster (ids, addresses) may differ, no others.
"""

import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from harness.broker import RunningBroker

from minikafka.api.dispatch import SERVED
from minikafka.protocol.apis import ApiKey, response_class, response_header_version
from minikafka.protocol.codec import decode
from minikafka.protocol.messages.create_topics import CreateTopicsResponse
from minikafka.protocol.schema import fields_of
from minikafka.protocol.types import Struct

RECORDED = Path(__file__).parents[3] / "shared" / "kafka" / "exchanges.jsonl"

# Fields that name something of the recorded cluster.
OWN = {
    "broker_id",
    "cluster_id",
    "controller_id",
    "finalized_features_epoch",
    "host",
    "isr_nodes",
    "leader",  # of a group: a member id
    "leader_id",
    "member_id",
    "node_id",
    "port",
    "rack",
    "replica_nodes",
    "topic_id",
}
# Lists that are as long as the cluster is large: compared by their first element.
AS_MANY_AS_NODES = {"brokers", "node_endpoints"}
# Lists of what is served: ours may be shorter, and what is in them must be the same.
AS_MUCH_AS_SERVED = {"api_keys", "finalized_features", "supported_features"}
# Lists whose order is that of a Java hash table.
UNORDERED = {"configs"}

# Lines that a single broker without transactions cannot answer alike, and why.
DIFFERENT = {
    23: "asked of a broker that does not lead the partition",
    31: "asked of a broker that does not lead the partition",
    58: "lists groups that were made unrecorded",
    65: "needs transactions",
    66: "needs transactions",
    72: "needs transactions",
    73: "needs transactions",
    81: "tells the state of a quorum of three",
    85: "tells quotas that were set unrecorded",
}


class Exchange(NamedTuple):
    """One line: the request as sent, and the answer with its header, both without their size."""

    line: int
    key: int
    version: int
    request: bytes
    response: bytes

    @property
    def name(self) -> str:
        return f"{self.line}-{ApiKey(self.key).name}-v{self.version}"


def read_exchanges() -> list[Exchange]:
    if not RECORDED.exists():
        return []
    exchanges = []
    for number, line in enumerate(RECORDED.read_text().splitlines()):
        pair = json.loads(line)
        request, response = bytes.fromhex(pair["request"]), bytes.fromhex(pair["response"])
        exchanges.append(Exchange(number, pair["key"], pair["version"], request, response))
    return exchanges


EXCHANGES = read_exchanges()


def is_comparable(exchange: Exchange) -> bool:
    return exchange.key in SERVED and exchange.line not in DIFFERENT


def decode_response(exchange: Exchange, data: bytes) -> Any:
    key, version = exchange.key, exchange.version
    position = 4 + response_header_version(key, version)
    response, end = decode(response_class(key), version, data, position)
    assert end == len(data), "bytes behind the answer"
    return response


class Client:
    """A connection that sends recorded requests, with the recorded topic's id made ours."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)
        self.ids: dict[bytes, bytes] = {}

    def ask(self, exchange: Exchange) -> bytes:
        request = exchange.request
        for theirs, ours in self.ids.items():
            request = request.replace(theirs, ours)
        self.socket.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", self._receive(4))
        data = self._receive(size)
        if exchange.key == ApiKey.CREATE_TOPICS and exchange.version == 7:
            self._learn_ids(
                decode_response(exchange, exchange.response), decode_response(exchange, data)
            )
        if exchange.key == ApiKey.JOIN_GROUP:
            theirs = decode_response(exchange, exchange.response).member_id.encode()
            self.ids[theirs] = decode_response(exchange, data).member_id.encode()
        return data

    def await_coordinator(self, exchange: Exchange) -> None:
        """Ask until the topic of the coordinators is there, as it was when they were recorded."""
        deadline = time.monotonic() + 10
        while decode_response(exchange, self.ask(exchange)).error_code:
            assert time.monotonic() < deadline, "no coordinator"
            time.sleep(0.01)

    def _learn_ids(self, theirs: CreateTopicsResponse, ours: CreateTopicsResponse) -> None:
        for their_topic, our_topic in zip(theirs.topics, ours.topics, strict=True):
            self.ids[their_topic.topic_id.bytes] = our_topic.topic_id.bytes

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the broker closed the connection")
            data += more
        return data

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, bytes]]:
    """line -> answer; requests whose state we do not have yet are left out."""
    if not EXCHANGES:
        pytest.skip(f"{RECORDED} is not here")
    settings = {"broker.rack": "r1", "min.insync.replicas": "2"}  # as the recorded brokers had
    with RunningBroker(tmp_path_factory.mktemp("exchanges"), settings) as broker:
        client = Client(broker.host, broker.port)
        client.await_coordinator(next(e for e in EXCHANGES if e.key == ApiKey.FIND_COORDINATOR))
        yield {
            exchange.line: client.ask(exchange) for exchange in EXCHANGES if is_comparable(exchange)
        }
        client.close()


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_the_answer_is_kafkas(exchange: Exchange, request: pytest.FixtureRequest) -> None:
    if exchange.key not in SERVED:
        pytest.skip("not served yet")
    if exchange.line in DIFFERENT:
        pytest.skip(DIFFERENT[exchange.line])
    answer = request.getfixturevalue("answers")[exchange.line]
    expected = decode_response(exchange, exchange.response)
    ours = decode_response(exchange, answer)
    assert list(differences(expected, ours, "")) == []


def test_recorded_exchanges_are_compared() -> None:
    if not EXCHANGES:
        pytest.skip(f"{RECORDED} is not here")
    compared = {exchange.key for exchange in EXCHANGES if is_comparable(exchange)}
    recorded = {exchange.key for exchange in EXCHANGES}
    different = {exchange.key for exchange in EXCHANGES if exchange.line in DIFFERENT}
    assert compared >= (recorded & set(SERVED)) - different


def differences(expected: Any, ours: Any, path: str) -> Iterator[str]:
    """Where `ours` is not what the recorded answer is, each as `path: recorded, ours`."""
    name = path.rpartition(".")[2].partition("[")[0]
    if isinstance(expected, list) and isinstance(ours, list):
        yield from list_differences(expected, ours, path, name)
    elif isinstance(expected, Struct):
        if type(ours) is not type(expected):
            yield f"{path}: {expected!r}, ours {ours!r}"
            return
        for field in fields_of(type(expected)):
            theirs, own = getattr(expected, field.name), getattr(ours, field.name)
            yield from differences(theirs, own, f"{path}.{field.name}")
    elif name in OWN:
        if kind_of(expected) != kind_of(ours):
            yield f"{path}: {expected!r}, ours {ours!r}"
    elif expected != ours:
        yield f"{path}: {expected!r}, ours {ours!r}"


def list_differences(expected: list[Any], ours: list[Any], path: str, name: str) -> Iterator[str]:
    if name in UNORDERED or name in AS_MUCH_AS_SERVED:
        named = {key_of(element): element for element in expected}
        if name in UNORDERED:
            missing = named.keys() - {key_of(element) for element in ours}
            yield from (f"{path}: {key!r} is missing" for key in sorted(missing))
        for element in ours:
            theirs = named.get(key_of(element))
            if theirs is None:
                yield f"{path}: {element!r} is not in the recorded answer"
            else:
                yield from differences(theirs, element, f"{path}[{key_of(element)}]")
        return
    if name in AS_MANY_AS_NODES:
        expected, ours = expected[:1], ours[:1]
    if len(expected) != len(ours):
        yield f"{path}: {len(expected)} elements, ours {len(ours)}: {ours!r}"
        return
    for index, (theirs, own) in enumerate(zip(expected, ours, strict=True)):
        yield from differences(theirs, own, f"{path}[{index}]")


def key_of(element: Any) -> Any:
    return element.api_key if hasattr(element, "api_key") else element.name


def kind_of(value: Any) -> str:
    """Which values stand for each other between clusters: unset ones only for unset ones."""
    if value is None or value in ("", -1, UUID(int=0)):
        return "unset"
    return "list" if isinstance(value, list) else "set"
