"""Plays the transcripts beside it: a quorum of several voters, told by what its nodes become.

    > nodes N [seed=S]      nodes 0 … N-1 with empty disks, all of them voters for ever
    > nodes N voters=V      the first V of them are voters, by record
    > add ID, > remove ID   an administrator wants another voter, or one less
    > start IDS             these processes start (all: `start`)
    > run MS                time passes
    > append N              the leader's controller hands it N batches of one record
    > kill ID               the process dies; `leader` stands for whoever leads
    > power ID              it loses its power, and what was not on disk
    > cut IDS               these nodes cannot be reached, nor reach others
    > heal                  they can again
    > resign                the leader is about to stop

What happened follows each command with the time at which it did; a word in brackets ends it: who
leads and how far each log goes.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.raft_cluster import RaftCluster
from harness.transcripts import assert_is_what_happens

TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


class Stage:
    """The cluster of one transcript."""

    cluster: RaftCluster

    def play(self, command: str) -> list[str]:
        name, *words = command.split()
        options = dict(word.split("=") for word in words if "=" in word)
        words = [word for word in words if "=" not in word]
        if name == "nodes":
            voters = int(options["voters"]) if "voters" in options else None
            seed = int(options.get("seed", 0))
            self.cluster = RaftCluster(seed, int(words[0]), voters=voters)
            return []
        cluster = self.cluster
        cluster.events.clear()
        getattr(self, f"_{name}")(words)
        return [*cluster.events, self._summary()]

    def _ids(self, words: list[str]) -> list[int]:
        leader = self.cluster.leader()
        known = "" if leader is None else str(leader.node_id)
        return [int(word.replace("leader", known)) for word in words]

    def _start(self, words: list[str]) -> None:
        chosen = self._ids(words) or range(len(self.cluster.members))
        for node_id in chosen:
            self.cluster.members[node_id].start()

    def _run(self, words: list[str]) -> None:
        self.cluster.run(self.cluster.now_ms + int(words[0]))

    def _append(self, words: list[str]) -> None:
        for number in range(int(words[0])):
            assert self.cluster.append(b"record %d" % number), "nobody leads"

    def _kill(self, words: list[str]) -> None:
        for node_id in self._ids(words):
            self.cluster.crash(node_id, power=False)

    def _power(self, words: list[str]) -> None:
        for node_id in self._ids(words):
            self.cluster.crash(node_id, power=True)

    def _cut(self, words: list[str]) -> None:
        self.cluster.isolate(self._ids(words))

    def _heal(self, words: list[str]) -> None:
        self.cluster.heal()

    def _add(self, words: list[str]) -> None:
        self.cluster.change_voters(self.cluster.add_request(int(words[0])))

    def _remove(self, words: list[str]) -> None:
        (node_id,) = self._ids(words)
        self.cluster.change_voters(self.cluster.remove_request(node_id))

    def _resign(self, words: list[str]) -> None:
        self.cluster.resign()

    def _summary(self) -> str:
        leader = self.cluster.leader()
        ends = ", ".join(
            f"{member.node_id} to {member.log.log_end_offset}{'' if member.alive else ' (down)'}"
            for member in self.cluster.members
        )
        voters = ""
        if self.cluster.dynamic and leader is not None:
            voters = f" of {' '.join(map(str, leader.node.voters.ids))}"
        return f"[{'nobody' if leader is None else leader.node_id} leads{voters}; logs: {ends}]"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    assert_is_what_happens(Stage(), path)


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 4
