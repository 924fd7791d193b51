"""Our DescribeConfigs entries against those that a real Kafka 4.3.0 answered with.

`recorded_configs.json` holds what that broker was told (file, dynamic configs, overrides) and every
entry of its answers: name, value, read only, source, sensitive, type, synonyms.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from minikafka.settings.accepted import accepted_settings
from minikafka.settings.broker import BrokerSettings
from minikafka.settings.describe import (
    ConfigEntry,
    describe_broker,
    describe_client_metrics,
    describe_cluster_defaults,
    describe_group,
    describe_topic,
)

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parent / "recorded_configs.json").read_text(encoding="utf-8")
)

#: where we differ on purpose
OURS: dict[str, dict[int, Any]] = {
    # Ours has a bound.
    "queued.max.request.bytes": {1: "268435456", 6: [["queued.max.request.bytes", "268435456", 5]]},
    # Kafka forgets the file's hours in the value (not in the synonyms) once log.retention.ms is
    # set dynamically.
    "log.retention.hours": {1: "24"},
}


@pytest.fixture(scope="module")
def broker() -> BrokerSettings:
    return BrokerSettings.parse(RECORDED["static"])


def rows(entries: list[ConfigEntry]) -> list[list[Any]]:
    return [[*e[:5], e.config_type, [list(synonym) for synonym in e.synonyms]] for e in entries]


def expected(resource: str) -> list[list[Any]]:
    entries = [list(entry) for entry in RECORDED[resource]]
    if resource == "broker":
        for entry in entries:
            for field, value in OURS.get(entry[0], {}).items():
                entry[field] = value
    return entries


def test_broker_is_described_as_kafka_describes_it(broker: BrokerSettings) -> None:
    entries = describe_broker(broker, RECORDED["broker_dynamic"], RECORDED["cluster_dynamic"])
    assert rows(entries) == expected("broker")


def test_topic_is_described_as_kafka_describes_it(broker: BrokerSettings) -> None:
    entries = describe_topic(
        RECORDED["topic_overrides"],
        broker,
        RECORDED["broker_dynamic"],
        RECORDED["cluster_dynamic"],
    )
    assert rows(entries) == expected("topic")


def test_group_is_described_as_kafka_describes_it(broker: BrokerSettings) -> None:
    entries = describe_group(
        RECORDED["group_overrides"],
        broker,
        RECORDED["broker_dynamic"],
        RECORDED["cluster_dynamic"],
    )
    assert rows(entries) == expected("group")


def test_cluster_defaults_are_only_what_was_altered() -> None:
    entries = describe_cluster_defaults(RECORDED["cluster_dynamic"])
    assert rows(entries) == expected("cluster")


def test_keys_choose_and_unknown_ones_are_left_out(broker: BrokerSettings) -> None:
    entries = describe_topic({}, broker, keys=["retention.ms", "cleanup.policy", "nope"])
    assert [entry.name for entry in entries] == ["cleanup.policy", "retention.ms"]
    assert len(describe_topic({}, broker, keys=[])) == 33
    names = [entry.name for entry in describe_broker(broker, keys=["num.partitions", "nope"])]
    assert names == ["num.partitions"]


def test_coarser_units_give_the_value_but_no_synonym() -> None:
    hours = BrokerSettings.parse({"log.retention.hours": "24"})
    (entry,) = describe_topic({}, hours, keys=["retention.ms"])
    assert (entry.value, entry.source, entry.synonyms) == ("86400000", 5, ())


def test_secrets_are_hidden() -> None:
    broker = BrokerSettings.parse({"ssl.keystore.password": "hunter2"})
    (entry,) = describe_broker(broker, keys=["ssl.keystore.password"])
    assert entry.sensitive
    assert entry.value is None
    assert entry.synonyms == (("ssl.keystore.password", None, 4),)


def test_own_keys_show_only_when_set() -> None:
    assert describe_broker(BrokerSettings.parse({}), keys=["minikafka.send.path"]) == []
    broker = BrokerSettings.parse({"minikafka.send.path": "write"})
    assert [e.value for e in describe_broker(broker, keys=["minikafka.send.path"])] == ["write"]


def test_every_entry_is_documented() -> None:
    for entry in describe_broker(BrokerSettings.parse({})):
        assert entry.documentation, entry.name
    for entry in describe_topic({}, BrokerSettings.parse({})):
        assert entry.documentation, entry.name


def test_client_metrics() -> None:
    assert [(e.name, e.value, e.source) for e in describe_client_metrics({})] == [
        ("interval.ms", "300000", 5),
        ("match", "", 5),
        ("metrics", "", 5),
    ]
    (entry,) = describe_client_metrics({"interval.ms": "500"}, keys=["interval.ms"])
    assert (entry.value, entry.source) == ("500", 7)
    assert entry.synonyms == (("interval.ms", "500", 7),)


def test_no_key_is_declared_twice() -> None:
    assert not BrokerSettings.declarations.keys() & accepted_settings().keys()
