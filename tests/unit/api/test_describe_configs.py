"""DescribeConfigs: each type of resource, and what is refused."""

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
)
from minikafka.protocol.records.metadata.config_record import ConfigRecord

TOPIC, BROKER, LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32


async def describe(
    cluster: Any, *resources: tuple[int, str, list[str] | None], version: int = 4, **rest: Any
) -> list[Any]:
    request = DescribeConfigsRequest(
        resources=[
            DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=keys)
            for kind, name, keys in resources
        ],
        **rest,
    )
    return (await cluster.ask(request, version)).results


def values(result: Any) -> dict[str, str | None]:
    assert result.error_code == 0, result.error_message
    return {config.name: config.value for config in result.configs}


def overridden(kind: int, name: str, key: str, value: str) -> ConfigRecord:
    return ConfigRecord(resource_type=kind, resource_name=name, name=key, value=value)


@pytest.mark.parametrize("version", range(1, 5))
async def test_a_topics_override_and_what_it_overrides(cluster: Any, version: int) -> None:
    cluster.add_topic("a")
    cluster.replay(overridden(BROKER, "", "min.insync.replicas", "1"))
    cluster.replay(overridden(TOPIC, "a", "min.insync.replicas", "2"))
    wanted = (TOPIC, "a", ["min.insync.replicas", "retention.ms", "no.such.key"])
    (result,) = await describe(cluster, wanted, version=version, include_synonyms=True)
    assert (result.error_code, result.error_message) == (0, "")
    replicas, retention = sorted(result.configs, key=lambda config: config.name)
    assert (replicas.value, replicas.config_source, replicas.read_only) == ("2", 1, False)
    assert [(s.name, s.value, s.source) for s in replicas.synonyms] == [
        ("min.insync.replicas", "2", 1),
        ("min.insync.replicas", "1", 3),
        ("min.insync.replicas", "1", 5),
    ]
    assert (retention.value, retention.config_source) == ("604800000", 5)
    assert retention.synonyms == []
    assert retention.config_type == (5 if version >= 3 else 0)


@pytest.mark.parametrize("keys", [None, []])
async def test_no_keys_means_all(cluster: Any, keys: list[str] | None) -> None:
    cluster.add_topic("a")
    (result,) = await describe(cluster, (TOPIC, "a", keys))
    assert len(result.configs) == 33
    assert all(config.synonyms == [] for config in result.configs)


async def test_documentation_is_told_when_asked(cluster: Any) -> None:
    cluster.add_topic("a")
    wanted = (TOPIC, "a", ["retention.ms"])
    (silent,) = await describe(cluster, wanted)
    (talking,) = await describe(cluster, wanted, include_documentation=True)
    assert silent.configs[0].documentation is None
    assert talking.configs[0].documentation


async def test_topics_that_are_not_there(cluster: Any) -> None:
    unknown, illegal = await describe(cluster, (TOPIC, "nope", None), (TOPIC, "a/b", None))
    assert (unknown.error_code, unknown.error_message) == (3, "")
    assert illegal.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert "a/b" in illegal.error_message


async def test_this_broker_tells_its_file_and_its_dynamic_configs(make_cluster: Any) -> None:
    cluster = make_cluster(num_partitions="4", log_cleaner_threads="2")
    cluster.replay(overridden(BROKER, "1", "log.cleaner.threads", "3"))
    keys = ["num.partitions", "log.cleaner.threads", "ssl.keystore.password"]
    (result,) = await describe(cluster, (BROKER, "1", keys), include_synonyms=True)
    told = {config.name: config for config in result.configs}
    assert (told["num.partitions"].value, told["num.partitions"].config_source) == ("4", 4)
    assert told["num.partitions"].read_only
    threads = told["log.cleaner.threads"]
    assert (threads.value, threads.config_source, threads.read_only) == ("3", 2, False)
    assert [(s.value, s.source) for s in threads.synonyms] == [("3", 2), ("2", 4), ("1", 5)]
    password = told["ssl.keystore.password"]
    assert (password.value, password.is_sensitive) == (None, True)


async def test_all_brokers_have_only_what_was_set_for_them(cluster: Any) -> None:
    cluster.replay(overridden(BROKER, "", "log.cleaner.threads", "2"))
    (result,) = await describe(cluster, (BROKER, "", None))
    assert values(result) == {"log.cleaner.threads": "2"}
    assert result.configs[0].config_source == 3


async def test_another_broker_must_be_asked_itself(cluster: Any) -> None:
    results = await describe(
        cluster, (BROKER, "5", None), (BROKER, "x", None), (BROKER, "1", ["node.id"])
    )
    assert [result.error_code for result in results] == [42, 42, 0]
    assert values(results[2]) == {"node.id": "1"}


async def test_loggers_of_this_broker(cluster: Any) -> None:
    (result,) = await describe(cluster, (LOGGER, "1", None))
    told = values(result)
    assert set(told.values()) <= {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
    assert {"root", "minikafka.api"} <= set(told)
    assert {(c.config_source, c.config_type, c.read_only) for c in result.configs} == {
        (6, 0, False)
    }
    (one,) = await describe(cluster, (LOGGER, "1", ["root", "nope"]))
    assert set(values(one)) == {"root"}
    refused = await describe(cluster, (LOGGER, "5", None), (LOGGER, "", None), (LOGGER, "x", None))
    assert [result.error_code for result in refused] == [42, 42, 42]


async def test_groups_and_subscriptions_need_not_exist(cluster: Any) -> None:
    cluster.replay(overridden(GROUP, "g", "consumer.session.timeout.ms", "50000"))
    cluster.replay(overridden(CLIENT_METRICS, "m", "interval.ms", "1000"))
    wanted = ["consumer.session.timeout.ms"]
    results = await describe(
        cluster,
        (GROUP, "g", wanted),
        (GROUP, "other", wanted),
        (CLIENT_METRICS, "m", None),
        (CLIENT_METRICS, "other", None),
        include_synonyms=True,
    )
    assert values(results[0]) == {"consumer.session.timeout.ms": "50000"}
    assert [(s.name, s.value, s.source) for s in results[0].configs[0].synonyms] == [
        ("consumer.session.timeout.ms", "50000", 8),
        ("group.consumer.session.timeout.ms", "45000", 5),
    ]
    assert values(results[1]) == {"consumer.session.timeout.ms": "45000"}
    assert values(results[2]) == {"interval.ms": "1000", "match": "", "metrics": ""}
    assert values(results[3]) == {"interval.ms": "300000", "match": "", "metrics": ""}
    refused = await describe(cluster, (GROUP, "", None), (CLIENT_METRICS, "", None))
    assert [result.error_code for result in refused] == [42, 42]


@pytest.mark.parametrize("kind", [0, 1, 3, 64, 127])
async def test_an_unknown_type_fails_the_whole_request(cluster: Any, kind: int) -> None:
    cluster.add_topic("a")
    results = await describe(cluster, (TOPIC, "a", None), (kind, "x", None))
    assert [(r.error_code, r.resource_type) for r in results] == [(42, TOPIC), (42, kind)]
