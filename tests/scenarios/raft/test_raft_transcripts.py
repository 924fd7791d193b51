"""Plays the transcripts beside it: lines with `>` are what happens, the rest what must follow.

    > node 1 voters=1 [kraft=1]   a node with an empty disk
    > start                       its log and quorum-state have been read
    > append N                    the controller hands it a batch of N records
    > flushed END [epoch=E]       an fsync has covered the log up to END
    > crash [keep=END] [forget]   the process dies; the log survives up to END (all), and the
                                  quorum-state unless forgotten; then the node is there again

Effects are printed in the order in which a host carries them out, the state of the node last.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from harness.transcripts import assert_is_what_happens

from minikafka.raft.effects import Committed, ControlBatch, Effects, Elected
from minikafka.raft.events import AppendRequested, Event, Flushed, Started
from minikafka.raft.node import RaftNode
from minikafka.raft.quorum_state import QuorumState
from minikafka.raft.voters import Voter, VoterHistory, VoterSet

CONTROL = {2: "LeaderChange", 5: "KRaftVersion", 6: "KRaftVoters"}
TRANSCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


class Stage:
    """One node, its disk (what was written, with epochs) and the lines it makes."""

    def __init__(self) -> None:
        self.epochs: list[int] = []  # of each record in the log
        self.quorum_state = QuorumState()
        self.lines: list[str] = []
        self.node: RaftNode

    log_start_offset = 0
    latest_snapshot = None

    @property
    def log_end_offset(self) -> int:
        return len(self.epochs)

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        below = [known for known in self.epochs if known <= epoch]
        return (below[-1], len(below)) if below else (-1, 0)

    @property
    def last_epoch(self) -> int:
        return self.epochs[-1] if self.epochs else 0

    def play(self, command: str) -> list[str]:
        self.lines = []
        name, *words = command.split()
        options = dict(word.partition("=")[::2] for word in words)
        positional = [word for word in words if "=" not in word]
        if name == "node":
            self.node_id = int(positional[0])
            self.voters = VoterSet([Voter(int(n)) for n in options["voters"].split(",")])
            self.kraft_version = int(options.get("kraft", 0))
            self._boot()
        elif name == "start":
            self._step(Started())
        elif name == "append":
            self._step(AppendRequested(b"", int(positional[0])))
        elif name == "flushed":
            epoch = int(options.get("epoch", self.node.epoch))
            self._step(Flushed(epoch, int(positional[0])))
        elif name == "crash":
            del self.epochs[int(options.get("keep", self.log_end_offset)) :]
            if "forget" in positional:
                self.quorum_state = QuorumState()
            self._boot()
        else:
            raise AssertionError(f"no command {name}")
        return self.lines

    def _boot(self) -> None:
        self.node = RaftNode(
            node_id=self.node_id,
            directory_id=UUID(int=500),
            history=VoterHistory(self.voters, self.kraft_version),
            quorum_state=self.quorum_state,
            log=self,
            draw=lambda: 0.5,
        )
        self._tell_state()

    def _step(self, event: Event) -> None:
        self._carry_out(self.node.step(event, 0))
        self._tell_state()

    def _carry_out(self, effects: Effects) -> None:
        tell = self.lines.append
        if effects.persist is not None:
            state = effects.persist.quorum_state
            if state is not None:
                self.quorum_state = state
                tell(f"write quorum-state: epoch {state.epoch} leader {state.leader_id}")
            for batch in effects.persist.batches:
                first, last = batch.base_offset, batch.base_offset + batch.record_count - 1
                what = f"{batch.record_count} records"
                if isinstance(batch, ControlBatch):
                    what = " ".join(CONTROL[kind] for kind, _ in batch.records)
                tell(f"write {first}-{last} epoch {batch.epoch}: {what}")
                self.epochs += [batch.epoch] * batch.record_count
        for item in effects.apply:
            if isinstance(item, Committed):
                tell(f"committed: all below {item.high_watermark}")
            elif isinstance(item, Elected):
                tell(f"elected: epoch {item.epoch} from {item.epoch_start_offset}")
            else:
                tell(f"deposed: epoch {item.epoch}")

    def _tell_state(self) -> None:
        node = self.node
        self.lines.append(
            f"= {type(node.state).__name__} epoch {node.epoch} high watermark {node.high_watermark}"
        )


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    assert_is_what_happens(Stage(), path)


def test_there_are_transcripts() -> None:
    assert len(TRANSCRIPTS) >= 3
