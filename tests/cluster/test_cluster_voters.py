"""Three nodes change who of them votes while they run (KIP-853)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from pathlib import Path
from uuid import UUID

from harness.cluster import RunningCluster
from harness.cluster_node import Node

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.add_raft_voter import AddRaftVoterRequest, Listener
from minikafka.protocol.messages.remove_raft_voter import RemoveRaftVoterRequest


def directory(node: Node) -> UUID:
    return UUID(bytes=urlsafe_b64decode(node.directory_id + "=="))


def voters(cluster: RunningCluster) -> set[int]:
    quorum = cluster.quorum()
    return set() if quorum is None else {voter.replica_id for voter in quorum.current_voters}


def test_the_leader_leaves_the_quorum_and_comes_back(tmp_path: Path) -> None:
    with RunningCluster(tmp_path, first_id=1, dynamic=True) as cluster:
        leader = cluster.controller()
        removal = RemoveRaftVoterRequest(
            cluster_id=cluster.cluster_id,
            voter_id=leader.node_id,
            voter_directory_id=directory(leader),
        )
        gone = (ErrorCode.NONE, ErrorCode.VOTER_NOT_FOUND)
        cluster.until("its removal", lambda: cluster.ask(removal, 0).error_code in gone)
        others = {node.node_id for node in cluster.others(leader)}
        cluster.until("the others voting alone", lambda: voters(cluster) == others)
        cluster.create_topic("orders", partitions=3)
        host, port = leader.controller_address.rsplit(":", 1)
        addition = AddRaftVoterRequest(
            cluster_id=cluster.cluster_id,
            timeout_ms=10_000,
            voter_id=leader.node_id,
            voter_directory_id=directory(leader),
            listeners=[Listener(name="CONTROLLER", host=host, port=int(port))],
        )

        def added() -> bool:
            return cluster.ask(addition, 1).error_code in (
                ErrorCode.NONE,
                ErrorCode.DUPLICATE_VOTER,
            )

        cluster.until("it voting again", added)
        cluster.until("three voters", lambda: voters(cluster) == {1, 2, 3})
        dead = cluster.controller()
        dead.kill()
        assert cluster.controller() is not dead
