"""Produce with acks=all where the in-sync replicas are several: waiting, passing, giving up.

The followers here are the test: it says how far they have come.
"""

import asyncio
import time
from typing import Any

import pytest

from minikafka.api.dispatch import Dispatcher
from minikafka.protocol.apis import ApiKey, request_header_version, response_header_version
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.headers import RequestHeader
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord
from minikafka.records.builder import build_batch

NOW_MS = int(time.time() * 1000)
VERSION = 12


class Exchange:
    """A produce on its connection: whether later ones may pass it, and its answer."""

    class connection:
        listener = "PLAINTEXT"
        local = ("127.0.0.1", 9092)

    def __init__(self) -> None:
        self.answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.may_pass = False
        self.lose: Any = None

    def answer(self, parts: Any) -> None:
        data = b"".join(bytes(part) for part in parts)
        start = 4 + response_header_version(ApiKey.PRODUCE, VERSION)
        response, _ = decode(ProduceResponse, VERSION, data, start)
        self.answered.set_result(
            {
                (topic.name, done.index): (done.error_code, done.base_offset)
                for topic in response.responses
                for done in topic.partition_responses
            }
        )

    def let_produce_pass(self) -> None:
        self.may_pass = True

    def when_closed(self, callback: Any) -> None:
        self.lose = callback

    async def result(self) -> Any:
        return await asyncio.wait_for(asyncio.shield(self.answered), 5)


class Leader:
    """Broker 1, which leads `orders` with follower 2; and the frames that are produced to it."""

    def __init__(self, cluster: Any) -> None:
        self.cluster = cluster
        cluster.replicas.resolve = lambda name, _, index: cluster.replicas.partition(name, index)
        self.dispatcher = Dispatcher(cluster.services)
        self.topic_id = cluster.add_topic("orders", 2, replicas=(1, 2))

    def partition(self, index: int = 0) -> Any:
        return self.cluster.replicas.partition("orders", index)

    def produce(self, *indexes: int, acks: int = -1, timeout_ms: int = 60_000) -> Exchange:
        batch = build_batch([(NOW_MS, None, b"value", ())])
        data = [PartitionProduceData(index=index, records=batch) for index in indexes or (0,)]
        request = ProduceRequest(
            acks=acks,
            timeout_ms=timeout_ms,
            topic_data=[TopicProduceData(name="orders", partition_data=data)],
        )
        header = RequestHeader(request_api_key=0, request_api_version=VERSION, client_id="x")
        frame = encode(header, request_header_version(0, VERSION)) + encode(request, VERSION)
        exchange = Exchange()
        self.dispatcher.serve(exchange, memoryview(bytearray(frame)))  # type: ignore[arg-type]
        return exchange

    def follower_has(self, end_offset: int, index: int = 0) -> None:
        """Broker 2 has fetched up to `end_offset`."""
        partition = self.partition(index)
        if partition.follower_fetched(2, end_offset):
            self.cluster.services.purgatory.changed(partition)

    def change(self, index: int = 0, **fields: Any) -> None:
        """A partition change is committed."""
        self.cluster.replay(
            PartitionChangeRecord(topic_id=self.topic_id, partition_id=index, **fields)
        )
        self.cluster.services.purgatory.changed(self.partition(index))

    def assert_nobody_waits(self) -> None:
        assert len(self.cluster.services.purgatory) == 0
        assert not self.partition(0).waiting_produces
        assert not self.partition(1).waiting_produces


@pytest.fixture(params=["shortcut", "general"])
async def leader(cluster: Any, request: Any) -> Leader:
    leader = Leader(cluster)
    if request.param == "general":
        leader.dispatcher._load(ApiKey.PRODUCE).shortcut = None
    return leader


async def test_it_is_answered_when_the_high_watermark_has_passed(leader: Leader) -> None:
    exchange = leader.produce()
    assert exchange.may_pass
    await asyncio.sleep(0)
    assert not exchange.answered.done()
    leader.follower_has(1)
    assert await exchange.result() == {("orders", 0): (0, 0)}
    leader.assert_nobody_waits()


async def test_acks_1_does_not_wait(leader: Leader) -> None:
    exchange = leader.produce(acks=1)
    assert await exchange.result() == {("orders", 0): (0, 0)}
    assert leader.partition().high_watermark == 0


