"""The difference of two images tells what the run of records between them tells."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from uuid import UUID

import pytest

from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.difference import difference
from minikafka.metadata.image import MetadataImage
from minikafka.protocol.metadata_records import module_name

ORDERS, OTHER = UUID(int=101), UUID(int=102)


def record(name: str, /, **fields: Any) -> Any:
    module = import_module(f"minikafka.protocol.records.metadata.{module_name(name)}")
    return getattr(module, name)(**fields)


def partition(index: int, topic_id: UUID) -> Any:
    return record(
        "PartitionRecord",
        partition_id=index,
        topic_id=topic_id,
        replicas=[1, 2],
        isr=[1, 2],
        leader=1,
    )


def broker(broker_id: int, epoch: int) -> Any:
    return record(
        "RegisterBrokerRecord",
        broker_id=broker_id,
        broker_epoch=epoch,
        incarnation_id=UUID(int=epoch),
        end_points=[],
        features=[],
        fenced=True,
    )


def config(kind: int, name: str, value: str | None) -> Any:
    return record("ConfigRecord", resource_type=kind, resource_name=name, name="k", value=value)


BEFORE = [
    record("TopicRecord", name="orders", topic_id=ORDERS),
    partition(0, ORDERS),
    partition(1, ORDERS),
    config(2, "orders", "v"),
    config(4, "1", "v"),
    broker(1, 10),
    broker(2, 11),
    record("FeatureLevelRecord", name="group.version", feature_level=1),
    record("UserScramCredentialRecord", name="alice", mechanism=1),
]
RUNS = {
    "nothing": [record("NoOpRecord")],
    "a leader changes": [
        record("PartitionChangeRecord", partition_id=1, topic_id=ORDERS, leader=2)
    ],
    "a topic is made": [
        record("TopicRecord", name="other", topic_id=OTHER),
        partition(0, OTHER),
        config(2, "other", "v"),
    ],
    "partitions are added": [partition(2, ORDERS)],
    "a topic goes": [record("RemoveTopicRecord", topic_id=ORDERS)],
    "a topic goes and comes again": [
        record("RemoveTopicRecord", topic_id=ORDERS),
        record("TopicRecord", name="orders", topic_id=OTHER),
        partition(0, OTHER),
    ],
    "configs change": [config(2, "orders", None), config(4, "1", "w"), config(4, "", "w")],
    "brokers come, change and go": [
        record("UnregisterBrokerRecord", broker_id=1, broker_epoch=10),
        record("BrokerRegistrationChangeRecord", broker_id=2, broker_epoch=11, fenced=-1),
        broker(3, 12),
    ],
    "a feature": [record("FeatureLevelRecord", name="group.version", feature_level=0)],
    "a credential": [record("RemoveUserScramCredentialRecord", name="alice", mechanism=1)],
}


@pytest.mark.parametrize("run", RUNS.values(), ids=list(RUNS))
def test_it_tells_what_the_records_tell(run: list[Any]) -> None:
    before = MetadataImage()
    for one in BEFORE:
        before.replay(one)
    after = before.copy()
    told = MetadataDelta()
    for one in run:
        told.touch(after, one)
        after.replay(one)
    found = difference(before, after)
    if told.deleted_topics:
        # A topic takes its configs along; here they are named, and there is nothing left to name.
        found.changed_configs.discard((2, "orders"))
    for name in MetadataDelta.__slots__:
        # Topics have no equality of their own: which they are must do.
        got, expected = (
            [*value] if isinstance(value, dict) else value
            for value in (getattr(found, name), getattr(told, name))
        )
        assert got == expected, name


def test_an_image_becomes_another() -> None:
    held, other = MetadataImage(), MetadataImage()
    for one in BEFORE:
        other.replay(one)
    other.offset = 8
    held.become(other)
    assert not difference(held, other)
    assert held.offset == 8
    assert held.topics_by_id[ORDERS].name == "orders"
