"""The command-line tools as their users start them: processes with pipes, beside a real broker."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness.broker import PROJECT, RunningBroker, Software, target

COMMAND = [sys.executable, "-m", "minikafka.cli.main"]
DEADLINE_S = 60
WEIRD = [
    {"key": None, "value": None, "headers": []},
    {"key": "", "value": "", "headers": [["h", ""], ["h", None], ["", "x"]]},
    {"key": "ключ", "value": 'a\n"b"\t', "headers": [["raw", {"base64": "//4="}]]},
    {"key": {"base64": "AP8="}, "value": {"base64": "gIE="}, "headers": []},
]

Done = subprocess.CompletedProcess[bytes]


class Tools:
    """The tools, told where the broker is."""

    def __init__(self, broker: RunningBroker) -> None:
        self.environment = {**os.environ, "MINIKAFKA_BOOTSTRAP_SERVER": broker.bootstrap}

    def run(self, *words: str, stdin: bytes = b"", code: int = 0) -> Done:
        done = subprocess.run(
            [*COMMAND, *words],
            input=stdin,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
            cwd=PROJECT,
            env=self.environment,
        )
        assert done.returncode == code, (words, done.returncode, done.stderr.decode())
        return done

    def out(self, *words: str) -> str:
        return self.run(*words).stdout.decode()

    def json(self, *words: str) -> Any:
        return json.loads(self.out(*words, "--json"))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=PROJECT,
            env=self.environment,
        )


@pytest.fixture
def tools(shared_broker: RunningBroker) -> Tools:
    return Tools(shared_broker)


# --- records


def test_lines_in_and_out(tools: Tools) -> None:
    tools.run("topics", "create", "cli-lines", "-P", "1")
    lines = b"".join(b"line %d\n" % number for number in range(20_000))
    done = tools.run("produce", "cli-lines", "-z", "gzip", "-X", "linger.ms=5", stdin=lines)
    assert (done.stdout, done.stderr) == (b"", b"")
    done = tools.run("consume", "cli-lines", "-e")
    assert done.stdout == lines
    assert done.stderr == b""
    assert tools.run("consume", "cli-lines", "-o", "-2", "-e").stdout == lines[-22:]
    some = tools.out("consume", "cli-lines", "-o", "100", "-c", "2", "-f", r"%t-%p@%o=%s;")
    assert some == "cli-lines-0@100=line 100;cli-lines-0@101=line 101;"


def test_keys_headers_and_nulls(tools: Tools) -> None:
    tools.run("topics", "create", "cli-keys", "-P", "1")
    tools.run("produce", "cli-keys", "-K:", "-Z", "-H", "a=1", "-H", "n", stdin=b"k1:v:1\nk2:\n\n")
    shown = tools.out("consume", "cli-keys", "-e", "-Z", "-f", r"%k=%s %K %S %h\n")
    assert shown == "k1=v:1 2 3 a=1,n=NULL\nk2=NULL 2 -1 a=1,n=NULL\nNULL=NULL -1 -1 a=1,n=NULL\n"
    tools.run(
        "produce", "cli-keys", "-f", r"%T %k|%s;", stdin=b"1760000000000 a|b;1760000000001 |;"
    )
    shown = tools.out("consume", "cli-keys", "-o", "3", "-e", "-f", r"%T %k|%s;")
    assert shown == "1760000000000 a|b;1760000000001 |;"


def test_json_round_trip(tools: Tools) -> None:
    tools.run("topics", "create", "cli-json", "-P", "2")
    sent = [
        {"topic": "cli-json", "partition": 1, "timestamp": 1760000000000 + number, **record}
        for number, record in enumerate(WEIRD)
    ]
    stdin = b"".join(json.dumps(record).encode() + b"\n" for record in sent)
    tools.run("produce", "--json", stdin=stdin)
    shown = tools.out("consume", "cli-json", "-e", "--json").splitlines()
    assert [json.loads(line) for line in shown] == [
        {**record, "offset": offset} for offset, record in enumerate(sent)
    ]
    times = ("-o", "s@1760000000001", "-o", "e@1760000000003")
    assert tools.out("consume", "cli-json", "-p", "1", *times, "-f", "%o ") == "1 2 "


def test_bad_lines_and_places_end_with_1(tools: Tools) -> None:
    tools.run("topics", "create", "cli-bad", "-P", "1")
    stdin = b'{"value": "good"}\n{"vlaue": "bad"}\n{"value": "never"}\n'
    done = tools.run("produce", "cli-bad", "--json", stdin=stdin, code=1)
    assert done.stderr == b"minikafka produce: record 2: unknown field 'vlaue'\n"
    assert tools.out("consume", "cli-bad", "-e") == "good\n"
    tools.run("produce", "cli-bad", "-p", "7", stdin=b"x\n", code=1)
    large = b"x" * 1_100_000 + b"\n"
    done = tools.run("produce", "cli-bad", "-X", "batch.size=2000000", stdin=large, code=1)
    assert b"MESSAGE_TOO_LARGE" in done.stderr or b"RECORD_LIST_TOO_LARGE" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_reader_that_has_seen_enough(tools: Tools) -> None:
    tools.run("topics", "create", "cli-pipe", "-P", "1")
    tools.run("produce", "cli-pipe", stdin=b"0123456789\n" * 200_000)
    with tools.start("consume", "cli-pipe") as consumer:
        assert consumer.stdout is not None
        assert consumer.stderr is not None
        assert consumer.stdout.readline() == b"0123456789\n"
        consumer.stdout.close()
        assert consumer.wait(DEADLINE_S) == 128 + signal.SIGPIPE
        assert consumer.stderr.read() == b""


# --- groups


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_commits_and_leaves(tools: Tools, number: signal.Signals) -> None:
    topic, group = f"cli-signal-{number}", f"cli-group-{number}"
    tools.run("topics", "create", topic, "-P", "1")
    tools.run("produce", topic, stdin=b"a\nb\n")
    consumer = tools.start("consume", topic, "-G", group, "-o", "beginning")
    assert consumer.stdout is not None
    assert [consumer.stdout.readline() for _ in range(2)] == [b"a\n", b"b\n"]
    consumer.send_signal(number)
    printed, complaints = consumer.communicate(timeout=DEADLINE_S)
    assert (consumer.returncode, printed, complaints) == (128 + number, b"", b"")
    (described,) = tools.json("groups", "describe", group)
    assert (described["state"], described["members"]) == ("Empty", [])
    assert [(row["offset"], row["lag"]) for row in described["offsets"]] == [(2, 0)]


def test_a_group_from_its_offsets_to_its_end(tools: Tools) -> None:
    topic, group = "cli-reset", "cli-reset-group"
    tools.run("topics", "create", topic, "-P", "1")
    tools.run("produce", topic, stdin=b"".join(b"%d\n" % number for number in range(10)))
    from_group = ("consume", topic, "-G", group, "-o", "beginning")
    assert tools.out(*from_group, "-c", "4") == "0\n1\n2\n3\n"
    assert tools.out(*from_group, "-e") == "4\n5\n6\n7\n8\n9\n"
    reset = ("groups", "reset-offsets", group)
    assert tools.json(*reset, "--to-offset", "7")["offsets"] == [
        {"topic": topic, "partition": 0, "before": 10, "after": 7}
    ]
    assert tools.json("groups", "describe", group)[0]["offsets"][0]["offset"] == 10
    tools.run(*reset, "--shift-by", "-3", "--topic", f"{topic}:0", "--execute")
    stored = tools.out("consume", topic, "-X", f"group.id={group}", "-o", "stored", "-e")
    assert stored == "7\n8\n9\n"
    tools.run(*reset, "--to-datetime", "2001-01-01T00:00:00", "--execute")
    assert tools.json("groups", "describe", group)[0]["offsets"][0]["lag"] == 10
    assert group in [each["group"] for each in tools.json("groups", "list")]
    tools.run("groups", "delete-offsets", group, "--topic", topic)
    tools.run("groups", "delete", group)
    done = tools.run("groups", "describe", group, code=1)
    assert b"GROUP_ID_NOT_FOUND" in done.stderr


def test_offsets_of_a_group_at_work_are_not_reset(tools: Tools) -> None:
    topic, group = "cli-busy", "cli-busy-group"
    tools.run("topics", "create", topic, "-P", "2")
    tools.run("produce", topic, "-p", "1", stdin=b"x\n")
    member = tools.start("consume", topic, "-G", group, "-o", "beginning")
    assert member.stdout is not None
    assert member.stdout.readline() == b"x\n"
    (described,) = tools.json("groups", "describe", group)
    assert described["members"][0]["partitions"] == [[topic, 0], [topic, 1]]
    reset = ("groups", "reset-offsets", group, "--topic", topic, "--to-earliest", "--execute")
    assert b"has members" in tools.run(*reset, code=1).stderr
    member.kill()
    member.communicate(timeout=DEADLINE_S)


# --- topics, configs, the cluster


def test_the_life_of_a_topic(tools: Tools) -> None:
    create = ("topics", "create", "cli-life", "-P", "2", "-c", "retention.ms=60000")
    assert tools.json(*create)["partitions"] == 2
    assert b"TOPIC_ALREADY_EXISTS" in tools.run(*create, code=1).stderr
    tools.run(*create, "--if-not-exists")
    assert "cli-life" in tools.out("topics", "list").split()
    tools.run("topics", "alter", "cli-life", "-P", "3")
    (described,) = tools.json("topics", "describe", "cli-life")
    assert described["configs"] == {"retention.ms": "60000"}
    assert [each["isr"] for each in described["partitions"]] == [[0]] * 3
    tools.run("produce", "cli-life", "-p", "2", stdin=b"a\nb\nc\n")
    deleted = ("topics", "delete-records", "cli-life", "-p", "2", "--before", "2")
    assert tools.json(*deleted) == [{"topic": "cli-life", "partition": 2, "startOffset": 2}]
    earliest = tools.json("topics", "offsets", "cli-life", "-t", "earliest")
    assert [each["offset"] for each in earliest] == [0, 0, 2]
    tools.run("topics", "delete", "cli-life")
    tools.run("topics", "delete", "cli-life", "--if-exists")
    tools.run("topics", "delete", "cli-life", code=1)


def test_configs(tools: Tools) -> None:
    tools.run("topics", "create", "cli-configs")
    topic = ("topic", "cli-configs")
    tools.run(
        "configs", "alter", *topic, "--set", "cleanup.policy=compact", "--set", "retention.ms=5"
    )
    tools.run(
        "configs", "alter", *topic, "--append", "cleanup.policy=delete", "--delete", "retention.ms"
    )
    described = tools.json("configs", "describe", *topic)["configs"]
    changed = {
        each["name"]: each["value"] for each in described if each["source"][:13] == "DYNAMIC_TOPIC"
    }
    assert changed == {"cleanup.policy": "compact,delete"}
    done = tools.run("configs", "alter", *topic, "--set", "retention.ms=abc", code=1)
    assert b"INVALID_CONFIG" in done.stderr
    broker = tools.json("configs", "describe", "broker", "0", "-k", "log.retention.hours")
    assert broker["configs"][0]["value"] == "168"


def test_the_cluster(tools: Tools, shared_broker: RunningBroker) -> None:
    described = tools.json("cluster", "describe")
    assert [(each["id"], each["port"]) for each in described["brokers"]] == [
        (0, shared_broker.port)
    ]
    features = {each["feature"]: each for each in tools.json("cluster", "features")}
    assert features["metadata.version"]["finalized"] == 30
    assert [each["nodeId"] for each in tools.json("cluster", "quorum")["voters"]] == [0]
    (directory,) = tools.json("cluster", "log-dirs")
    assert directory["path"] == str(shared_broker.log_dir)
    (versions,) = tools.json("cluster", "api-versions")
    apis = {each["api"]: each for each in versions["apis"]}
    assert apis["Produce"]["key"] == 0
    table = tools.out("cluster", "api-versions").splitlines()
    assert table[0].split() == ["broker", "api", "key", "min", "max"]


def test_nobody_answers(tools: Tools) -> None:
    quick = ("-b", "127.0.0.1:1", "-X", "socket.connection.setup.timeout.ms=300")
    done = tools.run("topics", "list", *quick, code=1)
    assert done.stderr.startswith(b"minikafka topics: no broker answers at 127.0.0.1:1 (")
    assert done.stderr.count(b"\n") == 1


# --- storage, and what is on disk


def test_format_start_dump(tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    broker.format()
    tools = Tools(broker)
    if target() is Software.MINIKAFKA:
        cluster_id = tools.out("storage", "random-uuid").strip()
        format_it = ("storage", "format", "-c", str(broker.properties_file), "-t", cluster_id)
        tools.run(*format_it)
        tools.run(*format_it, code=1)
    with broker:
        tools.run("topics", "create", "cli-dumped", "-P", "1")
        tools.run("produce", "cli-dumped", "-K:", "-z", "gzip", stdin=b"k:v\n")
        if target() is Software.MINIKAFKA:
            assert tools.json("cluster", "describe")["clusterId"] == cluster_id
        assert broker.stop() in (0, 143)
    files = [str(path) for path in sorted((broker.log_dir / "cli-dumped-0").glob("0*"))]
    shown = tools.out("dump-log", "--print-data-log", *files)
    assert "compresscodec: gzip" in shown
    assert "key: k payload: v\n" in shown
    metadata = broker.log_dir / "__cluster_metadata-0" / "00000000000000000000.log"
    shown = tools.out("dump-log", "--cluster-metadata-decoder", str(metadata))
    assert '{"type":"TOPIC_RECORD","version":0,"data":{"name":"cli-dumped"' in shown
