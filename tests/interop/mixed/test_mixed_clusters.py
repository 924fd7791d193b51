"""Apache Kafka and minikafka in one quorum, one set of replicas, one set of coordinators.

`MINIKAFKA_INTEROP_TARGET=kafka` puts Apache Kafka in minikafka's place: what fails then is wrong
with the test.
"""

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import confluent_kafka
import pytest
from cluster_kills.run import PARTITIONS, TOPIC
from harness.broker import Software, target
from harness.cluster import RunningCluster
from harness.cluster_node import Node
from harness.loaded_cluster import Load, loaded

OURS = target()
APACHE = Software.APACHE
PATIENCE_S = 120.0
_ELECTIONS_MAX = 12
# What librdkafka takes for final in an answer of a coordinator, and what passes when that is there
# and has read its log: Apache Kafka's does both in threads of its own, and answers so for a tenth
# of a second after others have begun to name it.
_MOVING = {
    confluent_kafka.KafkaError.NOT_COORDINATOR,
    confluent_kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}

KINDS = {
    "one-of-ours": [APACHE, APACHE, OURS],
    "two-of-ours": [OURS, OURS, APACHE],
}


@pytest.fixture(params=[False, True], ids=["static", "dynamic"])
def dynamic(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(params=KINDS)
def cluster(
    request: pytest.FixtureRequest, dynamic: bool, tmp_path: Path
) -> Iterator[RunningCluster]:
    kinds = KINDS[request.param]
    # Enough that every node coordinates some groups.
    settings = {"offsets.topic.num.partitions": "9"}
    with RunningCluster(
        tmp_path, settings=settings, software=kinds, first_id=1, dynamic=dynamic
    ) as running:
        yield running


def test_every_node_dies_in_turn(cluster: RunningCluster) -> None:
    """kill -9 and restart of each node under load, whatever it led."""
    with loaded(cluster) as load:
        for node in cluster.nodes:
            node.kill()
            load.goes_on()
            node.spawn()
            returned(cluster, load)
        load.judge()


def test_nodes_of_either_kind_lead_the_quorum(cluster: RunningCluster) -> None:
    """Whoever leads it is killed until each node has; each of them creates a topic."""
    led: set[int] = set()
    with loaded(cluster) as load:
        for number in range(_ELECTIONS_MAX):
            leader = cluster.controller()
            led.add(leader.node_id)
            cluster.create_topic(f"created-{number}", 2)
            if led == set(cluster.node_ids):
                break
            leader.kill()
            load.goes_on()
            leader.spawn()
            returned(cluster, load)
        assert led == set(cluster.node_ids), f"only {led} led in {_ELECTIONS_MAX} elections"
        load.judge()


def test_nodes_of_either_kind_lead_partitions(cluster: RunningCluster) -> None:
    """Every node leads the partition it is preferred for, while two of the others follow."""
    with loaded(cluster) as load:
        cluster.elect_preferred(TOPIC, PARTITIONS)
        leaders = [cluster.leader(TOPIC, index).node_id for index in range(PARTITIONS)]
        assert leaders == cluster.node_ids
        load.goes_on()
        cluster.wait_in_sync(TOPIC)
        load.judge()


def test_nodes_of_either_kind_coordinate_groups(cluster: RunningCluster) -> None:
    """What a group committed to one kind is known to the coordinator that comes after it."""
    with loaded(cluster) as load:
        load.goes_on()
        for node in cluster.nodes:
            group = coordinated_by(cluster, node)
            commit(cluster, group, 42)
            assert committed(cluster, group) == 42
            node.kill()
            load.goes_on()
            after = cluster.until(
                "another coordinator", lambda g=group, n=node: other(cluster, g, n)
            )
            # Apache Kafka's coordinator answers from what its high watermark has passed, and a new
            # leader learns of that when its followers have fetched: at first it knows nothing.
            cluster.until(
                f"what node {node.node_id} was told, at node {after.node_id}",
                lambda g=group: committed(cluster, g) == 42,
            )
            commit(cluster, group, 43)
            node.spawn()
            returned(cluster, load)
            assert committed(cluster, group) == 43
        load.judge()


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
def test_a_cluster_is_moved_in_place_and_back(static: bool, tmp_path: Path) -> None:
    """Node by node on the same directories, under load, from Apache Kafka to minikafka and back."""
    with (
        RunningCluster(tmp_path, software=APACHE, first_id=1, dynamic=not static) as cluster,
        loaded(cluster) as load,
    ):
        for software in (OURS, APACHE):
            for node in cluster.nodes:
                node.stop(PATIENCE_S)
                load.goes_on()
                node.software = software
                node.spawn()
                returned(cluster, load)
        load.judge()


def returned(cluster: RunningCluster, load: Load) -> None:
    cluster.wait_unfenced(PATIENCE_S)
    topics = (TOPIC, "__consumer_offsets") if has_offsets(cluster) else (TOPIC,)
    cluster.wait_in_sync(*topics, timeout_s=PATIENCE_S)
    load.goes_on()


def has_offsets(cluster: RunningCluster) -> bool:
    (topic,) = cluster.metadata("__consumer_offsets").topics
    return bool(topic.error_code == 0)


def coordinated_by(cluster: RunningCluster, node: Node) -> str:
    """A group, not used yet, that this node coordinates."""
    deadline = time.monotonic() + PATIENCE_S
    for number in count():
        assert time.monotonic() < deadline, f"{node.node_id} coordinates nothing"
        group = f"group-{node.node_id}-{number}"
        if cluster.coordinator(group) is node:
            return group
    raise AssertionError("there is always a next number")


def other(cluster: RunningCluster, group: str, node: Node) -> Node | None:
    found = cluster.coordinator(group)
    return None if found is node else found


def commit(cluster: RunningCluster, group: str, offset: int) -> None:
    consumer = consumer_of(cluster, group)
    try:
        place = confluent_kafka.TopicPartition(TOPIC, 0, offset)

        def done() -> bool:
            answered = unless_moving(lambda: consumer.commit(offsets=[place], asynchronous=False))
            return bool(answered and answered[0].error is None)

        cluster.until("a commit", done)
    finally:
        consumer.close()


def committed(cluster: RunningCluster, group: str) -> int:
    consumer = consumer_of(cluster, group)
    try:
        place = confluent_kafka.TopicPartition(TOPIC, 0)
        (answered,) = cluster.until(
            f"a coordinator of {group} that answers",
            lambda: unless_moving(lambda: consumer.committed([place], PATIENCE_S)),
        )
        assert answered.error is None, answered.error
        return int(answered.offset)
    finally:
        consumer.close()


def unless_moving(
    question: Callable[[], list[confluent_kafka.TopicPartition] | None],
) -> list[confluent_kafka.TopicPartition] | None:
    """The answer of a coordinator; None while it has just come or is about to go."""
    try:
        return question()
    except confluent_kafka.KafkaException as error:
        moving = error.args[0].code() in _MOVING
        if moving or error.args[0].retriable() or error.args[0].code() < 0:
            return None
        raise


def consumer_of(cluster: RunningCluster, group: str) -> confluent_kafka.Consumer:
    return confluent_kafka.Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group})
