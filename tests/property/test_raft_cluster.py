"""Quorums of three and five under crashes, power loss, cut links and resignations, seed by seed."""

from __future__ import annotations

import pytest
from harness.raft_cluster import RaftCluster, batch_count

SEEDS = 60
ROUNDS = 25


def weather(cluster: RaftCluster) -> None:
    """One thing goes wrong, or right again."""
    draw = cluster.random.random()
    victim = cluster.members[int(cluster.random.random() * len(cluster.members))]
    if draw < 0.25:
        if victim.alive:
            cluster.crash(victim.node_id, power=cluster.random.random() < 0.5)
    elif draw < 0.5:
        for member in cluster.members:
            if not member.alive:
                member.start()
    elif draw < 0.7:
        cluster.isolate([victim.node_id], one_way=cluster.random.random() < 0.5)
    elif draw < 0.85:
        cluster.heal()
    elif draw < 0.92:
        cluster.resign()


def storm(seed: int) -> RaftCluster:
    cluster = RaftCluster(seed, size=5 if seed % 3 == 0 else 3)
    for member in cluster.members:
        member.start()
    for number in range(ROUNDS):
        for index in range(5):
            cluster.append(b"%d/%d" % (number, index))
            cluster.run(cluster.now_ms + cluster.draw(1, 400))
        weather(cluster)
    cluster.heal()
    for member in cluster.members:
        if not member.alive:
            member.start()
    return cluster


@pytest.mark.parametrize("seed", range(SEEDS))
def test_storm(seed: int) -> None:
    cluster = storm(seed)
    # The faults have stopped: there is a leader again, and what it is given is committed by all.
    for _ in range(100):
        cluster.run(cluster.now_ms + 100)
        if cluster.append(b"at last"):
            break
    before = cluster.committed_end
    cluster.run(cluster.now_ms + 8000)
    assert cluster.leader() is not None
    cluster.append(b"the end")
    cluster.run(cluster.now_ms + 2000)
    assert cluster.committed_end > before
    ends = {member.high_watermark for member in cluster.members}
    assert ends == {cluster.committed_end}, f"seed {seed}: {ends}"
    assert batch_count(cluster) > 0


def test_a_cold_start_takes_no_election_timeout() -> None:
    for seed in range(20):
        cluster = RaftCluster(seed)
        for member in cluster.members:
            member.start()
        cluster.run(400)
        assert cluster.leader() is not None, f"seed {seed}"


def test_a_killed_leader_is_replaced_in_a_fraction_of_a_second() -> None:
    slowest = 0
    for seed in range(50):
        cluster = RaftCluster(seed)
        for member in cluster.members:
            member.start()
        cluster.run(3000)
        leader = cluster.leader()
        assert leader is not None
        cluster.crash(leader.node_id, power=False)
        died_ms = cluster.now_ms
        while cluster.leader() is None and cluster.now_ms < died_ms + 5000:
            cluster.run(cluster.now_ms + 10)
        slowest = max(slowest, cluster.now_ms - died_ms)
    assert slowest <= 800, f"{slowest} ms"
