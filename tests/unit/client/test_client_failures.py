"""Whatever brokers answer or omit: every acknowledged record once, and in order."""

import asyncio
from collections.abc import Callable

import pytest
from harness.scripted import TOPIC, ScriptedCluster, produced, records_of

from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.produce import ProduceRequest, ProduceResponse
from minikafka.records.batch import read_header
from minikafka_client import BrokerError, DeliveryTimeout, Producer

VALUES = [b"%d" % number for number in range(60)]
Produced = Callable[[ProduceRequest], ProduceResponse | None]


def producer(scripted: ScriptedCluster, delivery_timeout_ms: float = 20_000) -> Producer:
    return Producer(
        scripted.bootstrap,
        batch_bytes=300,  # about ten records
        delivery_timeout_ms=delivery_timeout_ms,
        retry_backoff_ms=5,
        reconnect_backoff_ms=5,
        request_timeout_ms=5_000,
    )


async def send_all(sending: Producer) -> list[int]:
    """The offsets."""
    handles = [sending.send(TOPIC, value) for value in VALUES]
    return [(await handle).offset for handle in handles]


async def test_the_leader_has_moved(scripted: ScriptedCluster) -> None:
    async with producer(scripted) as sending:
        await sending.send(TOPIC, b"first")
        scripted.leader = 1
        assert await send_all(sending) == list(range(1, 61))
    assert scripted.stored == [b"first", *VALUES]
    assert scripted.nodes[1].asked[ApiKey.PRODUCE] >= 6


async def test_there_is_no_leader_for_a_while(scripted: ScriptedCluster) -> None:
    async with producer(scripted) as sending:
        await sending.send(TOPIC, b"first")
        scripted.leader = -1
        handles = [sending.send(TOPIC, value) for value in VALUES]
        await scripted.until(lambda: scripted.nodes[0].asked[ApiKey.METADATA] >= 5)
        scripted.leader = 1
        for handle in handles:
            await handle
    assert scripted.stored == [b"first", *VALUES]


async def test_written_but_the_answer_was_lost(scripted: ScriptedCluster) -> None:
    lost = 0

    def store_and_hang_up(request: ProduceRequest) -> ProduceResponse | None:
        nonlocal lost
        answer = scripted.store(request)
        lost += 1
        return None if lost in (1, 4, 5) else answer

    scripted.nodes[0].answers[ApiKey.PRODUCE] = store_and_hang_up
    async with producer(scripted) as sending:
        await send_all(sending)
    assert scripted.stored == VALUES
    assert {header.producer_epoch for header in scripted.batches} == {0}


async def test_a_batch_that_times_out_holds_up_those_behind(scripted: ScriptedCluster) -> None:
    refused = False

    def refuse_the_first(request: ProduceRequest) -> ProduceResponse:
        nonlocal refused
        if not refused:
            refused = True
            return produced(ErrorCode.REQUEST_TIMED_OUT)
        return scripted.store(request)  # out of order for what was in flight behind it

    scripted.nodes[0].answers[ApiKey.PRODUCE] = refuse_the_first
    async with producer(scripted) as sending:
        assert await send_all(sending) == list(range(60))
    assert scripted.stored == VALUES
    assert {header.producer_epoch for header in scripted.batches} == {0}


async def test_the_broker_has_forgotten_the_producer(scripted: ScriptedCluster) -> None:
    async with producer(scripted) as sending:
        await sending.send(TOPIC, b"first")
        scripted.expected.clear()
        await send_all(sending)
    assert scripted.stored == [b"first", *VALUES]
    assert [header.producer_epoch for header in scripted.batches][:2] == [0, 1]
    assert scripted.batches[1].base_sequence == 0


async def test_a_refused_batch_leaves_no_gap(scripted: ScriptedCluster) -> None:
    def refuse_the_third(request: ProduceRequest) -> ProduceResponse:
        header = read_header(records_of(request))
        if (header.producer_epoch, header.base_sequence) == (0, 20):
            return produced(ErrorCode.MESSAGE_TOO_LARGE)
        return scripted.store(request)

    scripted.nodes[0].answers[ApiKey.PRODUCE] = refuse_the_third
    async with producer(scripted) as sending:
        handles = [sending.send(TOPIC, value) for value in VALUES]
        await sending.flush()
    per_batch = scripted.batches[0].record_count
    lost = [value for value, each in zip(VALUES, handles, strict=True) if each.failure]
    assert lost == VALUES[2 * per_batch : 3 * per_batch]
    assert all(isinstance(each.failure, BrokerError) for each in handles if each.failure)
    assert scripted.stored == [value for value in VALUES if value not in lost]


async def test_behind_a_batch_that_expired_nothing_is_written_twice(
    scripted: ScriptedCluster,
) -> None:
    """The first batch is written, but never acknowledged; so is the second, before it is told."""
    silent = True

    def store(request: ProduceRequest) -> ProduceResponse | None:
        answer = scripted.store(request)
        return None if silent else answer

    scripted.nodes[0].answers[ApiKey.PRODUCE] = store
    async with producer(scripted, delivery_timeout_ms=1_500) as sending:
        first = sending.send(TOPIC, b"first")
        with pytest.raises(DeliveryTimeout):
            await asyncio.gather(first, _later(sending, scripted))
        silent = False
        await sending.flush()
        await sending.send(TOPIC, b"last")
    assert scripted.stored.count(b"first") == 1
    assert scripted.stored.count(b"second") <= 1
    assert scripted.stored[-1] == b"last"


async def _later(sending: Producer, scripted: ScriptedCluster) -> None:
    await scripted.until(lambda: bool(scripted.stored))
    sending.post(TOPIC, b"second")


async def test_a_topic_that_is_unknown_for_a_while(scripted: ScriptedCluster) -> None:
    scripted.topic_error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    async with producer(scripted) as sending:
        handle = sending.send(TOPIC, b"early", key=b"k")
        await scripted.until(lambda: scripted.nodes[0].asked[ApiKey.METADATA] >= 3)
        scripted.topic_error = ErrorCode.NONE
        assert (await handle).offset == 0
        # A broker that has just started knows nothing for a while; keys keep their partitions.
        scripted.topic_error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        scripted.leader = 1
        handles = [sending.send(TOPIC, value, key=value) for value in VALUES]
        asked = scripted.nodes[0].asked[ApiKey.METADATA]
        await scripted.until(lambda: scripted.nodes[0].asked[ApiKey.METADATA] >= asked + 3)
        scripted.topic_error = ErrorCode.NONE
        for handle in handles:
            await handle
    assert scripted.stored[:61] == [b"early", *VALUES]


async def test_a_broker_comes_back_with_another_port(scripted: ScriptedCluster) -> None:
    async with producer(scripted) as sending:
        await sending.send(TOPIC, b"first")
        await scripted.nodes[0].stop()
        handles = [sending.send(TOPIC, value) for value in VALUES]
        await scripted.until(lambda: scripted.nodes[1].asked[ApiKey.METADATA] > 0)
        await scripted.nodes[0].start()
        for handle in handles:
            await handle
    assert scripted.stored == [b"first", *VALUES]
