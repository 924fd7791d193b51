"""What each Python client produces, each of them reads back: codecs, nulls, headers, keys."""

import asyncio
from typing import Any

import aiokafka
import confluent_kafka
import kafka
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from harness.broker import RunningBroker
from harness.clients import (
    CODECS,
    PYTHON_CLIENTS,
    Client,
    Keyed,
    by_partition,
    librdkafka_sends_plain,
)
from harness.segments import stored_codecs

TIMESTAMP_MS = 1_700_000_000_123

each_client = pytest.mark.parametrize("client", PYTHON_CLIENTS, ids=lambda client: client.name)


def create(broker: RunningBroker, topic: str, partitions: int = 1) -> str:
    with broker.connect() as wire:
        wire.create_topic(topic, partitions)
    return topic


@pytest.mark.parametrize("codec", CODECS)
@each_client
def test_every_codec_is_stored_and_read_by_all(
    shared_broker: RunningBroker, client: Client, codec: str
) -> None:
    with shared_broker.connect() as wire:
        advertised = wire.api_versions()
    topic = create(shared_broker, f"{client.name}-{codec}")
    sent = [Keyed(b"k%d" % (n % 5), f"{codec} {n} ".encode() * (n % 300)) for n in range(400)]
    client.produce(shared_broker.bootstrap, topic, sent, codec)
    if not (client is PYTHON_CLIENTS[0] and librdkafka_sends_plain(codec, advertised)):
        assert stored_codecs(shared_broker.log_dir, topic) - {"none"} == {codec} - {"none"}
    for reader in PYTHON_CLIENTS:
        assert by_partition(reader.read(shared_broker.bootstrap, topic))[0] == sent


@each_client
def test_null_and_empty_keys_and_values_stay_apart(
    shared_broker: RunningBroker, client: Client
) -> None:
    topic = create(shared_broker, f"{client.name}-nulls")
    sent = [Keyed(key, value) for key in (None, b"", b"k") for value in (b"", b"v")]
    sent.append(Keyed(b"a tombstone", None))
    client.produce(shared_broker.bootstrap, topic, sent)
    for reader in PYTHON_CLIENTS:
        assert by_partition(reader.read(shared_broker.bootstrap, topic))[0] == sent


@each_client
def test_large_records_travel_whole(shared_broker: RunningBroker, client: Client) -> None:
    topic = create(shared_broker, f"{client.name}-large")
    sent = [Keyed(b"large", bytes([n]) * 990_000) for n in range(4)]
    client.produce(shared_broker.bootstrap, topic, sent)
    for reader in PYTHON_CLIENTS:
        assert by_partition(reader.read(shared_broker.bootstrap, topic))[0] == sent


def test_the_same_key_stays_in_one_partition_in_order(shared_broker: RunningBroker) -> None:
    topic = create(shared_broker, "keyed", partitions=6)
    sent = [Keyed(b"key %d" % (n % 40), b"%d" % n) for n in range(2000)]
    for client in PYTHON_CLIENTS:
        client.produce(shared_broker.bootstrap, topic, sent)
    for reader in PYTHON_CLIENTS:
        grouped = by_partition(reader.read(shared_broker.bootstrap, topic, 6))
        assert sum(map(len, grouped.values())) == len(sent) * len(PYTHON_CLIENTS)
        # Of one producer and one key: murmur2 or CRC-32 decide where, never twice differently.
        for partition in grouped.values():
            for key in {record.key for record in partition}:
                values = [int(record.value or b"") for record in partition if record.key == key]
                runs = len(values) // 50
                assert values == sorted(values[:50]) * runs


async def test_headers_and_timestamps_pass_between_clients(shared_broker: RunningBroker) -> None:
    topic = create(shared_broker, "headers")
    headers = [("trace", b"\x00\xff"), ("trace", b"again"), ("empty", b"")]
    async with aiokafka.AIOKafkaProducer(
        bootstrap_servers=shared_broker.bootstrap, acks="all"
    ) as producer:
        await producer.send_and_wait(topic, b"v", headers=headers, timestamp_ms=TIMESTAMP_MS)
    assert await asyncio.to_thread(_confluent_sees, shared_broker, topic) == (TIMESTAMP_MS, headers)
    assert await asyncio.to_thread(_kafka_python_sees, shared_broker, topic) == (
        TIMESTAMP_MS,
        headers,
    )


def _confluent_sees(broker: RunningBroker, topic: str) -> tuple[int, list[Any]]:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "unused", "enable.auto.commit": False}
    )
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        message = consumer.poll(30)
        assert message is not None
        assert message.error() is None
        return message.timestamp()[1], message.headers()
    finally:
        consumer.close()


def _kafka_python_sees(broker: RunningBroker, topic: str) -> tuple[int, list[Any]]:
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=None)
    try:
        consumer.assign([kafka.TopicPartition(topic, 0)])
        consumer.seek_to_beginning()
        ((record,),) = consumer.poll(30_000).values()
        return record.timestamp, record.headers
    finally:
        consumer.close()


def test_a_topic_is_created_and_deleted_by_an_admin_client(shared_broker: RunningBroker) -> None:
    admin = AdminClient({"bootstrap.servers": shared_broker.bootstrap})
    created = admin.create_topics([NewTopic("administered", 3, 1, config={"retention.ms": "9000"})])
    created["administered"].result(30)
    assert len(admin.list_topics("administered", 30).topics["administered"].partitions) == 3
    again = admin.create_topics([NewTopic("administered", 3, 1)])["administered"]
    with pytest.raises(confluent_kafka.KafkaException) as refused:
        again.result(30)
    assert refused.value.args[0].code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS
    admin.delete_topics(["administered"])["administered"].result(30)
    assert "administered" not in admin.list_topics(timeout=30).topics


@each_client
def test_an_unknown_topic_is_created_by_producing_to_it(
    shared_broker: RunningBroker, client: Client
) -> None:
    topic = f"made-by-{client.name}"
    sent = [Keyed(None, b"%d" % n) for n in range(20)]
    client.produce(shared_broker.bootstrap, topic, sent)
    assert by_partition(client.read(shared_broker.bootstrap, topic))[0] == sent
