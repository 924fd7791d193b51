"""Plants bugs in the host of the quorum and expects the storms over whole hosts to find each."""

from __future__ import annotations

from typing import Any

import pytest
from harness.quorum_hosts import Violation
from harness.quorum_weather import SHORT_LOGS, simulate, storm

from minikafka.broker.quorum_log import QuorumLog
from minikafka.broker.quorum_replay import QuorumReplay
from minikafka.log.partition_log import PartitionLog
from minikafka.raft.quorum_state import FILE_NAME, QuorumState
from minikafka.raft.voters import VoterSet

SEEDS = 16


async def report_what_is_not_on_disk(self: QuorumLog) -> int:
    return self.log.log_end_offset


truncate_log = PartitionLog.truncate_to


def call_what_was_cut_durable(self: PartitionLog, offset: int) -> None:
    """A flush that ran over the cut counts."""
    cuts, recovery_point = self._cuts, self.recovery_point
    truncate_log(self, offset)
    self._cuts, self.recovery_point = cuts, recovery_point


def keep_pending(self: QuorumReplay, end_offset: int) -> None:
    return None


def keep_what_was_decided(self: QuorumReplay) -> None:
    self._is_leading = False


def forget_votes(self: QuorumLog, state: QuorumState, version: int, voters: VoterSet) -> None:
    self._disk.replace(f"{self.directory}/{FILE_NAME}", state.encode(version, voters))


MUTANTS: list[tuple[type, str, Any]] = [
    (QuorumLog, "flush", report_what_is_not_on_disk),
    (PartitionLog, "truncate_to", call_what_was_cut_durable),
    (QuorumReplay, "truncate", keep_pending),
    (QuorumReplay, "deposed", keep_what_was_decided),
    (QuorumLog, "write_quorum_state", forget_votes),
]


def survives() -> bool:
    for seed in range(SEEDS):
        try:
            simulate(seed, storm, observers=1, **(SHORT_LOGS if seed % 2 else {}))
        except (AssertionError, Violation):
            return False
    return True


def name_of(value: object) -> str:
    """Of a class, a method or a mutant; nothing that is another in every process."""
    return value if isinstance(value, str) else getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize(("owner", "name", "mutant"), MUTANTS, ids=name_of)
def test_a_planted_bug_is_found(
    owner: type, name: str, mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, mutant)
    assert not survives()
