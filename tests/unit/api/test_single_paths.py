"""The shortcuts of Produce and Fetch answer byte for byte what the general path answers."""

import time
from typing import Any

import pytest

from minikafka.api import fetch_single, produce_single
from minikafka.api.dispatch import Dispatcher
from minikafka.network.pipe_sender import NEVER
from minikafka.protocol.apis import ApiKey, request_header_version
from minikafka.protocol.codec import encode
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.protocol.types import Message
from minikafka.records.builder import build_batch
from minikafka.runtime.disk import FileRegion

NOW_MS = int(time.time() * 1000)


class Wire:
    """An exchange that keeps its answer as bytes."""

    class connection:
        listener = "PLAINTEXT"
        local = ("127.0.0.1", 9092)
        piped_from = NEVER

    def __init__(self) -> None:
        self.data = b""
        self.regions = 0

    def answer(self, parts: Any) -> None:
        assert not self.data
        for part in parts:
            if isinstance(part, FileRegion):
                self.regions += 1
                self.data += part.read(0, part.size)
                part.release()
            else:
                self.data += bytes(part)

    def when_closed(self, callback: Any) -> None:
        """Nobody closes this one."""

    def let_produce_pass(self) -> None:
        """Nobody is behind this one."""


def frame_of(request: Message, version: int, client_id: str | None = "someone") -> memoryview:
    key = type(request).api_key
    header = RequestHeader(
        request_api_key=key,
        request_api_version=version,
        correlation_id=0x01020304,
        client_id=client_id,
    )
    body = encode(header, request_header_version(key, version)) + encode(request, version)
    return memoryview(bytearray(body))


@pytest.fixture
def topic(cluster: Any) -> Any:
    """A cluster with one topic `orders` of three partitions."""
    cluster.topic_id = cluster.add_topic("orders", 3)

    def resolve(name: str, topic_id: Any, index: int) -> Any:
        return cluster.replicas.partition(name or "orders", index)

    cluster.replicas.resolve = resolve
    return cluster


def general(cluster: Any) -> Dispatcher:
    """A dispatcher without shortcuts."""
    dispatcher = Dispatcher(cluster.services)
    for key in (ApiKey.PRODUCE, ApiKey.FETCH):
        dispatcher._load(key).shortcut = None
    return dispatcher


def produce_request(topic: Any, version: int, **fields: Any) -> ProduceRequest:
    named = {"topic_id": topic.topic_id} if version >= 13 else {"name": "orders"}
    batch = build_batch([(NOW_MS, None, b"value", ())])
    data = TopicProduceData(
        **named, partition_data=[PartitionProduceData(index=fields.pop("index", 1), records=batch)]
    )
    return ProduceRequest(**({"acks": 1, "timeout_ms": 1000, "topic_data": [data]} | fields))


@pytest.mark.parametrize("version", range(3, 14))
def test_produce_answers_alike(topic: Any, version: int) -> None:
    frame = frame_of(produce_request(topic, version), version)
    long, short = Wire(), Wire()
    general(topic).serve(long, frame)  # type: ignore[arg-type]
    frame = frame_of(produce_request(topic, version), version)
    position = _body_position(version, flexible_from=9)
    served = produce_single.serve_single(
        topic.services,
        short,
        frame,
        position,
        version,
        0x01020304,  # type: ignore[arg-type]
    )
    assert served
    # The second append lies one record further on; all else is the same.
    zero, one = (0).to_bytes(8, "big"), (1).to_bytes(8, "big")
    assert short.data.replace(one, zero, 1) == long.data
    assert topic.replicas.partition("orders", 1).log.log_end_offset == 2


@pytest.mark.parametrize("version", range(3, 14))
@pytest.mark.parametrize("follower_has", [2, 1, 0])
def test_produces_that_wait_answer_alike(topic: Any, version: int, follower_has: int) -> None:
    """Two produces: both replicated, or the second or none until the time is up."""
    topic.topic_id = topic.add_topic("orders", 3, replicas=(1, 2))
    partition = topic.replicas.partition("orders", 1)
    long, short = Wire(), Wire()
    frame = frame_of(produce_request(topic, version, acks=-1), version)
    general(topic).serve(long, frame)  # type: ignore[arg-type]
    frame = frame_of(produce_request(topic, version, acks=-1), version)
    position = _body_position(version, flexible_from=9)
    arguments = (frame, position, version, 0x01020304)
    assert produce_single.serve_single(topic.services, short, *arguments)  # type: ignore[arg-type]
    assert not long.data + short.data
    partition.follower_fetched(2, follower_has)
    for waiting in list(partition.waiting_produces):
        waiting.try_complete()
    topic.services.purgatory.expire_all()
    error = int(ErrorCode.REQUEST_TIMED_OUT).to_bytes(2, "big")
    in_time, late = error not in long.data, error not in short.data
    assert (in_time, late) == (follower_has >= 1, follower_has >= 2)
    zero, one = (0).to_bytes(8, "big"), (1).to_bytes(8, "big")
    answered = short.data.replace(one, zero, 1)
    if in_time and not late:
        answered = answered.replace(error, bytes(2), 1)
    assert answered == long.data
    assert not partition.waiting_produces


