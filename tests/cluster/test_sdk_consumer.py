"""The SDK's consumer against a broker in a process of its own."""

import asyncio
import os
import signal
from contextlib import aclosing

import pytest
from harness.broker import RunningBroker

from minikafka.records.builder import build_batch
from minikafka_client import (
    Admin,
    Closed,
    ConfigError,
    Consumer,
    ConsumerRecord,
    CorruptData,
    NewTopic,
    NotConnected,
    OffsetOutOfRange,
    Producer,
    Timeout,
    TopicPartition,
)


async def fill(broker: RunningBroker, topic: str, count: int) -> None:
    async with Producer(broker.bootstrap, batch_bytes=1000) as producer:
        for number in range(count):
            producer.post(topic, b"%d" % number, key=b"k%d" % number, timestamp_ms=1000 + number)
        await producer.flush()


async def take(consumer: Consumer, count: int) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    async with asyncio.timeout(20), aclosing(aiter(consumer)) as records:  # type: ignore[type-var]
        async for record in records:
            found.append(record)
            if len(found) == count:
                break
    return found


async def test_records_come_in_order_with_all_they_have(shared_broker: RunningBroker) -> None:
    async with Producer(shared_broker.bootstrap) as producer:
        await producer.send("sdk-c1", b"v", key=b"k", headers={"h": b"x"}, timestamp_ms=5)
        await producer.send("sdk-c1", None, key=b"k", timestamp_ms=6)
        await producer.send_many("sdk-c1", [b"%d" % number for number in range(5000)])
    async with Consumer(shared_broker.bootstrap, "sdk-c1", start="earliest") as consumer:
        found = await take(consumer, 5002)
        assert await consumer.position(("sdk-c1", 0)) == 5002
    assert found[0] == ConsumerRecord("sdk-c1", 0, 0, 5, b"k", b"v", (("h", b"x"),))
    assert found[1] == ConsumerRecord("sdk-c1", 0, 1, 6, b"k", None, ())
    assert [record.value for record in found[2:]] == [b"%d" % n for n in range(5000)]
    assert [record.offset for record in found] == list(range(5002))


async def test_batches_decode_what_is_asked_for(shared_broker: RunningBroker) -> None:
    await fill(shared_broker, "sdk-c2", 1000)
    values: list[bytes | None] = []
    async with Consumer(shared_broker.bootstrap) as consumer:
        consumer.assign({TopicPartition("sdk-c2", 0): 17})
        while len(values) < 983:
            batch = await consumer.next_batch(10_000)
            assert batch is not None
            keys = [record.key for record in batch.records()]
            assert keys == [b"k" + (value or b"") for value in batch.values()]
            assert len(batch) == len(keys)
            values += batch.values()
        assert await consumer.next_batch(50) is None
    assert values == [b"%d" % number for number in range(17, 1000)]


async def test_seek_pause_and_offsets(shared_broker: RunningBroker) -> None:
    await fill(shared_broker, "sdk-c3", 100)
    place = TopicPartition("sdk-c3", 0)
    async with Consumer(shared_broker.bootstrap, "sdk-c3", start="earliest") as consumer:
        assert consumer.assignment == [place]
        assert (await take(consumer, 10))[-1].offset == 9
        assert await consumer.position(place) == 10
        assert consumer.lag(place) == 90
        consumer.seek(place, 50)
        assert [record.offset for record in await take(consumer, 2)] == [50, 51]
        consumer.pause(place)
        assert await consumer.next_batch(100) is None
        consumer.resume()
        assert (await take(consumer, 1))[0].offset == 52
        consumer.seek_to_start()
        assert (await take(consumer, 1))[0].offset == 0
        consumer.seek_to_end()
        assert await consumer.position(place) == 100
        assert await consumer.beginning_offsets([place]) == {place: 0}
        assert await consumer.end_offsets([place]) == {place: 100}
        found = await consumer.offsets_for_times({place: 1030})
        assert (found[place].offset, found[place].timestamp_ms) == (30, 1030)
        assert (await consumer.offsets_for_times({place: 10**12}))[place].offset == -1
        with pytest.raises(ConfigError):
            consumer.seek(("sdk-c3", 1), 0)
    with pytest.raises(Closed):
        await consumer.next_batch()


async def test_a_topic_grows(shared_broker: RunningBroker) -> None:
    async with (
        Admin(shared_broker.bootstrap) as admin,
        Producer(shared_broker.bootstrap) as early,
    ):
        await admin.create_topic(NewTopic("sdk-grows", 1))
        async with Consumer(
            shared_broker.bootstrap, "sdk-grows", start="earliest", metadata_max_age_ms=50
        ) as consumer:
            await early.send("sdk-grows", b"old", partition=0)
            assert (await take(consumer, 1))[0].value == b"old"
            await admin.create_partitions("sdk-grows", 2)
            async with Producer(shared_broker.bootstrap) as late:
                await late.send("sdk-grows", b"new", partition=1)
            assert (await take(consumer, 1))[0].value == b"new"