async def test_several_wait_and_each_for_its_own_offset(leader: Leader) -> None:
    exchanges = [leader.produce() for _ in range(3)]
    leader.follower_has(2)
    assert await exchanges[1].result() == {("orders", 0): (0, 1)}
    assert exchanges[0].answered.done()
    assert not exchanges[2].answered.done()
    leader.follower_has(3)
    assert await exchanges[2].result() == {("orders", 0): (0, 2)}
    leader.assert_nobody_waits()


async def test_it_waits_for_all_of_its_partitions(leader: Leader) -> None:
    exchange = leader.produce(0, 1)
    leader.follower_has(1, 0)
    await asyncio.sleep(0)
    assert not exchange.answered.done()
    leader.follower_has(1, 1)
    assert await exchange.result() == {("orders", 0): (0, 0), ("orders", 1): (0, 0)}
    leader.assert_nobody_waits()


async def test_a_shrunken_isr_commits(leader: Leader) -> None:
    exchange = leader.produce()
    leader.change(isr=[1])
    assert await exchange.result() == {("orders", 0): (0, 0)}


async def test_at_the_timeout_the_offset_is_told_with_the_error(leader: Leader) -> None:
    exchange = leader.produce(0, 1, timeout_ms=20)
    leader.follower_has(1, 1)
    timed_out = int(ErrorCode.REQUEST_TIMED_OUT)
    assert await exchange.result() == {("orders", 0): (timed_out, 0), ("orders", 1): (0, 0)}
    leader.assert_nobody_waits()
    leader.follower_has(1)  # may be committed later
    assert leader.partition().high_watermark == 1


async def test_a_leader_no_more_says_so(leader: Leader) -> None:
    exchange = leader.produce(0, 1)
    leader.change(0, leader=2)
    leader.follower_has(1, 1)
    not_leader = int(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    assert await exchange.result() == {("orders", 0): (not_leader, 0), ("orders", 1): (0, 0)}
    leader.assert_nobody_waits()


async def test_below_the_minimum_nothing_is_appended(leader: Leader) -> None:
    leader.cluster.configure("orders", "min.insync.replicas", "2")
    leader.change(isr=[1])
    exchange = leader.produce()
    assert await exchange.result() == {("orders", 0): (int(ErrorCode.NOT_ENOUGH_REPLICAS), -1)}
    assert leader.partition().log.log_end_offset == 0


async def test_falling_below_the_minimum_while_it_waits_is_told(leader: Leader) -> None:
    leader.cluster.configure("orders", "min.insync.replicas", "2")
    exchange = leader.produce()
    leader.follower_has(1)
    leader.change(isr=[1])
    code = int(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
    assert await exchange.result() == {("orders", 0): (code, 0)}


async def test_nothing_is_committed_below_the_minimum(leader: Leader) -> None:
    leader.cluster.configure("orders", "min.insync.replicas", "2")
    exchange = leader.produce(timeout_ms=20)
    leader.change(isr=[1])
    assert await exchange.result() == {("orders", 0): (int(ErrorCode.REQUEST_TIMED_OUT), 0)}
    assert leader.partition().high_watermark == 0


async def test_who_has_gone_is_not_waited_for(leader: Leader) -> None:
    exchange = leader.produce(0, 1)
    exchange.lose()
    leader.assert_nobody_waits()
    leader.follower_has(1)
    await asyncio.sleep(0)
    assert not exchange.answered.done()


async def test_a_fault_while_it_waits_is_answered(
    leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    exchange = leader.produce(0, 1)
    leader.follower_has(1, 1)
    await asyncio.sleep(0)
    leader.partition(0).isr = None  # type: ignore[assignment]  # our fault
    leader.partition(0).high_watermark = 1
    leader.cluster.services.purgatory.changed(leader.partition(0))
    unknown = int(ErrorCode.UNKNOWN_SERVER_ERROR)
    assert await exchange.result() == {("orders", 0): (unknown, 0), ("orders", 1): (0, 0)}
    assert [record.getMessage() for record in caplog.records] == ["PRODUCE v12 failed"]
    leader.assert_nobody_waits()
