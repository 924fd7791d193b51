"""Kafka's administrators' tools: what they show and change on a healthy single node."""

import json
import re
from pathlib import Path

import pytest
from harness.broker import RunningBroker
from harness.clients import ConfluentKafka, Keyed
from harness.java import refused, tool


@pytest.fixture
def at(broker: RunningBroker) -> tuple[str, str]:
    return "--bootstrap-server", broker.bootstrap


@pytest.fixture(scope="module")
def orders(broker: RunningBroker) -> str:
    """A topic of two partitions, records in one of them."""
    where = ("--bootstrap-server", broker.bootstrap)
    tool("kafka-topics", *where, "--create", "--topic", "orders", "--partitions", "2")
    records = [Keyed(b"one key", b"x" * 100)] * 20
    ConfluentKafka().produce(broker.bootstrap, "orders", records)
    return "orders"


def test_log_directories_show_their_partitions(
    at: tuple[str, str], orders: str, broker: RunningBroker
) -> None:
    said = tool("kafka-log-dirs", *at, "--describe", "--topic-list", orders)
    shown = json.loads(said.splitlines()[-1])
    (of_broker,) = shown["brokers"]
    (directory,) = of_broker["logDirs"]
    assert (of_broker["broker"], directory["error"]) == (0, None)
    assert directory["logDir"] == str(broker.log_dir)
    sizes = {p["partition"]: p["size"] for p in directory["partitions"]}
    assert sizes.keys() == {"orders-0", "orders-1"}
    for name, size in sizes.items():
        (segment,) = broker.log_dir.joinpath(name).glob("*.log")
        assert segment.stat().st_size == size
    assert sum(sizes.values()) > 2000
    assert {(p["offsetLag"], p["isFuture"]) for p in directory["partitions"]} == {(0, False)}


def test_the_quorum_is_described(at: tuple[str, str], broker: RunningBroker) -> None:
    status = dict(
        re.findall(
            r"^(\w+): +(.*)$",
            tool("kafka-metadata-quorum", *at, "describe", "--status"),
            re.MULTILINE,
        )
    )
    assert status["LeaderId"] == "0"
    assert int(status["LeaderEpoch"]) >= 1
    assert int(status["HighWatermark"]) > 0
    assert status["MaxFollowerLag"] == "0"
    endpoint = f"CONTROLLER://{broker.host}:{broker.controller_port}"
    assert json.loads(status["CurrentVoters"]) == [{"id": 0, "endpoints": [endpoint]}]
    assert status["CurrentObservers"] == "[]"
    _, line = tool("kafka-metadata-quorum", *at, "describe", "--replication").strip().split("\n")
    node, _, end_offset, lag, _, _, role = line.split()
    assert (node, lag, role) == ("0", "0", "Leader")
    assert int(end_offset) >= int(status["HighWatermark"])


def test_leaders_are_where_they_belong(at: tuple[str, str], orders: str) -> None:
    def elect(*arguments: str) -> tuple[str, ...]:
        return ("kafka-leader-election", *at, "--election-type", *arguments)

    assert tool(*elect("preferred", "--all-topic-partitions")) == ""
    one = tool(*elect("unclean", "--topic", orders, "--partition", "0"))
    assert one == "Valid replica already elected for partitions orders-0\n"
    said = refused(*elect("preferred", "--topic", "nope", "--partition", "0"))
    assert "No such topic as nope" in said


def test_a_reassignment_to_where_it_is_is_complete(
    at: tuple[str, str], orders: str, tmp_path: Path
) -> None:
    def reassign(*arguments: str) -> tuple[str, ...]:
        return ("kafka-reassign-partitions", *at, *arguments)

    assert tool(*reassign("--list")) == "No partition reassignments found.\n"
    plan = tmp_path / "plan.json"

    def planned(*replicas: int) -> str:
        entry = {"topic": orders, "partition": 0, "replicas": replicas}
        plan.write_text(json.dumps({"version": 1, "partitions": [entry]}))
        return str(plan)

    file = ("--reassignment-json-file", planned(0))
    assert "Successfully started partition reassignment" in tool(*reassign("--execute", *file))
    assert "Reassignment of partition orders-0 is completed." in tool(*reassign("--verify", *file))
    file = ("--reassignment-json-file", planned(0, 7))
    assert "7" in refused(*reassign("--execute", *file))


def test_features_stay_within_what_is_served(at: tuple[str, str]) -> None:
    shown = dict(
        re.findall(
            r"^Feature: (\S+)\s.*FinalizedVersionLevel: (\S+)",
            tool("kafka-features", *at, "describe"),
            re.MULTILINE,
        )
    )
    assert shown["metadata.version"] == "4.3-IV0"
    assert shown["eligible.leader.replicas.version"] == "1"
    too_high = refused("kafka-features", *at, "upgrade", "--feature", "group.version=9")
    assert "Could not upgrade group.version to 9." in too_high
    too_low = refused("kafka-features", *at, "downgrade", "--metadata", "4.0")
    assert "it might delete metadata information" in too_low


