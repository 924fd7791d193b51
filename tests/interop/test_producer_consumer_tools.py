"""Kafka's tools that produce and consume: what was acknowledged is what is read, with commits."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.clients import ConfluentKafka, Keyed
from harness.java import tool


@pytest.fixture
def at(broker: RunningBroker) -> tuple[str, str]:
    return "--bootstrap-server", broker.bootstrap


@pytest.fixture(scope="module")
def verified(broker: RunningBroker) -> list[str]:
    """What kafka-verifiable-producer says was acknowledged, in a topic of three partitions."""
    at = ("--bootstrap-server", broker.bootstrap)
    tool("kafka-topics", *at, "--create", "--topic", "verified", "--partitions", "3")
    told = events(
        "kafka-verifiable-producer",
        *(*at, "--topic", "verified", "--max-messages", "200", "--acks", "-1"),
        *("--repeating-keys", "7", "--value-prefix", "4"),
    )
    acknowledged = [each["value"] for each in told if each["name"] == "producer_send_success"]
    assert sorted(acknowledged) == sorted(f"4.{n}" for n in range(200))
    assert not [each for each in told if each["name"] == "producer_send_error"]
    return acknowledged


def events(name: str, *arguments: str) -> list[dict[str, Any]]:
    """The events a verifiable client tells, a JSON object a line."""
    lines = tool(name, *arguments).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def committed(at: Sequence[str], group: str) -> dict[int, tuple[int, int]]:
    """(committed offset, lag) of each partition, as kafka-consumer-groups tells it."""
    said = tool("kafka-consumer-groups", *at, "--describe", "--group", group)
    rows = [line.split() for line in said.splitlines() if line.startswith(group)]
    return {int(row[2]): (int(row[3]), int(row[5])) for row in rows}


def test_verifiable_consumers_share_what_was_acknowledged(
    at: tuple[str, str], verified: list[str]
) -> None:
    """The second goes on exactly where the first one's last commit was."""

    def consume(count: int) -> tuple[list[str], dict[int, int]]:
        told = events(
            "kafka-verifiable-consumer",
            *(*at, "--topic", "verified", "--group-id", "verifiers", "--verbose"),
            *("--max-messages", str(count), "--reset-policy", "earliest"),
        )
        values = [each["value"] for each in told if each["name"] == "record_data"]
        commits = [each for each in told if each["name"] == "offsets_committed"]
        assert commits
        assert all(each["success"] for each in commits)
        ends = {o["partition"]: o["offset"] for each in commits for o in each["offsets"]}
        return values, ends

    first, _ = consume(80)
    second, ends = consume(120)
    assert len(first) == 80
    assert sorted(first + second) == sorted(verified)
    found = committed(at, "verifiers")
    assert sum(offset for offset, _ in found.values()) == len(verified)
    assert {lag for _, lag in found.values()} == {0}
    assert ends.items() <= {index: offset for index, (offset, _) in found.items()}.items()


def test_the_performance_tools_count_the_same_records(at: tuple[str, str]) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "measured", "--partitions", "4")
    said = tool(
        "kafka-producer-perf-test",
        *("--topic", "measured", "--num-records", "20000", "--record-size", "150"),
        *("--throughput", "-1", *at, "--command-property", "compression.type=lz4"),
    )
    assert "20000 records sent" in said
    said = tool(
        "kafka-consumer-perf-test",
        *(*at, "--topic", "measured", "--num-records", "20000", "--group", "measurers"),
    )
    head, line = [each.split(", ") for each in said.splitlines() if ", " in each][-2:]
    measured = dict(zip(head, line, strict=True))
    assert measured["data.consumed.in.nMsg"] == "20000"
    assert float(measured["data.consumed.in.MB"]) == pytest.approx(20_000 * 150 / 2**20, rel=0.001)
    found = committed(at, "measurers")
    assert sum(offset for offset, _ in found.values()) == 20_000
    assert {lag for _, lag in found.values()} == {0}


def test_round_trips_are_measured(at: tuple[str, str], broker: RunningBroker) -> None:
    said = tool(
        "kafka-e2e-latency",
        *(*at, "--topic", "there-and-back", "--num-records", "100"),
        *("--producer-acks", "all", "--record-size", "30"),
    )
    assert re.search(r"^Avg latency: \d", said, re.MULTILINE)
    with broker.connect() as wire:
        assert wire.end_offset("there-and-back", 0) == 100


