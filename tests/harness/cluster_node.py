"""One node of a cluster: minikafka or Apache Kafka, as it was last told, on its own directory."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness import apache
from harness.broker import PROJECT, BrokerDied, RunningBroker, Software, new_id
from harness.peer import Peer

ANSWER_S = 3.0


class Node(RunningBroker):
    """One node of a cluster. `launcher` is put before its command, to run it elsewhere."""

    def __init__(
        self,
        directory: Path,
        software: Software,
        node_id: int,
        host: str = "127.0.0.1",
        launcher: Sequence[str] = (),
    ) -> None:
        super().__init__(directory, software=software, node_id=node_id, host=host)
        self.launcher = list(launcher)
        self.directory_id = new_id()
        self.paused = False

    @property
    def answers(self) -> bool:
        """Whether there is a process that could."""
        return self.process is not None and not self.paused and self.process.poll() is None

    @property
    def controller_address(self) -> str:
        return f"{self.host}:{self.controller_port}"

    @property
    def as_voter(self) -> str:
        return f"{self.node_id}@{self.controller_address}"

    def format_for(self, cluster_id: str, voters: str | None, *options: str) -> None:
        """Format by the software's own tool; `voters`: the first ones of a dynamic quorum."""
        arguments = ["format", "--cluster-id", cluster_id, "--config", str(self.properties_file)]
        arguments += options
        if voters is not None:
            arguments += ["--initial-controllers", voters]
        if self.software is Software.APACHE:
            done = apache.run_tool("kafka-storage", *arguments)
        else:
            command = [sys.executable, "-m", "minikafka.cli.main", "storage", *arguments]
            done = subprocess.run(command, capture_output=True, check=False, cwd=PROJECT)
        if done.returncode:
            raise BrokerDied(f"format: {done.stdout.decode()}{done.stderr.decode()}")

    def pause(self) -> None:
        """SIGSTOP: it neither answers nor closes anything."""
        self.signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        self.signal(signal.SIGCONT)
        self.paused = False

    def kill(self) -> None:
        super().kill()
        self.paused = False

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def peer(self, timeout_s: float = ANSWER_S) -> Peer:
        return Peer(self.host, self.port, timeout_s)

    def _command(self) -> list[str]:
        return [*self.launcher, *super()._command()]
