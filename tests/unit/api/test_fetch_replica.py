"""A follower's usual fetch is answered as the general path answers it, only faster."""

import time
from typing import Any

import pytest

from minikafka.api import fetch
from minikafka.api.dispatch import Dispatcher
from minikafka.api.fetch_replica import ReplicaFetch
from minikafka.protocol.apis import ApiKey, request_header_version, response_header_version
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
    ReplicaState,
)
from minikafka.replication.leading import Leading
from minikafka.runtime.disk import FileRegion

NOW_MS = int(time.time() * 1000)
FOLLOWER, FOLLOWER_EPOCH = 2, 77
VERSION = 18


class Wire:
    """An exchange that keeps its answer."""

    class connection:
        listener = "PLAINTEXT"
        local = ("127.0.0.1", 9092)

    def __init__(self) -> None:
        self.data = b""

    def answer(self, parts: Any) -> None:
        assert not self.data
        for part in parts:
            if isinstance(part, FileRegion):
                self.data += part.read(0, part.size)
                part.release()
            else:
                self.data += bytes(part)

    def when_closed(self, callback: Any) -> None:
        """Nobody closes this one."""


class Asking:
    """One follower with a session that it has opened, which goes one of the two ways."""

    def __init__(self, topic: Any, version: int, *, shortcut: bool) -> None:
        self.topic = topic
        self.version = version
        self.dispatcher = Dispatcher(topic.services)
        if not shortcut:
            self.dispatcher._load(ApiKey.FETCH).shortcut = None
        self.epoch = self.session_id = 0
        self.session_id = self.answer(self.ask(0)).session_id
        assert self.session_id
        # The first of a session tells it the broker epoch, and is not usual for that.
        self.answer(self.ask(0))

    def ask(self, offset: int, **fields: Any) -> Wire:
        wire = Wire()
        self.dispatcher.serve(wire, self.frame(offset, **fields))  # type: ignore[arg-type]
        self.epoch += 1
        return wire

    def frame(self, offset: int, index: int = 1, **fields: Any) -> memoryview:
        wanted = {
            "partition": index,
            "current_leader_epoch": 0,
            "fetch_offset": offset,
            "last_fetched_epoch": 0 if offset else -1,
            "log_start_offset": 0,
            "partition_max_bytes": 1 << 20,
        }
        wanted |= {key: fields.pop(key) for key in list(fields) if key in wanted}
        topics = [FetchTopic(topic_id=self.topic.topic_id, partitions=[FetchPartition(**wanted)])]
        state = ReplicaState(replica_id=FOLLOWER, replica_epoch=FOLLOWER_EPOCH)
        request = FetchRequest(
            **{
                "max_wait_ms": 500,
                "min_bytes": 1,
                "max_bytes": 10 << 20,
                "session_id": self.session_id,
                "session_epoch": self.epoch,
                "topics": topics,
                "replica_state": state,
            }
            | fields
        )
        header = RequestHeader(
            request_api_key=1, request_api_version=self.version, correlation_id=9, client_id="f"
        )
        head = encode(header, request_header_version(1, self.version))
        return memoryview(bytearray(head + encode(request, self.version)))

    def answer(self, wire: Wire) -> Any:
        position = 4 + response_header_version(1, self.version)
        return decode(FetchResponse, self.version, wire.data, position)[0]

    def waiting(self) -> Any:
        session = self.topic.services.fetch_sessions.get(self.session_id)
        assert session is not None
        return session.waiting


@pytest.fixture
async def topic(cluster: Any) -> Any:
    cluster.topic_id = cluster.add_topic("orders", 3, replicas=(1, FOLLOWER))
    services = cluster.services
    cluster.replicas.leading = Leading(
        settings=services.settings, image=services.image, purgatory=services.purgatory
    )
    cluster.replicas.resolve = lambda name, topic_id, index: cluster.replicas.partition(
        "orders", index
    )
    append(cluster)
    return cluster


def append(topic: Any, count: int = 1) -> None:
    for _ in range(count):
        topic.append("orders", NOW_MS, NOW_MS, index=1)


def told(answer: Any) -> Any:
    """All of an answer but the number of its session."""
    answer.session_id = 0
    return answer


