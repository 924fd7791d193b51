"""Dynamic configs of topics, brokers, groups and subscriptions; bootstrap records."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.controller.features import bootstrap_feature_records
from minikafka.metadata.image import (
    BROKER_RESOURCE,
    CLIENT_METRICS_RESOURCE,
    GROUP_RESOURCE,
    TOPIC_RESOURCE,
)
from minikafka.protocol.messages import alter_configs as replacing
from minikafka.protocol.messages import incremental_alter_configs as incremental
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.records.metadata.begin_transaction_record import BeginTransactionRecord

SET, DELETE, APPEND, SUBTRACT = range(4)
Operation = tuple[str, int, str | None]


@pytest.fixture
def orders(bench: Any) -> Any:
    request = CreateTopicsRequest(
        topics=[CreatableTopic(name="orders", num_partitions=1, replication_factor=1)]
    )
    bench.take(bench.controller.create_topics(request))
    return bench


def alter(
    bench: Any, kind: int, name: str, *operations: Operation, **fields: Any
) -> tuple[int, str | None]:
    request = incremental.IncrementalAlterConfigsRequest(
        resources=[
            incremental.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[
                    incremental.AlterableConfig(name=key, config_operation=op, value=value)
                    for key, op, value in operations
                ],
            )
        ],
        **fields,
    )
    (result,) = bench.take(bench.controller.incremental_alter_configs(request)).responses
    assert (result.resource_type, result.resource_name) == (kind, name)
    return result.error_code, result.error_message


def replace(bench: Any, kind: int, name: str, **configs: str | None) -> tuple[int, str | None]:
    request = replacing.AlterConfigsRequest(
        resources=[
            replacing.AlterConfigsResource(
                resource_type=kind,
                resource_name=name,
                configs=[
                    replacing.AlterableConfig(name=key.replace("_", "."), value=value)
                    for key, value in configs.items()
                ],
            )
        ]
    )
    (result,) = bench.take(bench.controller.alter_configs(request)).responses
    return result.error_code, result.error_message


def test_keys_are_set_and_removed(orders: Any) -> None:
    assert alter(orders, TOPIC_RESOURCE, "orders", ("retention.ms", SET, "5")) == (0, None)
    assert orders.image.topic_configs("orders") == {"retention.ms": "5"}
    assert alter(orders, TOPIC_RESOURCE, "orders", ("retention.ms", DELETE, None)) == (0, None)
    assert orders.log[-1].value is None
    assert (TOPIC_RESOURCE, "orders") not in orders.image.configs


def test_lists_are_appended_to_from_their_default(orders: Any) -> None:
    def policy(operation: int, value: str) -> str | None:
        assert alter(orders, TOPIC_RESOURCE, "orders", ("cleanup.policy", operation, value))[0] == 0
        return orders.image.topic_configs("orders").get("cleanup.policy")  # type: ignore[no-any-return]

    assert policy(APPEND, "compact") == "delete,compact"
    before = len(orders.log)
    assert policy(APPEND, "compact") == "delete,compact"
    assert len(orders.log) == before
    assert policy(SUBTRACT, "delete") == "compact"
    assert policy(SUBTRACT, "compact") == ""


@pytest.mark.parametrize(
    ("kind", "name", "operation", "code", "text"),
    [
        (2, "nosuch", ("retention.ms", SET, "5"), 3, "The topic 'nosuch' does not exist."),
        (2, "", ("retention.ms", SET, "5"), 42, "Default topic resources are not allowed."),
        (2, "orders", ("foo", SET, "5"), 40, "Unknown topic config name: foo"),
        (
            2,
            "orders",
            ("retention.ms", SET, "x"),
            40,
            "Invalid value x for configuration retention.ms: Not a number of type LONG",
        ),
        (
            2,
            "orders",
            ("retention.ms", APPEND, "5"),
            40,
            "Can't APPEND to key retention.ms because its type is not LIST.",
        ),
        (
            2,
            "orders",
            ("retention.ms", SET, None),
            42,
            "Null value not supported for : retention.ms",
        ),
        (2, "orders", ("retention.ms", 4, "5"), -1, None),
        (
            4,
            "1",
            ("min.insync.replicas", SET, "2"),
            40,
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        ),
        (
            4,
            "",
            ("min.insync.replicas", DELETE, None),
            40,
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        ),
        (
            4,
            "x",
            ("log.retention.ms", SET, "1"),
            42,
            "Unable to parse broker name as a base 10 number.",
        ),
        (4, "9", ("log.retention.ms", SET, "1"), 102, "No broker with id 9 found."),
        (
            32,
            "",
            ("consumer.session.timeout.ms", SET, "46000"),
            42,
            "Default group resources are not allowed.",
        ),
        (
            32,
            "g",
            ("consumer.session.timeout.ms", SET, "1"),
            40,
            "consumer.session.timeout.ms must be greater than or equal to "
            "group.consumer.min.session.timeout.ms",
        ),
        (16, "", ("interval.ms", SET, "100000"), 42, "Subscription name can't be empty"),
        (99, "x", ("a", SET, "b"), 42, "Unknown resource type 99"),
        (
            2,
            "orders",
            ("leader.replication.throttled.replicas", SET, "1:1," * 10_000 + "1:1"),
            40,
            "The configuration value cannot be added because it exceeds the maximum value size of "
            "32767 bytes.",
        ),
    ],
)
def test_refusals(
    orders: Any, kind: int, name: str, operation: Operation, code: int, text: str | None
) -> None:
    before = len(orders.log)
    assert alter(orders, kind, name, operation) == (code, text)
    assert len(orders.log) == before


def test_a_resource_is_changed_as_a_whole_or_not_at_all(orders: Any) -> None:
    outcome = alter(
        orders, TOPIC_RESOURCE, "orders", ("retention.ms", SET, "5"), ("segment.ms", SET, "0")
    )
    assert outcome[0] == 40
    assert orders.image.topic_configs("orders") == {}


def test_a_key_twice_or_a_resource_twice(orders: Any) -> None:
    twice = alter(
        orders, TOPIC_RESOURCE, "orders", ("retention.ms", SET, "5"), ("retention.ms", SET, "6")
    )
    assert twice == (42, "Error due to duplicate config keys")
    resource = incremental.AlterConfigsResource(
        resource_type=TOPIC_RESOURCE,
        resource_name="orders",
        configs=[incremental.AlterableConfig(name="retention.ms", value="9")],
    )
    request = incremental.IncrementalAlterConfigsRequest(resources=[resource, resource])
    results = orders.take(orders.controller.incremental_alter_configs(request)).responses
    assert [(r.error_code, r.error_message) for r in results] == [
        (42, "Each resource must appear at most once.")
    ] * 2


def test_brokers_groups_and_subscriptions_have_configs_too(orders: Any) -> None:
    assert alter(orders, BROKER_RESOURCE, "1", ("log.retention.ms", SET, "5")) == (0, None)
    assert alter(orders, BROKER_RESOURCE, "", ("log.retention.ms", SET, "6")) == (0, None)
    assert alter(orders, GROUP_RESOURCE, "g", ("consumer.session.timeout.ms", SET, "46000")) == (
        0,
        None,
    )
    assert alter(orders, CLIENT_METRICS_RESOURCE, "m", ("interval.ms", SET, "100000")) == (0, None)
    assert orders.image.broker_configs(1) == {"log.retention.ms": "5"}
    assert orders.image.cluster_configs["log.retention.ms"] == "6"
    assert orders.image.config(GROUP_RESOURCE, "g") == {"consumer.session.timeout.ms": "46000"}


def test_a_broker_key_is_written_even_if_it_stays(orders: Any) -> None:
    for _ in range(2):
        before = len(orders.log)
        alter(orders, BROKER_RESOURCE, "1", ("log.retention.ms", SET, "5"))
        assert len(orders.log) == before + 1


def test_a_new_minimum_clears_all_that_was_eligible(orders: Any) -> None:
    alter(orders, BROKER_RESOURCE, "", ("min.insync.replicas", SET, "2"))
    assert type(orders.log[-1]).__name__ == "ClearElrRecord"
    assert orders.log[-1].topic_name == ""


def test_replacing_removes_what_is_not_given(orders: Any) -> None:
    assert replace(orders, TOPIC_RESOURCE, "orders", retention_ms="5", segment_ms="9") == (0, None)
    assert replace(orders, TOPIC_RESOURCE, "orders", retention_ms="6") == (0, None)
    assert [(r.name, r.value) for r in orders.log[-2:]] == [
        ("retention.ms", "6"),
        ("segment.ms", None),
    ]
    assert replace(orders, TOPIC_RESOURCE, "orders") == (0, None)
    assert orders.image.topic_configs("orders") == {}


def test_replacing_cannot_remove_the_clusters_minimum(orders: Any) -> None:
    code, text = replace(orders, BROKER_RESOURCE, "", log_retention_ms="5000")
    assert (code, text) == (
        40,
        "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
    )


def test_validate_only(orders: Any) -> None:
    before = len(orders.log)
    operation = ("retention.ms", SET, "5")
    assert alter(orders, TOPIC_RESOURCE, "orders", operation, validate_only=True) == (0, None)
    assert len(orders.log) == before


def test_the_first_records_of_a_cluster(make_bench: Any) -> None:
    bench = make_bench(min_insync_replicas="1")
    bench.activate()
    assert [type(record).__name__ for record in bench.log] == [
        "BeginTransactionRecord",
        "FeatureLevelRecord",
        "FeatureLevelRecord",
        "ConfigRecord",
        "EndTransactionRecord",
    ]
    assert bench.log[0].name == "Bootstrap records"
    assert bench.image.features == {"metadata.version": 30, "eligible.leader.replicas.version": 1}
    assert bench.image.cluster_configs == {"min.insync.replicas": "1"}
    before = len(bench.log)
    bench.activate()
    assert len(bench.log) == before


def test_an_open_transaction_is_aborted_at_takeover(make_bench: Any) -> None:
    bench = make_bench()
    half = [BeginTransactionRecord(name="Bootstrap records"), *bootstrap_feature_records()]
    bench.controller.replay(half, last_offset=len(half) - 1, epoch=1, wall_ms=0)
    assert bench.image.features == {}
    bench.activate()
    assert [type(record).__name__ for record in bench.log[:2]] == [
        "AbortTransactionRecord",
        "BeginTransactionRecord",
    ]
    assert bench.image.features["metadata.version"] == 30