def test_the_console_shows_headers_keys_and_times(at: tuple[str, str]) -> None:
    tool("kafka-topics", *at, "--create", "--topic", "shown")
    lines = "trace:1,lang:de\tkey a\twert ä\nNULL\tNULL\tvalue\nNULL\tkey b\tNULL\n"
    reading = ("parse.headers=true", "parse.key=true", "null.marker=NULL")
    tool(
        *("kafka-console-producer", *at, "--topic", "shown", "--command-property", "acks=all"),
        *(part for each in reading for part in ("--reader-property", each)),
        stdin=lines.encode(),
    )
    wanted = [f"print.{each}=true" for each in ("timestamp", "partition", "offset")]
    wanted += ["print.headers=true", "print.key=true", "key.separator= | ", "null.literal=NULL"]
    said = tool(
        *("kafka-console-consumer", *at, "--include", "sho.*|nothing", "--from-beginning"),
        *("--max-messages", "3", "--timeout-ms", "30000"),
        *("--command-property", "isolation.level=read_committed"),
        *(part for each in wanted for part in ("--formatter-property", each)),
    )
    shown = [line.split(" | ") for line in said.splitlines() if line.startswith("CreateTime:")]
    assert [line[1:] for line in shown] == [
        ["Partition:0", "Offset:0", "trace:1,lang:de", "key a", "wert ä"],
        ["Partition:0", "Offset:1", "NO_HEADERS", "NULL", "value"],
        ["Partition:0", "Offset:2", "NO_HEADERS", "key b", "NULL"],
    ]


def test_the_console_reads_what_groups_have_committed(
    at: tuple[str, str], broker: RunningBroker
) -> None:
    """__consumer_offsets through Kafka's own formatter of it."""
    ConfluentKafka().produce(at[1], "noted", [Keyed(None, b"%d" % n) for n in range(9)])
    tool(
        *("kafka-console-consumer", *at, "--topic", "noted", "--group", "noters"),
        *("--from-beginning", "--max-messages", "9", "--timeout-ms", "30000"),
    )
    with broker.connect() as wire:
        count = wire.end_offset("__consumer_offsets", 0)
    said = tool(
        *("kafka-console-consumer", *at, "--topic", "__consumer_offsets", "--partition", "0"),
        *("--offset", "earliest", "--max-messages", str(count), "--timeout-ms", "30000"),
        *("--formatter", "org.apache.kafka.tools.consumer.OffsetsMessageFormatter"),
    )
    decoder, found, place = json.JSONDecoder(), list[dict[str, Any]](), said.index("{")
    while place < len(said.rstrip()):
        commit, place = decoder.raw_decode(said, place)
        found.append(commit)
    noted = [each for each in found if each["key"]["data"]["group"] == "noters"]
    assert noted[-1]["key"]["data"] == {"group": "noters", "topic": "noted", "partition": 0}
    assert noted[-1]["value"]["data"]["offset"] == 9


def test_offsets_are_reset_every_way(at: tuple[str, str], verified: list[str]) -> None:
    """Of a group without members: relative, by time, from a plan; and as Streams does it."""
    group = ("--group", "moved", "--topic", "verified")

    def reset(*how: str) -> dict[int, int]:
        said = tool("kafka-consumer-groups", *at, "--reset-offsets", *group, *how)
        rows = [line.split() for line in said.splitlines() if line.startswith("moved")]
        return {int(row[2]): int(row[3]) for row in rows}

    ends = reset("--to-latest", "--execute")
    assert sum(ends.values()) == len(verified)
    back = reset("--shift-by", "-2", "--execute")
    assert back == {index: end - 2 for index, end in ends.items()}
    assert reset("--by-duration", "P1D", "--dry-run") == dict.fromkeys(ends, 0)
    assert {i: offset for i, (offset, _) in committed(at, "moved").items()} == back
    listed = [line.split() for line in tool("kafka-groups", *at, "--list").splitlines()]
    assert ["moved", "Classic"] in [line[:2] for line in listed]
    tool(
        *("kafka-streams-application-reset", *at, "--application-id", "moved", "--force"),
        *("--input-topics", "verified"),
    )
    assert {i: offset for i, (offset, _) in committed(at, "moved").items()} == dict.fromkeys(
        ends, 0
    )


def test_client_metrics_subscriptions_are_kept(at: tuple[str, str]) -> None:
    name = ("--name", "watched")
    tool(
        *("kafka-client-metrics", *at, "--alter", *name, "--interval", "2000"),
        *("--metrics", "org.apache.kafka.consumer.", "--match", "client_id=c1"),
    )
    assert tool("kafka-client-metrics", *at, "--list").split() == ["watched"]
    told = tool("kafka-client-metrics", *at, "--describe", *name)
    assert "interval.ms=2000" in told
    assert "metrics=org.apache.kafka.consumer." in told
    assert "match=client_id=c1" in told
    tool("kafka-client-metrics", *at, "--delete", *name)
    assert tool("kafka-client-metrics", *at, "--list").split() == []
