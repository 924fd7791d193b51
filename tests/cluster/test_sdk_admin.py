"""The SDK's admin client against a broker in a process of its own."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from harness.broker import RunningBroker

from minikafka_client import (
    EARLIEST,
    LATEST,
    Admin,
    BrokerError,
    ConfigOperation,
    ConfigSource,
    NewTopic,
    NotConnected,
    Producer,
    ResourceType,
    Timeout,
    TopicPartition,
)

T = TypeVar("T")


async def told(question: Callable[[], Awaitable[T]], is_so: Callable[[T], bool]) -> T:
    """The first answer that is so: Apache Kafka answers from a copy of the metadata that is a
    moment behind what it has just acknowledged."""
    async with asyncio.timeout(30):
        while not is_so(answer := await question()):
            pass
    return answer


async def test_topics_and_partitions(shared_broker: RunningBroker) -> None:
    async with Admin(shared_broker.bootstrap) as admin:
        created = await admin.create_topic(NewTopic("sdk-a1", 3, configs={"retention.ms": "1000"}))
        assert (created.name, created.partitions, created.replication_factor) == ("sdk-a1", 3, 1)
        with pytest.raises(BrokerError) as raised:
            await admin.create_topic(NewTopic("sdk-a1"))
        assert raised.value.code.name == "TOPIC_ALREADY_EXISTS"
        assert (
            await admin.create_topic(NewTopic("sdk-dry", 2), validate_only=True)
        ).partitions == 2
        await told(admin.list_topics, lambda topics: "sdk-a1" in topics)
        assert "sdk-dry" not in await admin.list_topics()
        await admin.create_partitions("sdk-a1", 5)
        described = await told(
            lambda: admin.describe_topic("sdk-a1"), lambda topic: len(topic.partitions) == 5
        )
        assert described.topic_id == created.topic_id
        assert [each.leader for each in described.partitions.values()] == [0] * 5
        with pytest.raises(BrokerError) as raised:
            await admin.create_partitions("sdk-a1", 2)
        assert raised.value.code.name == "INVALID_PARTITIONS"
        await admin.delete_topic("sdk-a1")
        await told(admin.list_topics, lambda topics: "sdk-a1" not in topics)
        with pytest.raises(BrokerError) as raised:
            await admin.describe_topic("sdk-a1")
        assert raised.value.code.name == "UNKNOWN_TOPIC_OR_PARTITION"
        with pytest.raises(BrokerError):
            await admin.delete_topic("sdk-a1")


async def test_configs(shared_broker: RunningBroker) -> None:
    async with Admin(shared_broker.bootstrap) as admin:
        await admin.create_topic(NewTopic("sdk-a2", 1, configs={"retention.ms": "1000"}))
        configs = await admin.describe_configs(ResourceType.TOPIC, "sdk-a2")
        assert configs["retention.ms"].value == "1000"
        assert configs["retention.ms"].source is ConfigSource.DYNAMIC_TOPIC_CONFIG
        assert configs["segment.bytes"].source is ConfigSource.DEFAULT_CONFIG
        changes = {
            "retention.ms": None,
            "cleanup.policy": (ConfigOperation.APPEND, "compact"),
            "max.message.bytes": "2000",
        }
        await admin.alter_configs(ResourceType.TOPIC, "sdk-a2", changes)
        keys = ["retention.ms", "cleanup.policy", "max.message.bytes"]
        configs = await told(
            lambda: admin.describe_configs(ResourceType.TOPIC, "sdk-a2", keys=keys),
            lambda configs: configs["max.message.bytes"].value == "2000",
        )
        assert sorted(configs) == sorted(keys)
        assert configs["retention.ms"].value == "604800000"
        assert configs["cleanup.policy"].value == "delete,compact"
        assert configs["max.message.bytes"].value == "2000"
        with pytest.raises(BrokerError) as raised:
            await admin.alter_configs(ResourceType.TOPIC, "sdk-a2", {"retention.ms": "soon"})
        assert raised.value.code.name == "INVALID_CONFIG"
        broker = await admin.describe_configs(ResourceType.BROKER, "0", keys=["node.id"])
        assert broker["node.id"].value == "0"


async def test_records_offsets_and_cluster(shared_broker: RunningBroker) -> None:
    place = TopicPartition("sdk-a3", 0)
    async with Admin(shared_broker.bootstrap) as admin, Producer(shared_broker.bootstrap) as p:
        await admin.create_topic(NewTopic("sdk-a3", 1))
        await p.send_many("sdk-a3", [b"x"] * 10)
        assert await admin.delete_records({place: 4}) == {place: 4}
        assert (await admin.list_offsets({place: EARLIEST}))[place].offset == 4
        assert (await admin.list_offsets({place: LATEST}))[place].offset == 10
        with pytest.raises(BrokerError) as raised:
            await admin.delete_records({place: 11})
        assert raised.value.code.name == "OFFSET_OUT_OF_RANGE"
        cluster = await admin.describe_cluster()
        assert [(node.node_id, node.port) for node in cluster.nodes] == [(0, shared_broker.port)]
        assert len(cluster.cluster_id) == 22


async def test_the_cluster_itself(shared_broker: RunningBroker) -> None:
    place = TopicPartition("sdk-a5", 0)
    async with Admin(shared_broker.bootstrap) as admin, Producer(shared_broker.bootstrap) as p:
        await admin.create_topic(NewTopic("sdk-a5", 1))
        await p.send_many("sdk-a5", [b"x" * 100] * 10)
        (directory,) = await admin.describe_log_dirs(0)
        assert directory.path == str(shared_broker.log_dir)
        assert directory.replicas[place].size_bytes > 1000
        assert directory.total_bytes > directory.usable_bytes > 0
        quorum = await admin.describe_quorum()
        assert quorum.leader_id == 0
        assert [voter.replica_id for voter in quorum.voters] == [0]
        assert quorum.high_watermark > 0
        features = await admin.describe_features()
        version = features["metadata.version"]
        assert version.finalized is not None
        assert version.min_level <= version.finalized <= version.max_level
        await admin.update_features({"metadata.version": version.finalized}, validate_only=True)
        with pytest.raises(BrokerError):
            await admin.update_features({"metadata.version": 32_000})
        assert await admin.elect_leaders([place]) == {}
        unknown = TopicPartition("sdk-none", 3)
        assert (await admin.elect_leaders([unknown]))[unknown].name == "UNKNOWN_TOPIC_OR_PARTITION"
        assert await admin.list_partition_reassignments() == {}
        (producer,) = await admin.describe_producers(place)
        assert (producer.epoch, producer.last_sequence) == (0, 9)
        assert producer.transaction_start_offset == -1
        with pytest.raises(BrokerError) as raised:
            await admin.unregister_broker(77)
        assert raised.value.code.name == "BROKER_ID_NOT_REGISTERED"


async def test_quotas_and_resources(shared_broker: RunningBroker) -> None:
    alice: dict[str, str | None] = {"user": "sdk-alice", "client-id": None}
    async with Admin(shared_broker.bootstrap) as admin:
        await admin.alter_client_quotas(
            alice, {"producer_byte_rate": 1e6, "consumer_byte_rate": 2e6}
        )
        await admin.alter_client_quotas(alice, {"producer_byte_rate": None})
        left = [(alice, {"consumer_byte_rate": 2e6})]
        await told(lambda: admin.describe_client_quotas(alice), lambda quotas: quotas == left)
        assert (alice, {"consumer_byte_rate": 2e6}) in await admin.describe_client_quotas()
        with pytest.raises(BrokerError):
            await admin.alter_client_quotas(alice, {"no_such_rate": 1.0})
        await admin.create_topic(NewTopic("sdk-a6", 1))
        wanted = ResourceType.TOPIC, "sdk-a6"
        await told(
            lambda: admin.list_config_resources(ResourceType.TOPIC), lambda known: wanted in known
        )
        assert (ResourceType.BROKER, "0") in await admin.list_config_resources()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
async def test_what_is_raised_when_the_broker_is_gone(
    own_broker: RunningBroker, sign: signal.Signals
) -> None:
    async with Admin(own_broker.bootstrap) as admin:
        os.kill(own_broker.pid, sign)
        for call in (
            admin.create_topic(NewTopic("sdk-a4"), timeout_ms=150),
            admin.list_topics(timeout_ms=150),
            admin.describe_configs(ResourceType.BROKER, "0", timeout_ms=150),
            admin.list_offsets({TopicPartition("sdk-a4", 0): EARLIEST}, timeout_ms=150),
        ):
            with pytest.raises((Timeout, NotConnected)):
                await call