async def test_reading_ends_when_nothing_comes(shared_broker: RunningBroker) -> None:
    """What is there is waited for patiently: a seek waits for the fetch that is under way."""
    await fill(shared_broker, "sdk-ends", 5)
    async with Consumer(shared_broker.bootstrap, "sdk-ends", start="earliest") as consumer:
        assert len(await take(consumer, 5)) == 5
        assert [record async for record in consumer.records(timeout_ms=50)] == []
        consumer.seek_to_start()
        found = 0
        while found < 5:
            found += len(await consumer.next_batch(20_000) or "")
        assert found == 5
        assert [batch async for batch in consumer.batches(timeout_ms=50)] == []
        assert await consumer.next_batch(50) is None


async def test_out_of_range(shared_broker: RunningBroker) -> None:
    await fill(shared_broker, "sdk-c4", 10)
    place = TopicPartition("sdk-c4", 0)
    async with Consumer(shared_broker.bootstrap, on_out_of_range="error") as consumer:
        consumer.assign({place: 1000})
        with pytest.raises(OffsetOutOfRange):
            await consumer.next_batch(10_000)
        consumer.seek(place, 8)
        consumer.resume()
        assert [record.offset for record in await take(consumer, 2)] == [8, 9]
    async with Consumer(shared_broker.bootstrap, start="earliest") as consumer:
        consumer.assign({place: 1000})
        assert (await take(consumer, 1))[0].offset == 0


async def test_new_records_arrive_while_waiting(shared_broker: RunningBroker) -> None:
    await fill(shared_broker, "sdk-c5", 1)
    async with (
        Consumer(shared_broker.bootstrap, "sdk-c5") as consumer,
        Producer(shared_broker.bootstrap) as producer,
    ):
        assert await consumer.position(("sdk-c5", 0)) == 1
        waiting = asyncio.ensure_future(take(consumer, 3))
        await producer.send_many("sdk-c5", [b"a", b"b", b"c"])
        assert [record.value for record in await waiting] == [b"a", b"b", b"c"]


async def test_many_partitions_and_a_restart(own_broker: RunningBroker) -> None:
    with own_broker.connect() as wire:
        wire.create_topic("sdk-c6", 6)
    seen: dict[int, list[int]] = {}
    async with (
        Producer(own_broker.bootstrap) as producer,
        Consumer(own_broker.bootstrap, "sdk-c6", start="earliest", retry_backoff_ms=20) as consumer,
    ):
        for number in range(600):
            producer.post("sdk-c6", b"%d" % number, partition=number % 6)
        for record in await take(consumer, 600):
            seen.setdefault(record.partition, []).append(int(record.value or b""))
        own_broker.kill()
        await asyncio.to_thread(own_broker.start)
        for number in range(600, 1200):
            producer.post("sdk-c6", b"%d" % number, partition=number % 6)
        for record in await take(consumer, 600):
            seen.setdefault(record.partition, []).append(int(record.value or b""))
    assert seen == {partition: list(range(partition, 1200, 6)) for partition in range(6)}


async def test_read_committed(shared_broker: RunningBroker) -> None:
    await fill(shared_broker, "sdk-c7", 3)
    async with Consumer(
        shared_broker.bootstrap, "sdk-c7", start="earliest", isolation_level="read_committed"
    ) as consumer:
        assert [record.offset for record in await take(consumer, 3)] == [0, 1, 2]


async def test_a_damaged_batch_is_told(own_broker: RunningBroker) -> None:
    await fill(own_broker, "sdk-c8", 3)
    own_broker.kill()
    (segment,) = (own_broker.log_dir / "sdk-c8-0").glob("*.log")
    data = segment.read_bytes()
    good = build_batch([(1, None, b"good", ())], base_offset=3, leader_epoch=0)
    bad = bytearray(build_batch([(1, None, b"evil", ())], base_offset=4, leader_epoch=0))
    bad[-3] ^= 1
    segment.write_bytes(data + good + bad)
    (own_broker.log_dir / ".kafka_cleanshutdown").write_text('{"version":0,"brokerEpoch":1}')
    # Recovery would cut the batch off; a broker that skips it (clean marker) serves what it has.
    own_broker.start()
    async with Consumer(own_broker.bootstrap, "sdk-c8", start="earliest") as consumer:
        end = (await consumer.end_offsets([("sdk-c8", 0)]))[TopicPartition("sdk-c8", 0)]
        found = await take(consumer, min(end, 4))
        assert found[-1].offset == min(end, 4) - 1
        if end > 4:
            with pytest.raises(CorruptData):
                await consumer.next_batch(5000)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
async def test_what_is_raised_when_the_broker_is_gone(
    own_broker: RunningBroker, sign: signal.Signals
) -> None:
    await fill(own_broker, "sdk-c9", 3)
    async with Consumer(own_broker.bootstrap, "sdk-c9", start="earliest") as consumer:
        await take(consumer, 3)
        os.kill(own_broker.pid, sign)
        assert await consumer.next_batch(200) is None
        with pytest.raises((Timeout, NotConnected)):
            await consumer.end_offsets([("sdk-c9", 0)], timeout_ms=200)
        with pytest.raises((Timeout, NotConnected)):
            await consumer.partitions("sdk-c9", timeout_ms=200)