@pytest.mark.parametrize("version", [7, 9, 13])
@pytest.mark.parametrize(
    "fields", [{"acks": 0}, {"acks": 2}, {"transactional_id": "t"}, {"index": 7}]
)
def test_an_unusual_produce_is_left_alone(topic: Any, version: int, fields: dict[str, Any]) -> None:
    frame = frame_of(produce_request(topic, version, **fields), version)
    wire = Wire()
    position = _body_position(version, flexible_from=9)
    assert not produce_single.serve_single(topic.services, wire, frame, position, version, 1)  # type: ignore[arg-type]
    assert wire.data == b""
    assert topic.replicas.partition("orders", 1).log.log_end_offset == 0


@pytest.mark.parametrize("version", [3, 9])
def test_a_damaged_batch_is_left_alone(topic: Any, version: int) -> None:
    frame = frame_of(produce_request(topic, version), version)
    frame[-5] ^= 1
    position = _body_position(version, flexible_from=9)
    wire = Wire()
    assert not produce_single.serve_single(topic.services, wire, frame, position, version, 1)  # type: ignore[arg-type]
    assert topic.replicas.partition("orders", 1).log.log_end_offset == 0


def fetch_request(topic: Any, version: int, **fields: Any) -> FetchRequest:
    named = {"topic_id": topic.topic_id} if version >= 13 else {"topic": "orders"}
    wanted = {"partition": 1, "fetch_offset": 3, "partition_max_bytes": 400}
    for key in list(fields):
        if key in FetchPartition.__slots__:
            wanted[key] = fields.pop(key)
    topics = [FetchTopic(**named, partitions=[FetchPartition(**wanted)])]
    usual = {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": 1000, "topics": topics}
    return FetchRequest(**(usual | fields))


def fill(topic: Any) -> None:
    for _ in range(6):
        topic.append("orders", NOW_MS, NOW_MS, NOW_MS, index=1)


@pytest.mark.parametrize("version", range(7, 19))
@pytest.mark.parametrize("rack", ["", "here"])
def test_fetch_answers_alike(topic: Any, version: int, rack: str) -> None:
    fill(topic)
    frame = frame_of(fetch_request(topic, version, rack_id=rack), version)
    long, short = Wire(), Wire()
    general(topic).serve(long, frame)  # type: ignore[arg-type]
    position = _body_position(version, flexible_from=12)
    served = fetch_single.serve_single(
        topic.services,
        short,
        frame,
        position,
        version,
        0x01020304,  # type: ignore[arg-type]
    )
    assert served
    assert short.data == long.data
    assert len(short.data) > 400


class PipedWire(Wire):
    """One whose connection takes regions from 15 KB on."""

    class connection(Wire.connection):
        piped_from = 15_000


@pytest.mark.parametrize("version", range(7, 19))
@pytest.mark.parametrize("wire", [Wire, PipedWire])
def test_fetches_of_large_batches_answer_alike(topic: Any, version: int, wire: type[Wire]) -> None:
    """Read at once; asked again but for the offset; and the batch that is cut left out."""
    log = topic.replicas.partition("orders", 1).log
    for _ in range(12):
        topic.append("orders", *[NOW_MS] * 20, index=1, value=bytes(500))
    position = _body_position(version, flexible_from=12)
    sizes, regions = [], []
    for offset in (25, 40, 239, 0, 100):
        frame = frame_of(
            fetch_request(
                topic, version, fetch_offset=offset, partition_max_bytes=30_000, max_bytes=50_000
            ),
            version,
        )
        long, short = Wire(), wire()
        general(topic).serve(long, frame)  # type: ignore[arg-type]
        assert fetch_single.serve_single(
            topic.services,
            short,  # type: ignore[arg-type]
            frame,
            position,
            version,
            0x01020304,
        )
        assert short.data == long.data
        sizes.append(len(short.data))
        regions.append(short.regions)
    assert len(topic.services.asked_fetches) == 1
    one = log.size_bytes // 12
    assert [size // one for size in sizes] == [2, 2, 1, 2, 2]
    # Where the index does not lead to it, a batch is found by `read`, which gives regions anyway.
    assert regions == ([1, 0, 0, 1, 0] if wire is Wire else [1, 1, 0, 1, 1])


def test_a_partition_that_has_left_is_looked_up_again(topic: Any) -> None:
    fill(topic)
    frame = frame_of(fetch_request(topic, 16), 16)
    position = _body_position(16, flexible_from=12)
    arguments = (frame, position, 16, 1)
    assert fetch_single.serve_single(topic.services, Wire(), *arguments)  # type: ignore[arg-type]
    topic.replicas.partition("orders", 1).retire()
    assert not fetch_single.serve_single(topic.services, Wire(), *arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [7, 11, 12, 16, 18])
@pytest.mark.parametrize(
    "fields",
    [
        {"fetch_offset": 18},
        {"fetch_offset": 99},
        {"min_bytes": 5000},
        {"isolation_level": 1},
        {"session_epoch": 0},
        {"partition": 2},
        {"partition": 9},
    ],
)
def test_an_unusual_fetch_is_left_alone(topic: Any, version: int, fields: dict[str, Any]) -> None:
    fill(topic)
    frame = frame_of(fetch_request(topic, version, **fields), version)
    wire = Wire()
    position = _body_position(version, flexible_from=12)
    assert not fetch_single.serve_single(topic.services, wire, frame, position, version, 1)  # type: ignore[arg-type]
    assert wire.data == b""


def _body_position(version: int, *, flexible_from: int) -> int:
    return 10 + len("someone") + (1 if version >= flexible_from else 0)