def test_quotas_are_kept_over_a_restart(at: tuple[str, str], broker: RunningBroker) -> None:
    def configs(verb: str, *arguments: str) -> tuple[str, ...]:
        return ("kafka-configs", *at, verb, *arguments)

    alice = ("--entity-type", "users", "--entity-name", "alice")
    rates = "producer_byte_rate=1024,consumer_byte_rate=2048"
    tool(*configs("--alter", "--add-config", rates, *alice))
    pair = (*alice, "--entity-type", "clients", "--entity-name", "c1")
    tool(*configs("--alter", "--add-config", "request_percentage=12.5", *pair))
    address = ("--entity-type", "ips", "--entity-name", "1.2.3.4")
    tool(*configs("--alter", "--add-config", "connection_creation_rate=7", *address))
    tool(*configs("--alter", "--delete-config", "producer_byte_rate", *alice))
    broker.kill()
    broker.start()
    assert tool(*configs("--describe", *alice)) == (
        "Quota configs for user-principal 'alice' are consumer_byte_rate=2048.0\n"
    )
    assert tool(*configs("--describe", *pair)) == (
        "Quota configs for user-principal 'alice', client-id 'c1' are request_percentage=12.5\n"
    )
    assert tool(*configs("--describe", "--entity-type", "ips")) == (
        "Quota configs for ip '1.2.3.4' are connection_creation_rate=7.0\n"
    )
    wrong = refused(*configs("--alter", "--add-config", "producer_byte_rate=-1", *alice))
    assert "Quota producer_byte_rate must be greater than 0" in wrong


def test_scram_credentials_are_kept_and_not_shown(at: tuple[str, str]) -> None:
    bob = ("--entity-type", "users", "--entity-name", "bob")
    credential = "SCRAM-SHA-256=[iterations=8192,password=secret]"
    tool("kafka-configs", *at, "--alter", "--add-config", credential, *bob)
    shown = "SCRAM credential configs for user-principal 'bob' are SCRAM-SHA-256=iterations=8192\n"
    assert tool("kafka-configs", *at, "--describe", *bob) == shown
    tool("kafka-configs", *at, "--alter", "--delete-config", "SCRAM-SHA-256", *bob)
    assert tool("kafka-configs", *at, "--describe", *bob) == ""


def test_configs_of_all_resources_are_listed(at: tuple[str, str], orders: str) -> None:
    def described(kind: str, *name: str) -> str:
        return tool("kafka-configs", *at, "--describe", "--entity-type", kind, *name)

    assert "Dynamic configs for topic orders are:" in described("topics")
    assert "Dynamic configs for broker 0 are:" in described("brokers")
    loggers = described("broker-loggers", "--entity-name", "0")
    assert "Dynamic configs for broker-logger 0 are:" in loggers
    assert re.search(r"^  root=\w+ sensitive=false", loggers, re.MULTILINE)
    wanted = "interval.ms=1000,metrics=[],match=[client_id=c1]"
    subscription = ("--entity-type", "client-metrics", "--entity-name", "subscription")
    tool("kafka-configs", *at, "--alter", "--add-config", wanted, *subscription)
    assert "Dynamic configs for client-metric subscription are:" in described("client-metrics")
    group = ("--entity-type", "groups", "--entity-name", "workers")
    changed = "consumer.session.timeout.ms=46000"
    tool("kafka-configs", *at, "--alter", "--add-config", changed, *group)
    assert "Dynamic configs for group workers are:" in described("groups")


def test_the_cluster_tells_who_it_is(at: tuple[str, str], broker: RunningBroker) -> None:
    assert re.fullmatch(r"Cluster ID: [\w-]{22}\n", tool("kafka-cluster", "cluster-id", *at))
    _, line = tool("kafka-cluster", "list-endpoints", *at).strip().split("\n")
    assert line.split() == ["0", broker.host, str(broker.port), "null", "unfenced", "broker"]
    said = refused("kafka-cluster", "unregister", *at, "--id", "99")
    assert "Broker ID 99 is not currently registered" in said


def test_producers_are_shown_and_acls_are_not(at: tuple[str, str], orders: str) -> None:
    tool(
        *("kafka-producer-perf-test", "--topic", orders, "--num-records", "100"),
        *("--record-size", "10", "--throughput", "-1", *at),
    )
    shown = [
        tool("kafka-transactions", *at, "describe-producers", "--topic", orders, "--partition", p)
        for p in "01"
    ]
    producers = [line.split() for said in shown for line in said.splitlines()[1:]]
    assert sum(int(sequence) + 1 for _, _, _, sequence, *_ in producers) >= 100
    assert {(coordinator, start) for _, _, coordinator, _, _, start in producers} == {
        ("-1", "None")
    }
    assert "No Authorizer is configured" in refused("kafka-acls", *at, "--list")
