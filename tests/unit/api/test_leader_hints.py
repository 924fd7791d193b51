"""Where a moved leader is (KIP-951): told by Produce v10+ and Fetch v16+, and nowhere before."""

import asyncio
from typing import Any

import pytest

from minikafka.api.dispatch import Dispatcher
from minikafka.protocol.apis import (
    request_header_version,
    response_class,
    response_header_version,
)
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    ReplicaState,
)
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.protocol.types import ZERO_UUID, Message
from minikafka.records.builder import build_batch

NOT_LEADER = int(ErrorCode.NOT_LEADER_OR_FOLLOWER)


class Exchange:
    class connection:
        listener = "PLAINTEXT"
        local = ("127.0.0.1", 9092)

    def __init__(self) -> None:
        self.data = b""

    def answer(self, parts: Any) -> None:
        self.data = b"".join(bytes(part) for part in parts)

    def when_closed(self, callback: Any) -> None:
        """Nobody closes this one."""


class Elsewhere:
    """Topics `theirs` (led by broker 2, a follower here) and `foreign` (not here at all)."""

    def __init__(self, cluster: Any) -> None:
        cluster.add_broker(2, "PLAINTEXT://other.example:9094", rack="r2")
        self.ids = {
            "theirs": cluster.add_topic("theirs", 1, replicas=(2, 1)),
            "foreign": cluster.add_topic("foreign", 1, replicas=(2,)),
        }
        names = {topic_id: name for name, topic_id in self.ids.items()}
        cluster.replicas.resolve = lambda name, topic_id, index: cluster.replicas.partition(
            name or names[topic_id], index
        )
        self.dispatcher = Dispatcher(cluster.services)

    def ask(self, request: Message, version: int) -> Any:
        key = type(request).api_key
        header = RequestHeader(request_api_key=key, request_api_version=version, client_id="x")
        frame = encode(header, request_header_version(key, version)) + encode(request, version)
        exchange = Exchange()
        self.dispatcher.serve(exchange, memoryview(bytearray(frame)))  # type: ignore[arg-type]
        start = 4 + response_header_version(key, version)
        return decode(response_class(key), version, exchange.data, start)[0]


@pytest.fixture
async def elsewhere(cluster: Any) -> Elsewhere:
    assert asyncio.get_running_loop()
    return Elsewhere(cluster)


def endpoints(response: Any) -> list[tuple[int, str, int, str | None]]:
    return [(node.node_id, node.host, node.port, node.rack) for node in response.node_endpoints]


OTHER = [(2, "other.example", 9094, "r2")]


@pytest.mark.parametrize("version", [9, 10, 12, 13])
async def test_produce_tells(elsewhere: Elsewhere, version: int) -> None:
    batch = build_batch([(1, None, b"x", ())])
    request = ProduceRequest(
        acks=1,
        timeout_ms=1000,
        topic_data=[
            TopicProduceData(
                name=name if version < 13 else "",
                topic_id=topic_id if version >= 13 else ZERO_UUID,
                partition_data=[PartitionProduceData(index=0, records=batch)],
            )
            for name, topic_id in elsewhere.ids.items()
        ],
    )
    response = elsewhere.ask(request, version)
    answers = [topic.partition_responses[0] for topic in response.responses]
    assert [answer.error_code for answer in answers] == [NOT_LEADER, NOT_LEADER]
    if version < 10:
        assert [answer.current_leader for answer in answers] == [None, None]
        assert endpoints(response) == []
    else:
        told = [(a.current_leader.leader_id, a.current_leader.leader_epoch) for a in answers]
        assert told == [(2, 0), (2, 0)]
        assert endpoints(response) == OTHER


@pytest.mark.parametrize("version", [10, 11, 13, 15, 16, 18])
async def test_fetch_tells(elsewhere: Elsewhere, version: int) -> None:
    request = FetchRequest(
        max_wait_ms=60_000,
        max_bytes=1000,
        topics=[
            FetchTopic(
                topic=name if version < 13 else "",
                topic_id=topic_id if version >= 13 else ZERO_UUID,
                partitions=[FetchPartition(partition=0, partition_max_bytes=1000)],
            )
            for name, topic_id in elsewhere.ids.items()
        ],
    )
    response = elsewhere.ask(request, version)
    theirs, foreign = [topic.partitions[0] for topic in response.responses]
    # From v11 on a follower serves consumers (KIP-392).
    assert theirs.error_code == (NOT_LEADER if version < 11 else 0)
    assert theirs.current_leader is None
    assert foreign.error_code == NOT_LEADER
    if version < 16:
        assert foreign.current_leader is None
        assert endpoints(response) == []
    else:
        assert (foreign.current_leader.leader_id, foreign.current_leader.leader_epoch) == (2, 0)
        assert endpoints(response) == OTHER


async def test_a_follower_has_its_leaders_from_the_metadata(elsewhere: Elsewhere) -> None:
    topic = FetchTopic(
        topic_id=elsewhere.ids["foreign"],
        partitions=[FetchPartition(partition=0, partition_max_bytes=1000)],
    )
    request = FetchRequest(replica_state=ReplicaState(replica_id=3), max_bytes=1000, topics=[topic])
    response = elsewhere.ask(request, 17)
    (refused,) = response.responses[0].partitions
    assert (refused.error_code, refused.current_leader.leader_id) == (NOT_LEADER, 2)
    assert endpoints(response) == []
