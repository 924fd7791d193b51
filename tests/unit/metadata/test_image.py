"""What each record does to an image, and what a delta notes about it."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from uuid import UUID

import pytest

from minikafka.metadata import replay
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.features import (
    BOOTSTRAP_LEVELS,
    SERVED,
    SUPPORTED,
    advertised_features,
    told_features,
    unsupported_features,
)
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.loader import MetadataLoader
from minikafka.metadata.snapshot import snapshot_records
from minikafka.metadata.topic_names import collision_key, illegal_name_reason
from minikafka.protocol.metadata_records import METADATA, module_name

T1, T2 = UUID(int=101), UUID(int=102)
D1, D2 = UUID(int=201), UUID(int=202)


def record(name: str, /, **fields: Any) -> Any:
    """A record by class name; nested structs as dicts."""
    module = import_module(f"minikafka.protocol.records.metadata.{module_name(name)}")
    return getattr(module, name)(**fields)


def struct(record_name: str, name: str, /, **fields: Any) -> Any:
    module = import_module(f"minikafka.protocol.records.metadata.{module_name(record_name)}")
    return getattr(module, name)(**fields)


def register(broker_id: int = 1, epoch: int = 10, **fields: Any) -> Any:
    return record(
        "RegisterBrokerRecord",
        broker_id=broker_id,
        broker_epoch=epoch,
        incarnation_id=UUID(int=7),
        end_points=[
            struct("RegisterBrokerRecord", "BrokerEndpoint", name="PLAINTEXT", host="h", port=9092)
        ],
        features=[
            struct(
                "RegisterBrokerRecord",
                "BrokerFeature",
                name="metadata.version",
                min_supported_version=7,
                max_supported_version=30,
            )
        ],
        rack="r",
        log_dirs=[D1],
        **fields,
    )


def partition(index: int = 0, topic_id: UUID = T1, **fields: Any) -> Any:
    values: dict[str, Any] = {
        "replicas": [1, 2],
        "isr": [1, 2],
        "leader": 1,
        "leader_epoch": 0,
        "partition_epoch": 0,
        "directories": [D1, D2],
    }
    return record("PartitionRecord", partition_id=index, topic_id=topic_id, **(values | fields))


def topic(name: str = "orders", topic_id: UUID = T1) -> Any:
    return record("TopicRecord", name=name, topic_id=topic_id)


def replayed(*records: Any) -> tuple[MetadataImage, MetadataDelta]:
    """An image and the delta of the last run: `records` may hold lists, each a run of its own."""
    image = MetadataImage()
    delta = MetadataDelta()
    for run in records:
        if isinstance(run, list):
            delta = MetadataDelta()
        for one in run if isinstance(run, list) else [run]:
            delta.touch(image, one)
            image.replay(one)
    return image, delta


def test_every_record_type_that_kafka_has_is_known() -> None:
    assert set(replay.REPLAY_BY_TYPE) == set(METADATA._names)


def test_an_unknown_type_is_no_metadata() -> None:
    class Stranger:
        api_key = 99

    with pytest.raises(KeyError):
        MetadataImage().replay(Stranger())  # type: ignore[arg-type]


def test_a_topic_and_its_partitions() -> None:
    image, delta = replayed(topic(), partition(0), partition(1, leader=2, isr=[2]))
    orders = image.topics["orders"]
    assert image.topics_by_id[T1] is orders
    assert orders.partitions[1].leader == 2
    assert orders.partitions[0].directory_of(2) == D2
    assert orders.partitions[0].directory_of(3) is None
    assert delta.created_topics == {"orders"}
    assert delta.changed_partitions == {("orders", 0), ("orders", 1)}
    assert image.partition("orders", 0) is orders.partitions[0]
    assert image.partition("nosuch", 0) is None


def test_a_change_makes_a_new_partition_and_leaves_the_old_as_it_was() -> None:
    image, _ = replayed(topic(), partition())
    before = image.topics["orders"].partitions[0]
    image.replay(record("PartitionChangeRecord", partition_id=0, topic_id=T1, isr=[1]))
    after = image.topics["orders"].partitions[0]
    assert (before.isr, before.partition_epoch) == ([1, 2], 0)
    assert (after.isr, after.leader, after.leader_epoch, after.partition_epoch) == ([1], 1, 0, 1)


def test_naming_a_leader_begins_an_epoch_even_if_it_is_the_same() -> None:
    image, _ = replayed(
        topic(),
        partition(),
        record("PartitionChangeRecord", partition_id=0, topic_id=T1, leader=1),
        record("PartitionChangeRecord", partition_id=0, topic_id=T1, leader=-1, isr=[]),
    )
    found = image.topics["orders"].partitions[0]
    assert (found.leader, found.leader_epoch, found.partition_epoch) == (-1, 2, 2)


def test_a_reassignment_changes_replicas_and_directories_together() -> None:
    image, _ = replayed(
        topic(),
        partition(),
        record(
            "PartitionChangeRecord",
            partition_id=0,
            topic_id=T1,
            replicas=[3, 1, 2],
            adding_replicas=[3],
            removing_replicas=[2],
            directories=[UUID(int=203), D1, D2],
            leader_recovery_state=1,
        ),
    )
    found = image.topics["orders"].partitions[0]
    assert found.is_reassigning
    assert (found.replicas, found.adding_replicas, found.removing_replicas) == ([3, 1, 2], [3], [2])
    assert found.directory_of(3) == UUID(int=203)
    assert found.leader_recovery_state == 1


def test_eligible_replicas_are_cleared_by_topic_or_altogether() -> None:
    eligible = {"eligible_leader_replicas": [3], "last_known_elr": [2]}
    runs = [
        [topic(), partition(**eligible), topic("other", T2), partition(0, T2, **eligible)],
        [record("ClearElrRecord", topic_name="orders")],
    ]
    image, delta = replayed(*runs)
    assert delta.changed_partitions == {("orders", 0)}
    assert image.topics["orders"].partitions[0].elr == []
    assert image.topics["orders"].partitions[0].partition_epoch == 1
    assert image.topics["other"].partitions[0].last_known_elr == [2]
    image, delta = replayed(*runs, [record("ClearElrRecord", topic_name="")])
    assert delta.changed_partitions == {("other", 0)}
    assert image.topics["other"].partitions[0].elr == []


def test_removing_a_topic_takes_its_configs() -> None:
    image, delta = replayed(
        [
            topic(),
            partition(),
            record(
                "ConfigRecord",
                resource_type=2,
                resource_name="orders",
                name="retention.ms",
                value="1",
            ),
        ],
        [record("RemoveTopicRecord", topic_id=T1)],
    )
    assert image.topics == image.topics_by_id == image.configs == {}
    assert list(delta.deleted_topics) == ["orders"]
    assert list(delta.deleted_topics["orders"].partitions) == [0]
    assert not delta.changed_partitions


def test_made_and_gone_in_one_run_is_nothing() -> None:
    _, delta = replayed([topic(), partition(), record("RemoveTopicRecord", topic_id=T1)])
    assert not delta


def test_gone_and_made_again_is_both() -> None:
    image, delta = replayed(
        [topic(), partition(0), partition(1)],
        [record("RemoveTopicRecord", topic_id=T1), topic("orders", T2), partition(0, T2)],
    )
    assert delta.deleted_topics["orders"].topic_id == T1
    assert delta.created_topics == {"orders"}
    assert delta.changed_partitions == {("orders", 0)}
    assert image.topics["orders"].topic_id == T2


def test_configs_are_set_and_removed() -> None:
    def config(value: str | None) -> Any:
        return record(
            "ConfigRecord", resource_type=4, resource_name="", name="log.retention.ms", value=value
        )

    image, delta = replayed(config("5"))
    assert image.cluster_configs == {"log.retention.ms": "5"}
    assert delta.changed_configs == {(4, "")}
    image.replay(config(None))
    image.replay(config(None))
    assert image.configs == {}


def test_the_life_of_a_broker() -> None:
    image, delta = replayed(register())
    broker = image.brokers[1]
    assert (broker.epoch, broker.fenced, broker.is_active) == (10, True, False)
    assert (broker.rack, broker.log_dirs, broker.cordoned_log_dirs) == ("r", [D1], None)
    assert broker.endpoint("PLAINTEXT") is not None
    assert broker.endpoint("SSL") is None
    assert delta.changed_brokers == {1}
    for change, active in (
        ({"fenced": -1}, True),
        ({"cordoned_log_dirs": [D1]}, True),
        ({"in_controlled_shutdown": 1}, False),
        ({"fenced": 1, "log_dirs": [D2]}, False),
    ):
        image.replay(
            record("BrokerRegistrationChangeRecord", broker_id=1, broker_epoch=10, **change)
        )
        assert image.brokers[1].is_active is active
    assert (broker.log_dirs, broker.cordoned_log_dirs) == ([D2], [D1])
    image.replay(register(epoch=20))
    assert image.brokers[1].epoch == 20
    image.replay(record("UnfenceBrokerRecord", id=1, epoch=20))
    assert image.brokers[1].is_active
    image.replay(record("FenceBrokerRecord", id=1, epoch=20))
    assert not image.brokers[1].is_active
    image.replay(record("UnregisterBrokerRecord", broker_id=1, broker_epoch=20))
    assert image.brokers == {}


def test_a_change_for_a_former_epoch_means_that_the_log_is_broken() -> None:
    image, _ = replayed(register(epoch=10))
    with pytest.raises(AssertionError):
        image.replay(record("FenceBrokerRecord", id=1, epoch=9))


def test_quotas_features_producer_ids_and_security() -> None:
    entity = [struct("ClientQuotaRecord", "EntityData", entity_type="user", entity_name=None)]
    acl_id = UUID(int=300)
    image, delta = replayed(
        record("FeatureLevelRecord", name="group.version", feature_level=1),
        record("ProducerIdsRecord", broker_id=1, broker_epoch=1, next_producer_id=1000),
        record("ClientQuotaRecord", entity=entity, key="producer_byte_rate", value=5.0),
        record("UserScramCredentialRecord", name="alice", mechanism=1, salt=b"s"),
        record("AccessControlEntryRecord", id=acl_id, principal="User:alice"),
        record("DelegationTokenRecord", token_id="t", owner="User:alice"),
        record("NoOpRecord"),
        record("ZkMigrationStateRecord"),
    )
    assert image.features == {"group.version": 1}
    assert image.next_producer_id == 1000
    assert image.client_quotas == {(("user", None),): {"producer_byte_rate": 5.0}}
    assert image.scram_credentials[("alice", 1)].salt == b"s"
    assert image.acls[acl_id].principal == "User:alice"
    assert image.delegation_tokens["t"].owner == "User:alice"
    assert delta.features_changed
    assert delta.security_changed
    for gone in (
        record("FeatureLevelRecord", name="group.version", feature_level=0),
        record("ClientQuotaRecord", entity=entity, key="producer_byte_rate", remove=True),
        record("RemoveUserScramCredentialRecord", name="alice", mechanism=1),
        record("RemoveAccessControlEntryRecord", id=acl_id),
        record("RemoveDelegationTokenRecord", token_id="t"),
    ):
        image.replay(gone)
    assert image.features == image.client_quotas == image.acls == {}
    assert image.scram_credentials == image.delegation_tokens == {}


def test_no_ops_are_nothing_to_act_upon() -> None:
    _, delta = replayed(record("NoOpRecord"))
    assert not delta


def batch(loader: MetadataLoader, *records: Any) -> MetadataDelta:
    delta = MetadataDelta()
    last = loader.image.offset + len(records)
    loader.replay_batch(records, last_offset=last, epoch=3, wall_ms=99, delta=delta)
    return delta


def test_a_batch_moves_offset_epoch_and_time() -> None:
    loader = MetadataLoader(MetadataImage())
    batch(loader, topic(), partition())
    assert (loader.image.offset, loader.image.epoch, loader.image.wall_ms) == (1, 3, 99)
    loader.pass_control_batch(last_offset=2, epoch=4, wall_ms=100, kraft_version=1)
    assert (loader.image.offset, loader.image.epoch) == (2, 4)
    assert loader.image.features == {"kraft.version": 1}


def test_a_transaction_is_seen_at_its_end() -> None:
    loader = MetadataLoader(MetadataImage())
    assert not batch(loader, record("BeginTransactionRecord", name="x"), topic())
    assert loader.transaction_offset == 0
    assert not batch(loader, partition())
    assert loader.image.topics == {}
    assert loader.image.offset == 2
    delta = batch(loader, record("EndTransactionRecord"), topic("after", T2))
    assert list(loader.image.topics) == ["orders", "after"]
    assert delta.created_topics == {"orders", "after"}
    assert loader.transaction_offset == -1


def test_an_aborted_transaction_never_was() -> None:
    loader = MetadataLoader(MetadataImage())
    batch(loader, record("BeginTransactionRecord"), topic())
    batch(loader, record("AbortTransactionRecord", reason="failover"), topic("kept", T2))
    assert list(loader.image.topics) == ["kept"]
    assert loader.transaction_offset == -1


def test_a_snapshot_makes_the_image_again() -> None:
    entity = [struct("ClientQuotaRecord", "EntityData", entity_type="user", entity_name="a")]
    controller = record(
        "RegisterControllerRecord",
        controller_id=1,
        incarnation_id=UUID(int=8),
        end_points=[
            struct("RegisterControllerRecord", "ControllerEndpoint", name="C", host="h", port=9093)
        ],
        features=[],
    )
    image, _ = replayed(
        record("FeatureLevelRecord", name="group.version", feature_level=1),
        record("FeatureLevelRecord", name="metadata.version", feature_level=30),
        register(fenced=False, cordoned_log_dirs=[]),
        controller,
        topic(),
        partition(eligible_leader_replicas=[2], last_known_elr=[1]),
        partition(1, leader_recovery_state=1, leader_epoch=9),
        topic("empty", T2),
        record("ConfigRecord", resource_type=2, resource_name="orders", name="k", value="v"),
        record("ClientQuotaRecord", entity=entity, key="producer_byte_rate", value=5.0),
        record("ProducerIdsRecord", broker_id=1, broker_epoch=1, next_producer_id=1000),
        record("AccessControlEntryRecord", id=UUID(int=300)),
        record("UserScramCredentialRecord", name="alice", mechanism=1),
        record("DelegationTokenRecord", token_id="t"),
    )
    image.features["kraft.version"] = 1
    records = list(snapshot_records(image))
    names = [type(one).__name__ for one in records]
    assert names[:3] == ["FeatureLevelRecord", "FeatureLevelRecord", "RegisterBrokerRecord"]
    assert records[0].name == "metadata.version"  # type: ignore[attr-defined]
    assert names[4:8] == ["TopicRecord", "PartitionRecord", "PartitionRecord", "TopicRecord"]
    again, _ = replayed(*records)
    again.features["kraft.version"] = 1
    for slot in ("topics", "brokers", "controllers"):
        # Their values have no equality of their own: compare what they would be written as.
        assert list(getattr(again, slot)) == list(getattr(image, slot))
    assert list(snapshot_records(again)) == records
    for slot in ("configs", "features", "client_quotas", "next_producer_id", "acls"):
        assert getattr(again, slot) == getattr(image, slot)
    assert again.scram_credentials == image.scram_credentials
    assert again.delegation_tokens == image.delegation_tokens


def test_what_is_served_is_supported() -> None:
    assert set(SERVED) == set(SUPPORTED)
    for name, level in SERVED.items():
        assert SUPPORTED[name][0] <= level <= SUPPORTED[name][1] or level == 0
    assert BOOTSTRAP_LEVELS[0] == ("metadata.version", 30)
    assert all(0 < level <= SERVED[name] for name, level in BOOTSTRAP_LEVELS)
    assert advertised_features()["metadata.version"] == (7, 30)
    assert all(level > 0 for _, level in advertised_features().values())


def test_clients_are_told_no_level_that_is_not_served() -> None:
    finalised = {name: highest for name, (_, highest) in SUPPORTED.items()}
    assert told_features(finalised) == {name: SERVED[name] for name in SERVED if SERVED[name]}
    assert told_features({"metadata.version": 20}) == {"metadata.version": 20}


def test_a_cluster_of_a_later_kafka_is_refused() -> None:
    assert unsupported_features({"metadata.version": 30, "transaction.version": 2}) == []
    finalised = {"metadata.version": 31, "brand.new": 1}
    assert unsupported_features(finalised) == [("metadata.version", 31), ("brand.new", 1)]


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 249, "...", "__consumer_offsets"])
def test_legal_names(name: str) -> None:
    assert illegal_name_reason(name) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "é", "x" * 250, "a\n"])
def test_illegal_names(name: str) -> None:
    assert illegal_name_reason(name) is not None


def test_dots_and_underscores_are_alike_in_metrics() -> None:
    assert collision_key("a.b_c") == collision_key("a_b.c")
