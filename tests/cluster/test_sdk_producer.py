"""The SDK's producer against a broker in a process of its own."""

import asyncio
import os
import signal

import pytest
from harness.broker import RunningBroker
from harness.peer import Peer, Topic, records_of

from minikafka_client import (
    BrokerError,
    BufferFull,
    Closed,
    ConfigError,
    DeliveryTimeout,
    NotConnected,
    Producer,
    Timeout,
)


def stored(broker: RunningBroker, topic: str, partition: int = 0) -> list[tuple[object, object]]:
    with Peer(broker.host, broker.port) as peer:
        found = Topic(peer, topic, peer.describe_topic(topic).topic_id)
        fetched = found.fetch(0, partition=partition, partition_max_bytes=64 << 20)
        return [(record.key, record.value) for record in records_of(fetched.records)]


async def test_what_is_acknowledged_is_there(shared_broker: RunningBroker) -> None:
    async with Producer(shared_broker.bootstrap) as producer:
        first = await producer.send("sdk-one", b"a", key=b"k", headers={"h": b"1", "n": None})
        handles = [producer.send("sdk-one", b"%d" % n) for n in range(500)]
        await producer.send("sdk-one", None, key=b"k", timestamp_ms=1234)
        offsets = [(await handle).offset for handle in handles]
        (*_, last) = await producer.send_many("sdk-one", [b"m"] * 3000)
    assert (first.topic, first.partition, first.offset) == ("sdk-one", 0, 0)
    assert offsets == list(range(1, 501))
    assert last.base_offset + last.record_count == 3502
    found = stored(shared_broker, "sdk-one")
    assert found[0] == (b"k", b"a")
    assert found[1:501] == [(None, b"%d" % n) for n in range(500)]
    assert found[501] == (b"k", None)
    assert len(found) == 3502


@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_codecs(shared_broker: RunningBroker, compression: str | None) -> None:
    topic = f"sdk-{compression}"
    async with Producer(shared_broker.bootstrap, compression=compression) as producer:  # type: ignore[arg-type]
        await producer.send_many(topic, [b"x" * 100] * 1000)
    assert stored(shared_broker, topic) == [(None, b"x" * 100)] * 1000


async def test_keys_and_partitions(shared_broker: RunningBroker) -> None:
    with shared_broker.connect() as wire:
        wire.create_topic("sdk-keys", 3)
    async with Producer(shared_broker.bootstrap, acks=1, linger_ms=5) as producer:
        assert await producer.partitions("sdk-keys") == [0, 1, 2]
        sent = [await producer.send("sdk-keys", b"v", key=b"foobar") for _ in range(3)]
        assert len({metadata.partition for metadata in sent}) == 1
        assert (await producer.send("sdk-keys", b"v", partition=2)).partition == 2
        spread = [await producer.send("sdk-keys", b"v") for _ in range(6)]
        assert len({metadata.partition for metadata in spread}) > 1
        with pytest.raises(ConfigError):
            producer.send("sdk-keys", b"v", partition=3)
        with pytest.raises(TypeError):
            producer.send("sdk-keys", "text")  # type: ignore[arg-type]


async def test_post_and_failures(shared_broker: RunningBroker) -> None:
    heard: list[tuple[str, int, int]] = []
    with shared_broker.connect() as wire:
        wire.create_topic("sdk-small", 1, {"max.message.bytes": "1000"})
    async with Producer(
        shared_broker.bootstrap, on_failure=lambda topic, p, n, _: heard.append((topic, p, n))
    ) as producer:
        producer.post("sdk-small", b"x" * 2000)
        await producer.flush()
        assert heard == [("sdk-small", 0, 1)]
        with pytest.raises(BrokerError) as raised:
            await producer.send("sdk-small", b"x" * 2000)
        assert raised.value.code.name == "MESSAGE_TOO_LARGE"
        assert not raised.value.retriable
        # The refused batches leave a gap in the sequence, which a new epoch closes.
        assert (await producer.send("sdk-small", b"fits")).offset == 0
        with pytest.raises(BrokerError) as raised:
            await producer.send("not a topic", b"x")
        assert raised.value.code.name == "INVALID_TOPIC_EXCEPTION"
    with pytest.raises(Closed):
        producer.send("sdk-small", b"late")


async def test_the_buffer_is_bounded(own_broker: RunningBroker) -> None:
    async with Producer(own_broker.bootstrap, buffer_bytes=100_000) as producer:
        await producer.send("sdk-full", b"first")
        handles = [producer.send("sdk-full", b"x" * 60_000) for _ in range(2)]
        with pytest.raises(BufferFull):
            producer.send("sdk-full", b"x" * 60_000)
        assert not handles[0].done
        await producer.ready()
        await producer.send("sdk-full", b"last")


async def test_killed_and_started_again_nothing_is_lost_or_doubled(
    own_broker: RunningBroker,
) -> None:
    async with Producer(own_broker.bootstrap, batch_bytes=2000) as producer:
        handles = []
        for number in range(3000):
            handles.append(producer.send("sdk-killed", b"%d" % number))
            if number % 100 == 0:
                await asyncio.sleep(0.001)
            if number == 1500:
                own_broker.kill()
                await asyncio.to_thread(own_broker.start)
        for handle in handles:
            await handle
    assert [value for _, value in stored(own_broker, "sdk-killed")] == [
        b"%d" % number for number in range(3000)
    ]


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
async def test_what_is_raised_when_the_broker_is_gone(
    own_broker: RunningBroker, sign: signal.Signals
) -> None:
    async with Producer(own_broker.bootstrap) as warm:
        await warm.send("sdk-gone", b"create the topic")
    async with Producer(own_broker.bootstrap, delivery_timeout_ms=1500) as producer:
        await producer.partitions("sdk-gone")
        os.kill(own_broker.pid, sign)
        handles = [producer.send(topic, b"after") for topic in ("sdk-gone", "sdk-new")]
        with pytest.raises(Timeout):
            await producer.flush(100)
        for handle in handles:
            with pytest.raises(DeliveryTimeout):
                await handle
        with pytest.raises(DeliveryTimeout):
            await producer.send_many("sdk-gone", [b"more"] * 10)
        left = producer.send("sdk-gone", b"never")
        await producer.close(timeout_ms=50)
        with pytest.raises(Closed):
            await left
    with pytest.raises((NotConnected, Timeout)):
        await Producer(own_broker.bootstrap, connect_timeout_ms=300).start()
