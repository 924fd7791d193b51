"""Kafka's own tools tell the truth of a cluster of three: whole, with a dead node, mended."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import apache
from harness.cluster import RunningCluster
from harness.cluster_node import Node
from harness.java_programs import ToolHost

LED, THIN, ALONE = "led", "thin", "alone"


class Tools:
    """The cluster, and what the tools print about it."""

    def __init__(self, cluster: RunningCluster, host: ToolHost) -> None:
        self.cluster = cluster
        self._host = host
        # Two that are no controllers: one leads `alone` and will die.
        self.active = cluster.controller()
        self.stays, self.victim = cluster.others(self.active)
        ids = [self.stays.node_id, self.victim.node_id, self.active.node_id]
        rotated = [ids[index:] + ids[:index] for index in range(3)]
        cluster.create_topic(LED, assignment=rotated)
        cluster.create_topic(THIN, assignment=[ids[:1] + ids[2:]])
        lone = {"min.insync.replicas": "1"}
        cluster.create_topic(ALONE, assignment=[[self.victim.node_id]], configs=lone)

    @property
    def where(self) -> tuple[str, str]:
        return "--bootstrap-server", ",".join(node.bootstrap for node in self.cluster.living())

    def run(self, name: str, *arguments: str) -> str:
        """What a tool says that must succeed."""
        status, printed = self._host.run(apache.TOOLS[name], *arguments)
        assert status == 0, printed
        return printed

    def topics(self, *arguments: str) -> dict[str, dict[str, str]]:
        """`kafka-topics --describe`: partition to its columns."""
        printed = self.run("kafka-topics", *self.where, "--describe", *arguments)
        found = {}
        for line in printed.splitlines():
            columns = dict(re.findall(r"(\w+): ?(\S*)", line))
            if "Partition" in columns:
                found[f"{columns['Topic']}-{columns['Partition']}"] = columns
        return found

    def quorum(self) -> dict[str, str]:
        """`kafka-metadata-quorum describe --status`: name to value."""
        printed = self.run("kafka-metadata-quorum", *self.where, "describe", "--status")
        return dict(re.findall(r"^(\w+):\s+(.*)$", printed, re.MULTILINE))

    def replication(self) -> dict[int, dict[str, str]]:
        """`kafka-metadata-quorum describe --replication`: node to its columns."""
        printed = self.run("kafka-metadata-quorum", *self.where, "describe", "--replication")
        head, *rows = [line.split() for line in printed.splitlines() if line.strip()]
        return {int(row[0]): dict(zip(head, row, strict=False)) for row in rows}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tools]:
    directory = tmp_path_factory.mktemp("tools")
    with RunningCluster(directory, first_id=1) as cluster, ToolHost() as host:
        yield Tools(cluster, host)
        cluster.assert_alive()


def replicas(described: dict[str, str]) -> list[int]:
    return list(map(int, described["Replicas"].split(",")))


def in_sync(described: dict[str, str]) -> set[int]:
    return set(map(int, described["Isr"].split(",")))


def test_a_cluster_that_is_whole(tools: Tools) -> None:
    cluster = tools.cluster
    everybody = set(cluster.node_ids)
    described = tools.topics()
    for index in range(3):
        partition = described[f"{LED}-{index}"]
        assert int(partition["Leader"]) == replicas(partition)[0]
        assert in_sync(partition) == set(replicas(partition)) == everybody
    assert tools.topics("--under-replicated-partitions") == {}
    assert tools.topics("--at-min-isr-partitions").keys() == {f"{THIN}-0", f"{ALONE}-0"}

    status = tools.quorum()
    assert int(status["LeaderId"]) == tools.active.node_id
    assert set(map(int, re.findall(r'"id": (\d+)', status["CurrentVoters"]))) == everybody
    rows = tools.replication()
    assert rows.keys() == everybody
    leaders = [node for node, row in rows.items() if row["Status"] == "Leader"]
    assert leaders == [tools.active.node_id]


def test_brokers_features_and_directories(tools: Tools) -> None:
    cluster = tools.cluster
    printed = tools.run("kafka-cluster", "cluster-id", *tools.where)
    assert printed.strip() == f"Cluster ID: {cluster.cluster_id}"
    printed = tools.run("kafka-broker-api-versions", *tools.where)
    assert set(map(int, re.findall(r"\(id: (\d+) rack", printed))) == set(cluster.node_ids)
    printed = tools.run("kafka-features", *tools.where, "describe")
    assert "FinalizedVersionLevel: 4.3-IV0" in printed
    printed = tools.run("kafka-log-dirs", *tools.where, "--describe", "--topic-list", LED)
    document = json.loads(printed.splitlines()[-1])
    held = {
        each["broker"]: {p["partition"] for d in each["logDirs"] for p in d["partitions"]}
        for each in document["brokers"]
    }
    partitions = {f"{LED}-{index}" for index in range(3)}
    assert held == dict.fromkeys(cluster.node_ids, partitions)


def test_a_node_dies_and_comes_back(tools: Tools) -> None:
    cluster, victim = tools.cluster, tools.victim
    victim.kill()
    cluster.wait_in_sync(LED, count=2)
    led = {f"{LED}-{index}" for index in range(3)}
    # The one replica of `alone` is gone; `thin` never had one on the victim.
    assert tools.topics("--under-replicated-partitions").keys() >= led
    assert tools.topics("--unavailable-partitions").keys() == {f"{ALONE}-0"}
    assert tools.topics("--at-min-isr-partitions").keys() >= led | {f"{THIN}-0"}
    described = tools.topics("--topic", LED)
    assert all(victim.node_id not in in_sync(each) for each in described.values())
    assert int(tools.replication()[victim.node_id]["Lag"]) > 0

    bring_back(cluster, victim)
    assert tools.topics("--under-replicated-partitions") == {}
    where = [*tools.where, "--election-type", "preferred", "--all-topic-partitions"]
    tools.run("kafka-leader-election", *where)
    cluster.until("the preferred leaders", lambda: all_preferred(cluster))


def all_preferred(cluster: RunningCluster) -> bool:
    (topic,) = cluster.metadata(LED).topics
    return all(each.leader_id == each.replica_nodes[0] for each in topic.partitions)


def bring_back(cluster: RunningCluster, node: Node) -> None:
    node.spawn()
    cluster.wait_unfenced()
    cluster.wait_in_sync(LED)


def test_partitions_are_moved_with_a_throttle(tools: Tools, tmp_path: Path) -> None:
    target = [tools.victim.node_id, tools.stays.node_id]
    plan = {"version": 1, "partitions": [{"topic": THIN, "partition": 0, "replicas": target}]}
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan))
    where = [*tools.where, "--reassignment-json-file", str(file)]
    printed = tools.run("kafka-reassign-partitions", *where, "--execute", "--throttle", "10000000")
    assert "Successfully started partition reassignment" in printed

    def moved() -> bool:
        found = tools.cluster.partition(THIN)
        return found is not None and list(found.replica_nodes) == target

    tools.cluster.until("the new replicas", moved)
    printed = tools.run("kafka-reassign-partitions", *where, "--verify")
    assert f"Reassignment of partition {THIN}-0 is completed." in printed
    assert "Clearing broker-level throttles" in printed
    partition = tools.topics("--topic", THIN)[f"{THIN}-0"]
    assert replicas(partition) == target
    assert in_sync(partition) == set(target)


def test_a_dead_node_is_forgotten_until_it_returns(tools: Tools) -> None:
    cluster, victim = tools.cluster, tools.victim
    victim.kill()
    cluster.wait_in_sync(LED, count=2)
    tools.run("kafka-cluster", "unregister", *tools.where, "--id", str(victim.node_id))
    listed = tools.run("kafka-cluster", "list-endpoints", *tools.where)
    ids = {int(row.split()[0]) for row in listed.splitlines()[1:] if row.strip()}
    assert ids == set(cluster.node_ids) - {victim.node_id}
    bring_back(cluster, victim)
