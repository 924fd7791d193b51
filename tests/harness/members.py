"""Members of consumer groups, one process each, by every client nobody here wrote.

`LIBRARIES` names the clients, `Member` starts one of them and watches it. The programs live in
`tests/interop/members`, one per language; they take the same arguments and commands and say the
same events, described in `go/main.go` there. kcat knows neither, so `KcatMember` understands it.
"""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, NamedTuple

from harness import go, java_programs, kcat, node
from harness.broker import PROJECT

PATIENCE_S = 60.0
HEARTBEAT_MS = 500
PYTHON_PROGRAM = PROJECT / "tests/interop/members/python/member.py"


class Library(NamedTuple):
    """A client library, used with its own default assignor."""

    name: str
    program: Callable[[], list[str]]
    assignor: str
    static: bool = True  # Whether it knows group.instance.id (KIP-345).
    # Whether it goes on as the member it was when its broker was away for a moment.
    keeps_member_id: bool = True


class Read(NamedTuple):
    partition: int
    offset: int
    value: str


def _python() -> list[str]:
    return [sys.executable, str(PYTHON_PROGRAM)]


LIBRARIES = (
    Library("kcat", lambda: [kcat.executable()], "range"),
    Library("confluent-kafka", _python, "range"),
    Library("aiokafka", _python, "roundrobin"),
    Library("kafka-python", _python, "range"),
    Library("franz-go", go.member_command, "cooperative-sticky"),
    Library("sarama", go.member_command, "range"),
    Library(
        "kafkajs",
        node.member_command,
        "RoundRobinAssigner",
        static=False,
        # With no broker to be had it ends its consumer and begins another one.
        keeps_member_id=False,
    ),
    Library("java", lambda: java_programs.command("Member"), "range"),
)
# Not a foreign one: for where it has to stand what the others stand.
OUR_SDK = Library("minikafka", _python, "cooperative-sticky")


class Member:
    """One member: its process, and what it has said so far."""

    def __init__(
        self,
        library: Library,
        bootstrap: str,
        group: str,
        topic: str,
        client_id: str,
        session_ms: int,
        instance: str | None = None,
    ) -> None:
        self.client_id = client_id
        self.instance = instance
        settings = {
            "library": library.name,
            "bootstrap": bootstrap,
            "topic": topic,
            "group": group,
            "client": client_id,
            "session_ms": str(session_ms),
            "heartbeat_ms": str(HEARTBEAT_MS),
        }
        if instance is not None:
            settings["instance"] = instance
        self.events: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            library.program() + self._arguments(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=node.environment(),
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._listeners = [
            self._listen(self.process.stdout, self._heard),
            self._listen(self.process.stderr, self._heard_error),
        ]

    def _arguments(self, settings: dict[str, str]) -> list[str]:
        return [f"{key}={value}" for key, value in settings.items()]

    @staticmethod
    def _listen(stream: IO[str], heard: Callable[[str], None]) -> threading.Thread:
        def listen() -> None:
            with stream:
                for line in stream:
                    heard(line)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        return thread

    def _heard(self, line: str) -> None:
        self.events.append(json.loads(line))

    def _heard_error(self, line: str) -> None:
        self.errors.append(line.rstrip())

    def _said(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]

    @property
    def owned(self) -> frozenset[int] | None:
        """The partitions it has now, None before it was first told."""
        told = self._said("owns")
        return frozenset(told[-1]["partitions"]) if told else None

    @property
    def changes_count(self) -> int:
        """How often what it has was changed, be it to the same."""
        return len(self._said("owns"))

    @property
    def read(self) -> list[Read]:
        """The records, in the order they came."""
        records = self._said("record")
        return [Read(each["partition"], each["offset"], each["value"]) for each in records]

    def commit(self) -> bool:
        """Have it commit all it has read, and wait; False if that is refused in a rebalance."""

        def answers() -> list[str]:
            both = ("committed", "refused")
            return [each["event"] for each in self.events if each["event"] in both]

        before = len(answers())
        self._command("commit")
        self.wait_until(lambda: len(answers()) > before)
        return answers()[-1] == "committed"

    def leave(self) -> None:
        """Have it close its consumer and end; a static member tells nobody."""
        self._command("leave")
        self._ended()
        assert self._said("left"), self.story()

    def die(self) -> None:
        """SIGKILL: nobody is told anything. Also how a test tidies up."""
        self.process.kill()
        self._ended()

    def _command(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def _ended(self) -> None:
        self.process.wait(PATIENCE_S)
        for listener in self._listeners:
            listener.join()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def wait_until(self, true: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Wait for what the member does."""
        deadline = time.monotonic() + timeout_s
        while not true():
            assert self.process.poll() is None, f"ended: {self.story()}"
            assert time.monotonic() < deadline, f"waited in vain: {self.story()}"
            time.sleep(0.02)

    def story(self) -> str:
        """Who it is and the last it said, for a failed assertion."""
        shown = [each for each in self.events if each["event"] != "record"][-6:]
        return f"{self.client_id} owns {self.owned}, said {shown} {self.errors[-6:]}"


class KcatMember(Member):
    """kcat -G: it commits by itself all the time, leaves on SIGTERM and tells in its own words."""

    _REBALANCED = re.compile(r"% Group \S+ rebalanced \(memberid [^)]*\): (assigned|revoked)(.*)")
    _PARTITION = re.compile(r" \[(\d+)\]")

    def _arguments(self, settings: dict[str, str]) -> list[str]:
        properties = {
            "client.id": settings["client"],
            "session.timeout.ms": settings["session_ms"],
            "heartbeat.interval.ms": settings["heartbeat_ms"],
            "auto.commit.interval.ms": "100",
            "auto.offset.reset": "earliest",
        }
        if "instance" in settings:
            properties["group.instance.id"] = settings["instance"]
        arguments = ["-b", settings["bootstrap"], "-u", "-E", "-f", "%p %o %s\\n"]
        for key, value in properties.items():
            arguments += ["-X", f"{key}={value}"]
        return [*arguments, "-G", settings["group"], settings["topic"]]

    def _heard(self, line: str) -> None:
        partition, offset, value = line.split(maxsplit=2)
        record = {"partition": int(partition), "offset": int(offset), "value": value.rstrip()}
        self.events.append({"event": "record"} | record)

    def _heard_error(self, line: str) -> None:
        super()._heard_error(line)
        if (found := self._REBALANCED.match(line)) is not None:
            has = self._PARTITION.findall(found[2]) if found[1] == "assigned" else []
            self.events.append({"event": "owns", "partitions": list(map(int, has))})

    def commit(self) -> bool:
        """It does so every tenth of a second."""
        return True

    def leave(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self._ended()
        assert self.process.returncode == 0, self.story()


def member_class(library: Library) -> type[Member]:
    return KcatMember if library.name == "kcat" else Member


def share(
    members: Iterable[Member],
    partitions: int,
    sizes: Sequence[int],
    timeout_s: float = PATIENCE_S,
) -> float:
    """Wait until the members have all partitions, so many each; returns the seconds that took."""
    waiting = list(members)
    started = time.monotonic()
    while True:
        owned = [member.owned or frozenset() for member in waiting]
        if sorted(map(len, owned)) == sorted(sizes) and len(set().union(*owned)) == partitions:
            return time.monotonic() - started
        stories = "\n".join(member.story() for member in waiting)
        assert all(member.process.poll() is None for member in waiting), f"one ended:\n{stories}"
        assert time.monotonic() < started + timeout_s, f"after {timeout_s} s:\n{stories}"
        time.sleep(0.02)
