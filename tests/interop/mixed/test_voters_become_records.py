"""kraft.version 1 and other voters in clusters of both kinds, by Apache Kafka's own tools."""

from base64 import urlsafe_b64encode
from pathlib import Path
from uuid import UUID

import pytest
from harness import apache
from harness.broker import Software, target
from harness.cluster import RunningCluster
from harness.cluster_node import Node

OURS = target()
KINDS = {
    "one-of-ours": [Software.APACHE, Software.APACHE, OURS],
    "two-of-ours": [OURS, OURS, Software.APACHE],
    "all-of-ours": [OURS, OURS, OURS],
}


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_configured_voters_become_records_and_change(kinds: list[Software], tmp_path: Path) -> None:
    with RunningCluster(tmp_path, software=kinds, first_id=1) as cluster:
        upgrade = ("upgrade", "--feature", "kraft.version=1")
        # Kafka's voters tell the leader of themselves two seconds after they have come.
        cluster.until("records", lambda: run(cluster, "kafka-features", *upgrade))
        assert set(directories(cluster)) == {1, 2, 3}
        leader = cluster.controller()
        leader.kill()
        assert cluster.controller() is not leader
        leader.spawn()
        cluster.wait_unfenced()
        gone = cluster.others(cluster.controller())[0]
        directory = directories(cluster)[gone.node_id]
        assert run(
            cluster,
            *("kafka-metadata-quorum", "remove-controller"),
            *("--controller-id", str(gone.node_id), "--controller-directory-id", directory),
        )
        assert gone.node_id not in directories(cluster)
        add = ("--command-config", str(gone.properties_file), "add-controller")

        def votes_again() -> bool:
            # The tool may give up on an addition that comes to be all the same.
            done = run(cluster, "kafka-metadata-quorum", *add)
            return done or gone.node_id in directories(cluster)

        cluster.until("it voting again", votes_again)
        assert directories(cluster)[gone.node_id] == directory


def run(cluster: RunningCluster, tool: str, *arguments: str) -> bool:
    """Whether the tool did what it was told."""
    asked: Node = cluster.living()[0]
    return apache.run_tool(tool, "--bootstrap-server", asked.bootstrap, *arguments).returncode == 0


def directories(cluster: RunningCluster) -> dict[int, str]:
    """The voters that have a directory, by node id."""
    quorum = cluster.until("the quorum", cluster.quorum)
    return {
        voter.replica_id: urlsafe_b64encode(voter.replica_directory_id.bytes).decode().rstrip("=")
        for voter in quorum.current_voters
        if voter.replica_directory_id != UUID(int=0)
    }
