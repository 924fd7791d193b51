"""Kafka's command line tools, as its users type them, as far as today's APIs carry them."""

import json
import re
from pathlib import Path

import pytest
from harness.broker import RunningBroker
from harness.clients import ConfluentKafka, Keyed
from harness.java import JavaConsole, refused, tool


@pytest.fixture
def at(broker: RunningBroker) -> tuple[str, str]:
    return "--bootstrap-server", broker.bootstrap


def test_topics_are_created_described_grown_listed_deleted(at: tuple[str, str]) -> None:
    def topics(*arguments: str) -> str:
        return tool("kafka-topics", *at, *arguments)

    created = topics(
        *("--create", "--topic", "orders", "--partitions", "3"),
        *("--replication-factor", "1", "--config", "retention.ms=60000"),
    )
    assert created == "Created topic orders.\n"
    topics("--create", "--topic", "payments")
    assert topics("--list").split() == ["orders", "payments"]
    described = topics("--describe", "--topic", "orders")
    head, *partitions = described.splitlines()
    assert "PartitionCount: 3\tReplicationFactor: 1" in head
    assert "retention.ms=60000" in head
    assert [line.split("\t")[2:6] for line in partitions] == [
        [f"Partition: {n}", "Leader: 0", "Replicas: 0", "Isr: 0"] for n in range(3)
    ]
    topics("--alter", "--topic", "orders", "--partitions", "5")
    assert "PartitionCount: 5" in topics("--describe", "--topic", "orders")
    assert topics("--describe", "--unavailable-partitions") == ""
    topics("--delete", "--topic", "payments")
    assert topics("--list").split() == ["orders"]


def test_topic_mistakes_are_told_in_kafkas_words(at: tuple[str, str]) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "twice", "--partitions", "2")
    create = ("kafka-topics", *at, "--create", "--topic")
    assert "Topic 'twice' already exists" in refused(*create, "twice")
    assert "InvalidReplicationFactorException" in refused(
        *create, "wide", "--replication-factor", "3"
    )
    assert "InvalidConfigurationException: Unknown topic config name" in refused(
        *create, "odd", "--config", "segment.size=1"
    )
    shrink = ("--alter", "--topic", "twice", "--partitions", "1")
    assert "InvalidPartitionsException" in refused("kafka-topics", *at, *shrink)
    assert "does not exist" in refused("kafka-topics", *at, "--delete", "--topic", "nowhere")


def test_topic_configs_are_set_shown_and_removed(at: tuple[str, str]) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "tuned", "--config", "retention.ms=60000")

    def configs(*arguments: str) -> str:
        return tool("kafka-configs", *at, "--topic", "tuned", *arguments)

    configs("--alter", "--add-config", "segment.bytes=2000000,cleanup.policy=[compact,delete]")
    configs("--alter", "--delete-config", "retention.ms")
    own = re.findall(r"^  (\S+)=(\S*) sensitive=false", configs("--describe"), re.MULTILINE)
    assert dict(own) == {"segment.bytes": "2000000", "cleanup.policy": "compact,delete"}
    everything = configs("--describe", "--all")
    assert (
        "  segment.bytes=2000000 sensitive=false synonyms="
        "{DYNAMIC_TOPIC_CONFIG:segment.bytes=2000000, DEFAULT_CONFIG:log.segment.bytes=1073741824}"
    ) in everything.splitlines()
    assert "  retention.ms=604800000 sensitive=false synonyms={}" in everything.splitlines()
    refusal = refused(
        "kafka-configs", *at, "--topic", "tuned", "--alter", "--add-config", "segment.bytes=x"
    )
    assert "Invalid value x for configuration segment.bytes: Not a number of type INT" in refusal


def test_broker_configs_are_shown(at: tuple[str, str], broker: RunningBroker) -> None:
    shown = tool("kafka-configs", *at, "--broker", "0", "--describe", "--all")
    assert "  node.id=0 sensitive=false" in shown
    assert f"  log.dirs={broker.log_dir} sensitive=false" in shown
    assert "  num.partitions=1 sensitive=false" in shown


def test_offsets_are_found_by_every_kind_of_time(
    at: tuple[str, str], broker: RunningBroker
) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "timed", "--partitions", "2")
    sent = [Keyed(b"the same key", b"%d" % n) for n in range(50)]
    ConfluentKafka().produce(broker.bootstrap, "timed", sent)

    def offsets(*time: str) -> list[int]:
        said = tool("kafka-get-offsets", *at, "--topic", "timed", *time)
        return sorted(int(line.rpartition(":")[2]) for line in said.split())

    assert offsets() == [0, 50]
    assert offsets("--time", "latest") == [0, 50]
    assert offsets("--time", "earliest") == [0, 0]
    assert offsets("--time", "1") == [0]
    assert len(offsets("--time", "max-timestamp")) == 1


def test_records_are_deleted_up_to_an_offset(
    at: tuple[str, str], broker: RunningBroker, tmp_path: Path
) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "trimmed")
    ConfluentKafka().produce(
        broker.bootstrap, "trimmed", [Keyed(None, b"%d" % n) for n in range(9)]
    )
    wanted = tmp_path / "offsets.json"
    entry = {"topic": "trimmed", "partition": 0, "offset": 4}
    wanted.write_text(json.dumps({"version": 1, "partitions": [entry]}))
    said = tool("kafka-delete-records", *at, "--offset-json-file", str(wanted))
    assert "partition: trimmed-0\tlow_watermark: 4" in said
    earliest = tool("kafka-get-offsets", *at, "--topic", "trimmed", "--time", "earliest")
    assert earliest == "trimmed:0:4\n"


def test_every_advertised_api_is_known_to_kafka(at: tuple[str, str]) -> None:
    said = tool("kafka-broker-api-versions", *at)
    assert "(id: 0 rack: null isFenced: false) -> (" in said
    usable = dict(re.findall(r"^\t(\w+)\(\d+\): \S.* \[usable: (\d+)\]", said, re.MULTILINE))
    for api, version in {"Produce": "13", "Fetch": "18", "Metadata": "13"}.items():
        assert usable[api] == version
    assert "UNKNOWN" not in said


def test_console_producer_and_consumer_meet(at: tuple[str, str], broker: RunningBroker) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "console")
    sent = [Keyed(f"schlüssel {n}".encode(), f"wert {n} €".encode()) for n in range(40)]
    console = JavaConsole()
    console.produce(broker.bootstrap, "console", sent)
    stored = console.read(broker.bootstrap, "console")
    assert [Keyed(record.key, record.value) for record in stored] == sent
    from_offset = tool(
        "kafka-console-consumer",
        *at,
        *("--topic", "console", "--partition", "0", "--offset", "38", "--max-messages", "2"),
    )
    assert from_offset == "wert 38 €\nwert 39 €\n"


def test_the_producer_performance_tool_runs(at: tuple[str, str], broker: RunningBroker) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "load", "--partitions", "4")
    said = tool(
        "kafka-producer-perf-test",
        *("--topic", "load", "--num-records", "50000", "--record-size", "200"),
        *("--throughput", "-1", "--bootstrap-server", broker.bootstrap),
    )
    assert "50000 records sent" in said
    stored = tool("kafka-get-offsets", *at, "--topic", "load")
    assert sum(int(line.rpartition(":")[2]) for line in stored.split()) == 50_000