@pytest.mark.parametrize("version", [15, 16, 17, 18])
async def test_what_is_there_is_answered_alike(topic: Any, version: int) -> None:
    answers = []
    for shortcut in (False, True):
        asking = Asking(topic, version, shortcut=shortcut)
        if not shortcut:
            append(topic, 3)
        answers.append(told(asking.answer(asking.ask(2))))
    assert answers[0] == answers[1]
    (partition,) = answers[1].responses[0].partitions
    assert len(partition.records) > 200
    assert topic.replicas.partition("orders", 1).high_watermark == 2


@pytest.mark.parametrize("size", [100, 1])
async def test_a_limit_cuts_alike(topic: Any, size: int) -> None:
    append(topic, 3)
    answers = []
    for shortcut in (False, True):
        asking = Asking(topic, VERSION, shortcut=shortcut)
        answers.append(told(asking.answer(asking.ask(2, partition_max_bytes=size))))
    assert answers[0] == answers[1]
    assert answers[1].responses[0].partitions[0].records


@pytest.mark.parametrize("shortcut", [False, True])
async def test_who_has_all_waits_for_more(topic: Any, shortcut: bool) -> None:
    asking = Asking(topic, VERSION, shortcut=shortcut)
    wire = asking.ask(2)
    assert isinstance(asking.waiting(), ReplicaFetch) is shortcut
    assert not wire.data
    assert topic.replicas.partition("orders", 1).high_watermark == 2
    append(topic)
    asking.waiting().try_complete()
    (partition,) = asking.answer(wire).responses[0].partitions
    assert (partition.partition_index, partition.high_watermark) == (1, 2)
    assert len(partition.records) > 60
    assert asking.waiting() is None


@pytest.mark.parametrize("shortcut", [False, True])
async def test_who_waited_in_vain_is_told_the_high_watermark(topic: Any, shortcut: bool) -> None:
    asking = Asking(topic, VERSION, shortcut=shortcut)
    wire = asking.ask(2)
    asking.waiting().expire()
    (partition,) = asking.answer(wire).responses[0].partitions
    assert partition.high_watermark == 2
    assert not partition.records
    assert asking.waiting() is None


async def test_another_partition_that_moves_comes_along(topic: Any) -> None:
    asking = Asking(topic, VERSION, shortcut=True)
    asking.ask(2)
    asking.waiting().expire()
    asking.ask(0, index=2)
    asking.waiting().expire()
    wire = asking.ask(2)
    assert isinstance(asking.waiting(), ReplicaFetch)
    topic.append("orders", NOW_MS, index=2)
    topic.services.purgatory.appended(topic.replicas.partition("orders", 2))
    asking.waiting().try_complete()
    found = asking.answer(wire).responses[0].partitions
    assert [data.partition_index for data in found if data.records] == [2]


async def test_a_leader_that_has_gone_is_no_longer_asked(topic: Any) -> None:
    asking = Asking(topic, VERSION, shortcut=True)
    wire = asking.ask(2)
    partition = topic.replicas.partition("orders", 1)
    partition.is_leader = False
    asking.waiting().try_complete()
    (data,) = asking.answer(wire).responses[0].partitions
    assert data.error_code == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"fetch_offset": 3},
        {"last_fetched_epoch": 4},
        {"current_leader_epoch": 1},
        {"session_epoch": 5},
        {"session_id": 1},
        {"max_wait_ms": 0},
        {"index": 2},
        {"rack_id": "x"},
        {"replica_state": ReplicaState(replica_id=FOLLOWER, replica_epoch=78)},
        {"replica_state": ReplicaState(replica_id=3, replica_epoch=FOLLOWER_EPOCH)},
        {"forgotten_topics_data": [ForgottenTopic(topic="", partitions=[1])]},
    ],
    ids=str,
)
async def test_the_unusual_is_left_alone(topic: Any, fields: dict[str, Any]) -> None:
    asking = Asking(topic, VERSION, shortcut=True)
    session = topic.services.fetch_sessions.get(asking.session_id)
    if "forgotten_topics_data" in fields:
        fields["forgotten_topics_data"][0].topic_id = topic.topic_id
    frame = asking.frame(**({"offset": 2} | fields))
    wire = Wire()
    assert not fetch._serve_usual(topic.services, wire, frame, 12, VERSION, 9)  # type: ignore[arg-type]
    assert not wire.data
    assert session.epoch == 2
    assert asking.waiting() is None


async def test_a_throttled_partition_is_left_alone(topic: Any) -> None:
    asking = Asking(topic, VERSION, shortcut=True)
    topic.replicas.partition("orders", 1).throttled_as_leader = True
    asking.ask(2)
    assert not isinstance(asking.waiting(), ReplicaFetch)
