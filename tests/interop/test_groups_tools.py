"""Groups of foreign tools: kcat and Kafka's console consumer read, kafka-consumer-groups tells."""

import re
import subprocess
from pathlib import Path

from harness import kcat
from harness.broker import RunningBroker
from harness.clients import PYTHON_CLIENTS, Keyed
from harness.group_member import GroupMember, settled
from harness.java import tool

PARTITIONS = 12


def create_with_lines(broker: RunningBroker, topic: str, count: int) -> None:
    with broker.connect() as wire:
        wire.create_topic(topic, PARTITIONS)
    records = [Keyed(b"%d" % n, b"line %d" % n) for n in range(count)]
    PYTHON_CLIENTS[0].produce(broker.bootstrap, topic, records)


def consumer_groups(broker: RunningBroker, *arguments: str) -> str:
    return tool("kafka-consumer-groups", "--bootstrap-server", broker.bootstrap, *arguments)


def rows(table: str) -> list[list[str]]:
    """The lines of a table without its head."""
    lines = [line.split() for line in table.splitlines() if line.strip()]
    return [line for line in lines if line[0] != "GROUP"]


def test_kcat_shares_a_topic_and_goes_on_where_it_was(broker: RunningBroker) -> None:
    create_with_lines(broker, "kcat-topic", 100)
    assert sorted(kcat_group(broker, "kcat-group", "kcat-topic")) == sorted(
        f"line {n}" for n in range(100)
    )
    assert kcat_group(broker, "kcat-group", "kcat-topic") == []


def kcat_group(broker: RunningBroker, group: str, topic: str) -> list[str]:
    """What a group of one kcat reads until there is no more."""
    command = [kcat.executable(), "-b", broker.bootstrap, "-q", "-e"]
    command += ["-X", "auto.offset.reset=earliest", "-f", "%s\\n", "-G", group, topic]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, text=True)
    return done.stdout.splitlines()


def test_the_console_consumer_reads_as_a_group(broker: RunningBroker) -> None:
    create_with_lines(broker, "console-topic", 60)
    arguments = ["--bootstrap-server", broker.bootstrap, "--topic", "console-topic"]
    arguments += ["--group", "console-group", "--from-beginning", "--timeout-ms", "8000"]
    first = tool("kafka-console-consumer", *arguments, "--max-messages", "60").splitlines()
    assert sorted(first) == sorted(f"line {n}" for n in range(60))
    found = rows(consumer_groups(broker, "--describe", "--group", "console-group"))
    assert len(found) == PARTITIONS
    # Group, topic, partition, current offset, log end offset, lag.
    assert sum(int(row[3]) for row in found) == 60
    assert {row[5] for row in found} == {"0"}


def test_the_group_tool_tells_the_truth_resets_and_deletes(broker: RunningBroker) -> None:
    create_with_lines(broker, "told-topic", 24)
    member = GroupMember(
        "confluent-kafka", broker.bootstrap, "told", "told-topic", session_timeout_ms=6000
    )
    try:
        settled([member], PARTITIONS)
        member.wait_until(lambda: len(member.read) == 24)
        assert "told" in consumer_groups(broker, "--list").split()
        state = rows(consumer_groups(broker, "--describe", "--group", "told", "--state"))
        assert re.search(r"range\s.*Stable\s+1$|range Stable 1$", " ".join(state[0]))
        members = rows(consumer_groups(broker, "--describe", "--group", "told", "--members"))
        assert len(members) == 1
        assert members[0][-1] == str(PARTITIONS)
        # The tool says so and ends with 0.
        refusal = consumer_groups(broker, "--delete", "--group", "told")
        assert "GroupNotEmptyException" in refusal
    finally:
        member.leave()
    reset = ["--reset-offsets", "--group", "told", "--topic", "told-topic:3"]
    consumer_groups(broker, *reset, "--to-offset", "0", "--execute")
    found = rows(consumer_groups(broker, "--describe", "--group", "told"))
    offsets = {row[2]: int(row[3]) for row in found}
    assert offsets["3"] == 0
    assert sum(offsets.values()) < 24
    consumer_groups(broker, "--delete-offsets", "--group", "told", "--topic", "told-topic:3")
    found = rows(consumer_groups(broker, "--describe", "--group", "told"))
    assert "3" not in {row[2] for row in found}
    consumer_groups(broker, "--delete", "--group", "told")
    assert "told" not in consumer_groups(broker, "--list").split()


def test_kafka_dumps_what_groups_have_written(tmp_path: Path) -> None:
    with RunningBroker(tmp_path) as broker:
        create_with_lines(broker, "dumped-topic", 12)
        assert len(kcat_group(broker, "dumped", "dumped-topic")) == 12
        broker.stop()
        path = broker.log_dir / "__consumer_offsets-0" / "00000000000000000000.log"
        shown = tool("kafka-dump-log", "--files", str(path), "--offsets-decoder")
    assert '"type":"2","data":{"group":"dumped"}' in shown
    assert '"protocolType":"consumer","generation":1,"protocol":"range"' in shown
    commits = re.findall(r'"type":"1","data":\{"group":"dumped","topic":"dumped-topic"', shown)
    assert commits
    assert "isvalid: false" not in shown
