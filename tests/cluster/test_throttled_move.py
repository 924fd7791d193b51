"""A replica that is moved between real brokers comes at the rate that an administrator has set."""

import time
from pathlib import Path

from harness.cluster import RunningCluster
from harness.peer import Topic, batch_of

from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

RATE = 1_000_000
CHUNK = 256 << 10
CHUNKS = 12
TOPIC_RESOURCE, BROKER_RESOURCE = 2, 4


def test_a_reassignment_is_throttled(tmp_path: Path) -> None:
    settings = {"replica.fetch.max.bytes": str(CHUNK)}
    with RunningCluster(tmp_path, settings=settings, first_id=1) as cluster:
        cluster.create_topic("moved", assignment=[[1, 2]])
        with cluster[1].peer(30) as peer:
            topic = Topic(peer, "moved")
            for _ in range(CHUNKS):
                assert topic.produce(batch_of(b"x" * CHUNK)).error_code == 0
            set_config(cluster, BROKER_RESOURCE, "1", "leader.replication.throttled.rate", RATE)
            replicas = "leader.replication.throttled.replicas"
            set_config(cluster, TOPIC_RESOURCE, "moved", replicas, "0:1")
            began = time.monotonic()
            move = ReassignableTopic(
                name="moved",
                partitions=[ReassignablePartition(partition_index=0, replicas=[1, 2, 3])],
            )
            cluster.ask(AlterPartitionReassignmentsRequest(topics=[move], timeout_ms=10_000), 0)
            # Who is in sync already is not held back.
            assert topic.produce(batch_of(b"beside")).error_code == 0
            assert cluster.partition("moved").isr_nodes == [1, 2]
            cluster.wait_in_sync("moved", count=3, timeout_s=60)
            took_s = time.monotonic() - began
    # The last chunk may come at once.
    assert took_s > (CHUNKS - 1) * CHUNK / RATE * 0.9


def set_config(cluster: RunningCluster, kind: int, name: str, key: str, value: object) -> None:
    resource = AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[AlterableConfig(name=key, config_operation=0, value=str(value))],
    )
    (answer,) = cluster.ask(IncrementalAlterConfigsRequest(resources=[resource]), 1).responses
    assert answer.error_code == 0, answer
