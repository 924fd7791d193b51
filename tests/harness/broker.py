"""A broker as a child process: started from a server.properties, killed, stopped, started again.

The same class starts minikafka and Apache Kafka with the same file, so that a test can be shown to
be right against the original, and a benchmark gives both the same work.
"""

import base64
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Self

from harness import apache
from harness.wire import Wire

PROJECT = Path(__file__).parents[2]


class Software(Enum):
    MINIKAFKA = "minikafka"
    APACHE = "kafka"


class BrokerDied(Exception):
    """The process ended by itself or never answered; the message shows the end of its log."""


def target() -> Software:
    """What the suites run against: minikafka unless MINIKAFKA_INTEROP_TARGET=kafka."""
    return Software(os.environ.get("MINIKAFKA_INTEROP_TARGET", "minikafka"))


# Below the range from which the kernel takes ports for outgoing connections: a broker that is
# restarted finds its port free, whatever clients have connected meanwhile.
LISTENING_PORTS = range(12_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on, chosen at random: several test processes may run at once."""
    while True:
        port = secrets.choice(LISTENING_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def new_id() -> str:
    """An id as Kafka writes it, for a cluster or a directory; tools take a leading dash amiss."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):
            return made


def _environment() -> dict[str, str]:
    """Without Kafka's variables, which would be settings, and with the bytecode that an installed
    program has: compiling it anew costs each start 0.12 s.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KAFKA_") and name != "PYTHONDONTWRITEBYTECODE"
    }


class RunningBroker:
    """One node, broker and controller, on fixed ports of the loopback with data in a directory.

    It owns the child process and its `server.properties`; the log directory outlives the process,
    so `kill()` followed by `start()` is a restart on the same data and the same port.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, str] | None = None,
        software: Software | None = None,
        *,
        node_id: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.directory = directory
        self.software = software or target()
        self.node_id = node_id
        self.host = host
        self.port = free_port()
        self.controller_port = free_port()
        self.log_dir = directory / "data"
        self.properties_file = directory / "server.properties"
        self.output_file = directory / "broker.log"
        self.process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.configure(settings or {})

    def configure(self, settings: Mapping[str, str]) -> None:
        """Write `server.properties` anew, for the next start."""
        self.properties_file.write_text(
            "".join(f"{key}={value}\n" for key, value in self._settings(settings).items())
        )

    def _settings(self, overrides: Mapping[str, str]) -> dict[str, str]:
        settings = {
            "process.roles": "broker,controller",
            "node.id": str(self.node_id),
            "controller.quorum.voters": f"{self.node_id}@{self.host}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.host}:{self.port},"
            f"CONTROLLER://{self.host}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.host}:{self.port}",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.log_dir),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
        }
        return settings | dict(overrides)

    @property
    def bootstrap(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None, "the broker is not running"
        return self.process.pid

    def __enter__(self) -> Self:
        self.format()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def connect(self) -> Wire:
        return Wire(self.host, self.port)

    def format(self) -> float:
        """What Kafka's users do by hand with kafka-storage, in seconds; minikafka needs none."""
        if self.software is Software.MINIKAFKA or (self.log_dir / "meta.properties").exists():
            return 0.0
        cluster_id = new_id()
        started = time.perf_counter()
        done = apache.run_tool(
            "kafka-storage",
            "format",
            "--cluster-id=" + cluster_id,
            "--config",
            str(self.properties_file),
        )
        if done.returncode:
            raise BrokerDied(f"kafka-storage format: {done.stdout.decode()}{done.stderr.decode()}")
        return time.perf_counter() - started

    def start(self, timeout_s: float = 60, *, until_listed: bool = True) -> float:
        """Start the process; returns the seconds from exec to the first answered ApiVersions.

        By default it also waits, uncounted, until the broker lists itself in Metadata.
        """
        started = time.perf_counter()
        self.spawn()
        deadline = started + timeout_s
        self._until_answered("ApiVersions", Wire.api_versions, deadline)
        elapsed = time.perf_counter() - started
        if until_listed:
            self._until_answered("Metadata with a broker", Wire.broker_ids, deadline)
        return elapsed

    def spawn(self) -> None:
        """Start the process and wait for nothing."""
        assert self.process is None, "the broker is running"
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                cwd=PROJECT,  # `python -m` finds the packages there, installed or not.
            )

    def _command(self) -> list[str]:
        if self.software is Software.APACHE:
            return apache.server_command(self.properties_file)
        return [sys.executable, "-m", "minikafka.broker.main", str(self.properties_file)]

    def _until_answered(
        self, what: str, question: Callable[[Wire], object], deadline: float
    ) -> None:
        assert self.process is not None
        while True:
            try:
                with Wire(self.host, self.port) as wire:
                    if question(wire):
                        return
            except OSError:
                pass  # Not listening yet, or not ready and closing.
            if self.process.poll() is not None or time.perf_counter() > deadline:
                state = f"exit code {self.process.poll()}"
                self.kill()
                raise BrokerDied(f"no answer to {what} ({state}):\n{self.output_tail()}")
            time.sleep(0.002)

    def output_tail(self, lines: int = 40) -> str:
        text = self.output_file.read_text(errors="replace") if self.output_file.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, closed or said. Also the quick way to end a test."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self, timeout_s: float = 30) -> int:
        """SIGTERM and wait; returns the exit code. Raises BrokerDied when it does not end."""
        assert self.process is not None, "the broker is not running"
        self.process.terminate()
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            tail = self.output_tail()
            raise BrokerDied(f"still running {timeout_s} s after SIGTERM:\n{tail}") from None
        self.process = None
        return code

    def assert_alive(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self.output_tail()
