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
from minikafka.protocol.messages.update_features import FeatureUpdateKey, UpdateFeaturesRequest


def directory(node: Node) -> UUID:
    return UUID(bytes=urlsafe_b64decode(node.directory_id + "=="))


def voters(cluster: RunningCluster) -> set[int]:
    quorum = cluster.quorum()
    return set() if quorum is None else {voter.replica_id for voter in quorum.current_voters}


def first_offset(node: Node) -> int:
    """Where the metadata log of this node begins."""
    return min(int(path.stem) for path in node.log_dir.glob("__cluster_metadata-0/*.log"))


def test_who_is_behind_catches_up_by_a_snapshot(tmp_path: Path) -> None:
    # The log is cut as soon as a snapshot has what is in it, and snapshots come in many pieces.
    settings = {
        "metadata.log.max.snapshot.interval.ms": "300",
        "metadata.log.segment.ms": "1",
        "metadata.max.retention.bytes": "1",
        "controller.quorum.fetch.snapshot.max.bytes": "1000",
        "controller.quorum.auto.join.enable": "true",
    }
    with RunningCluster(tmp_path, first_id=1, dynamic=True, settings=settings) as cluster:
        behind = cluster.others(cluster.controller())[0]
        behind.kill()
        there = cluster.others(behind)
        cluster.until("its end", lambda: len(cluster.metadata().brokers) == len(there))
        cluster.create_topic("orders", partitions=300, replicas=2)
        end = cluster.until("the quorum", cluster.quorum).high_watermark
        cluster.until("the log being cut", lambda: all(first_offset(n) >= end for n in there))
        new = Node(tmp_path / "node-4", behind.software, 4)
        new.configure(cluster.node_settings)
        new.format_for(cluster.cluster_id, None, "--no-initial-controllers")
        cluster.nodes.append(new)
        for node in (behind, new):
            node.spawn()
        cluster.wait_unfenced()
        assert all(first_offset(node) >= end for node in (behind, new))
        cluster.until("the new one voting", lambda: voters(cluster) == {1, 2, 3, 4})
        for node in (behind, new):
            (topic,) = cluster.metadata("orders", among=[node]).topics
            assert len(topic.partitions) == 300


def test_configured_voters_become_records(tmp_path: Path) -> None:
    with RunningCluster(tmp_path, first_id=1) as cluster:
        update = FeatureUpdateKey(feature="kraft.version", max_version_level=1, upgrade_type=1)
        request = UpdateFeaturesRequest(feature_updates=[update])
        # The leader must have heard from all voters; Kafka's say it two seconds after they came.
        cluster.until("records", lambda: cluster.ask(request, 1).error_code == ErrorCode.NONE)
        leaver = cluster.others(cluster.controller())[0]
        quorum = cluster.until("the quorum", cluster.quorum)
        directories = {v.replica_id: v.replica_directory_id for v in quorum.current_voters}
        assert UUID(int=0) not in directories.values()
        leaver.kill()
        removal = RemoveRaftVoterRequest(
            cluster_id=cluster.cluster_id,
            voter_id=leaver.node_id,
            voter_directory_id=directories[leaver.node_id],
        )
        cluster.until("its removal", lambda: cluster.ask(removal, 0).error_code == 0)
        stayed = {node.node_id for node in cluster.others(leaver)}
        cluster.until("the others voting alone", lambda: voters(cluster) == stayed)
        leaver.spawn()
        cluster.wait_unfenced()
        assert voters(cluster) == stayed, "it follows by what the log says, not by its settings"


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
