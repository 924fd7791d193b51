"""Plays the transcripts beside it: what the controller decides while brokers come and go.

    > cluster N [elr=off] [unclean=on] [min=M]   N brokers that are up; min.insync.replicas
    > topic NAME IDS        one partition on these brokers
    > produce NAME N        N records with acks=all
    > kill ID, > power ID   the process dies; with the power goes what was not flushed
    > refused ID            its listener has refused connections
    > start ID              a new process registers, applies the metadata and is unfenced
    > stop ID               a step of its controlled shutdown
    > wait MS               time passes; who runs sends heartbeats and knows all
    > report NAME IDS       the leader says that these are in sync
    > sync NAME             all that run have fetched up to the end, and the leader says so
    > reassign NAME IDS     to other brokers (`cancel`: back)
    > elect KIND NAME       preferred or unclean

What changed follows each command: brokers, partitions, and what an administrator was told.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.controller_world import HEARTBEAT_MS, ControllerWorld
from harness.transcripts import assert_is_what_happens

from minikafka.metadata.topic_image import NO_LEADER, PartitionImage
from minikafka.protocol.errors import ErrorCode

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


class Stage:
    """The cluster of one transcript, and what was last told of it."""

    world: ControllerWorld

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._answers: list[str] = []

    def play(self, command: str) -> list[str]:
        name, *words = command.split()
        options = dict(word.split("=") for word in words if "=" in word)
        words = [word for word in words if "=" not in word]
        self._answers = []
        if name == "cluster":
            self._cluster(int(words[0]), options)
        else:
            getattr(self, f"_{name}")(*words)
        now = self._state()
        changed = [f"{what} {text}" for what, text in now.items() if self._told.get(what) != text]
        self._told = now
        return ["  " + line for line in (*self._answers, *changed)]

    def _cluster(self, brokers: int, options: dict[str, str]) -> None:
        self.world = ControllerWorld(
            brokers,
            elr=options.get("elr") != "off",
            unclean=options.get("unclean") == "on",
            min_isr=int(options.get("min", "1")),
        )
        for broker_id in self.world.brokers:
            self._start(str(broker_id))

    def _topic(self, name: str, replicas: str) -> None:
        refusal = self.world.create(name, _ids(replicas))
        if refusal is not None:
            self._answers.append(refusal)
        self._everybody()

    def _produce(self, name: str, count: str) -> None:
        done = sum(self.world.produce(name) for _ in range(int(count)))
        self._answers.append(f"{done} of {count} acknowledged")

    def _kill(self, broker_id: str) -> None:
        self.world.kill(int(broker_id))

    def _power(self, broker_id: str) -> None:
        self.world.kill(int(broker_id), power=True)

    def _refused(self, broker_id: str) -> None:
        self.world.refused(int(broker_id))
        self._everybody()

    def _start(self, broker_id: str) -> None:
        if not self.world.start(int(broker_id)):
            self._answers.append("another process has a session with this id")
            return
        self.world.apply(int(broker_id))
        self.world.heartbeat(int(broker_id))
        self._everybody()

    def _stop(self, broker_id: str) -> None:
        if self.world.stop(int(broker_id)):
            self._answers.append("it may go")
        else:
            self._answers.append("it waits until the others know")
        self._everybody()

    def _wait(self, ms: str) -> None:
        end_ms = self.world.now_ms + int(ms)
        while self.world.now_ms < end_ms:
            self.world.pass_time(min(HEARTBEAT_MS, end_ms - self.world.now_ms))
            self._everybody()
            for broker in self.world.brokers.values():
                if broker.alive and not broker.stopping:
                    self.world.heartbeat(broker.broker_id)

    def _report(self, name: str, isr: str) -> None:
        code = self.world.report(name, self.world.partition(name).leader, _ids(isr))
        if code:
            self._answers.append(f"the leader is told {ErrorCode(code).name}")
        self._everybody()

    def _sync(self, name: str) -> None:
        partition = self.world.partition(name)
        leader = self.world.brokers.get(partition.leader)
        if leader is None:
            self._answers.append("there is no leader to follow")
            return
        following = [r for r in partition.replicas if self.world.fetch(name, r, leader)]
        isr = [r for r in partition.isr if r in following]
        self._report(name, ",".join(map(str, [*isr, *(r for r in following if r not in isr)])))

    def _reassign(self, name: str, replicas: str) -> None:
        wanted = None if replicas == "cancel" else _ids(replicas)
        self._answers.append(self.world.reassign(name, wanted) or "done")
        self._everybody()

    def _elect(self, kind: str, name: str) -> None:
        code = {"preferred": 0, "unclean": 1}[kind]
        self._answers.append(self.world.elect(name, code) or "done")
        self._everybody()

    def _everybody(self) -> None:
        for broker in self.world.brokers.values():
            if broker.alive:
                self.world.apply(broker.broker_id)

    def _state(self) -> dict[str, str]:
        told = {}
        for broker in self.world.image.brokers.values():
            standing = "is fenced" if broker.fenced else "is up"
            if broker.in_controlled_shutdown and not broker.fenced:
                standing = "is about to leave"
            told[f"broker {broker.broker_id}"] = standing
        for name, topic in self.world.image.topics.items():
            told[name] = _described(topic.partitions[0])
            lost = self.world.lost(name)
            if lost:
                told[name] += f"; {len(lost)} acknowledged records are lost"
        return told


def _ids(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _described(partition: PartitionImage) -> str:
    parts = [
        "on " + _list(partition.replicas),
        "nobody leads" if partition.leader == NO_LEADER else f"{partition.leader} leads",
    ]
    parts[-1] += f" in epoch {partition.leader_epoch}"
    for name, some in (
        ("in sync", partition.isr),
        ("eligible", partition.elr),
        ("last leader", partition.last_known_elr),
        ("adding", partition.adding_replicas),
        ("removing", partition.removing_replicas),
    ):
        if some or name == "in sync":
            parts.append(f"{name} {_list(some)}")
    if partition.leader_recovery_state:
        parts.append("recovering")
    return "; ".join(parts)


def _list(ids: list[int]) -> str:
    return " ".join(map(str, ids)) or "nobody"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    assert_is_what_happens(Stage(), path)


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 7
