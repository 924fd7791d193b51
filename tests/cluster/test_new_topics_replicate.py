"""Replicas of topics that were just made: nobody is left behind for having fetched too early."""

import time
from pathlib import Path

from harness.cluster import RunningCluster

from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest

LAG_MAX_S = 2.0


def test_followers_that_ask_before_the_leader_knows_the_topic_stay_in_sync(tmp_path: Path) -> None:
    """Such a fetch waits at the leader, and names its partitions only once."""
    settings = {"replica.lag.time.max.ms": str(int(LAG_MAX_S * 1000))}
    names = [f"new-{number}" for number in range(30)]
    with RunningCluster(tmp_path, settings=settings, first_id=1) as cluster:
        for name in names:
            topic = CreatableTopic(name=name, num_partitions=6, replication_factor=3)
            cluster.ask(CreateTopicsRequest(topics=[topic], timeout_ms=10_000), 7)
        # Whoever was not counted is found to lag by then, and would never be counted again.
        time.sleep(2 * LAG_MAX_S)
        cluster.wait_in_sync(*names, timeout_s=30)
