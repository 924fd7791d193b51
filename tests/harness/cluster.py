"""Several nodes as child processes: one cluster, started, broken and asked from outside.

The same class starts minikafka, Apache Kafka, or some of each; a node may change its software
between two starts on the same directory.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from harness.broker import Software, new_id, target
from harness.cluster_node import Node
from harness.cluster_questions import PATIENCE_S, AskedCluster

# What must survive the loss of a node has three replicas, of which two have to hold a record.
SETTINGS = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


class RunningCluster(AskedCluster):
    """`count` combined nodes on fixed ports, each with a directory that outlives its process."""

    def __init__(
        self,
        directory: Path,
        count: int = 3,
        settings: Mapping[str, str] | None = None,
        software: Software | Sequence[Software] | None = None,
        *,
        first_id: int = 0,
        dynamic: bool = False,
        places: Sequence[tuple[str, Sequence[str]]] | None = None,
    ) -> None:
        """`places`: host and launcher of each node. `dynamic`: voters live in the log (KIP-853)."""
        chosen = software or target()
        kinds = [chosen] * count if isinstance(chosen, Software) else list(chosen)
        where = places or [("127.0.0.1", ())] * len(kinds)
        self.dynamic = dynamic
        self.cluster_id = new_id()
        self.settings = SETTINGS | dict(settings or {})
        super().__init__(
            Node(directory / f"node-{first_id + index}", kind, first_id + index, *place)
            for index, (kind, place) in enumerate(zip(kinds, where, strict=True))
        )
        self.node_settings = self.settings | self._quorum()
        for node in self.nodes:
            node.configure(self.node_settings)

    def _quorum(self) -> dict[str, str]:
        if self.dynamic:
            addresses = ",".join(node.controller_address for node in self.nodes)
            # The key that the class sets for a single node must not stay beside it.
            return {
                "controller.quorum.voters": "",
                "controller.quorum.bootstrap.servers": addresses,
            }
        return {"controller.quorum.voters": ",".join(node.as_voter for node in self.nodes)}

    # -- life -------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.format()
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def format(self) -> None:
        voters = None
        if self.dynamic:
            voters = ",".join(f"{node.as_voter}:{node.directory_id}" for node in self.nodes)
        for node in self.nodes:
            node.format_for(self.cluster_id, voters)

    def start(self, timeout_s: float = PATIENCE_S) -> None:
        """Start what is not running and wait until every node lists every node."""
        for node in self.nodes:
            if node.process is None:
                node.spawn()
        self.wait_unfenced(timeout_s)

    def kill(self) -> None:
        """SIGKILL for all at once."""
        for node in self.nodes:
            if node.process is not None:
                node.process.kill()
        for node in self.nodes:
            node.kill()
