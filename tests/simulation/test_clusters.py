"""A share of the seeds of clusters that CI can afford, and every seed that ever failed.

More of them: `python -m minikafka.sim --nodes any --minutes 30`, see docs/simulation.md.
"""

import logging
import sys
from collections.abc import Iterator
from functools import cache

import pytest
from simulation.cluster_mutants import MUTANTS
from simulation.find_mutants import seeds_until_found
from simulation.other_processes import told_elsewhere

from minikafka.sim import __main__ as program
from minikafka.sim.cluster.ledger import Ledger
from minikafka.sim.cluster.verdict import BRANCHES
from minikafka.sim.cluster.world import ClusterOutcome, run_world

SEEDS = 10

# What failed once: (shape or any, seed) and what was wrong.
REGRESSIONS: dict[tuple[str, int], str] = {
    ("3", 26): "a header torn behind its length was taken for a message of an old format",
    ("3", 18): "no start while the controller's disk was full",
    ("any", 17): "a deposed leader's high watermark behind an unclean election (a checker's fault)",
    ("any", 100163): "a lost value that its producer sent again, elsewhere (a checker's fault)",
    ("any", 20091): "a restored high watermark behind an unclean election (a checker's fault)",
    ("any", 5022): "a group that found nothing left to commit (a checker's fault)",
    ("any", 304011): "a follower behind deleted records began in the middle of a batch, for ever",
    ("any", 400931): "a role that a registration took away again at once (a checker's fault)",
    ("any", 400713): "a reassignment ended with a leader who was just in sync (a checker's fault)",
    ("3", 80): "a survivor of a loss of all power that had been in company (a checker's fault)",
    ("any", 322652): "a flush that was given up kept a log's identity from a clean stop",
    ("any", 412509): "a high watermark that moved before the registration (a checker's fault)",
    ("any", 321843): "a last known leader whose disk was replaced (a checker's fault)",
    ("any", 310330): "the only member of an ISR committed and was fenced (a checker's fault)",
    ("any", 431106): "a consumer asked a deposed leader for what only the new one had, and reset",
    ("any", 432146): "a batch that the disk had kept was dropped for its unknown leader epoch",
    ("any", 341353): "a group that went back behind records that were lost (a checker's fault)",
    ("any", 344173): "a leader of the quorum that slept over its election (a checker's fault)",
    ("any", 435489): "members whose last commit was kept, not acknowledged (a checker's fault)",
    ("any", 300011): "an ISR that shrank to one without power, unknown yet (a checker's fault)",
}

RARE = {
    "controller deposed with decisions pending",
    "controller failed over while a topic was created",
    "coordinator loading",
    "eligible leader replica elected",
    "follower began behind the log's start",
    "metadata snapshot installed",
    "offset not available",
    "reassignment cancelled",
    "records deleted",
    "torn log cut at the start",
}
"""Branches that want for more seeds than CI has: `--minutes 60 --all-branches` insists on them."""

FOUND_IN_CI = (
    "half is a majority",
    "metadata acknowledged before the fsync",
    "acknowledged before the high watermark",
    "high watermark without the slowest",
)
"""Bugs that the first seeds find; all of them: `python -m simulation.find_mutants`."""


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Brokers that are killed have much to say."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@cache
def run(shape: str, seed: int) -> ClusterOutcome:
    return run_world(seed, shape=None if shape == "any" else shape)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_promises_hold_whatever_becomes_of_a_cluster(seed: int) -> None:
    outcome = run("any", seed)
    assert outcome.violations == [], f"python -m minikafka.sim --nodes any --seed {seed}"
    assert outcome.acknowledged > 0


@pytest.mark.parametrize(("shape", "seed"), REGRESSIONS)
def test_what_failed_once_does_not_fail_again(shape: str, seed: int) -> None:
    assert run(shape, seed).violations == [], REGRESSIONS[shape, seed]


def test_what_matters_has_happened() -> None:
    """A promise that nothing has tried is not kept, it was only given."""
    seeds = [*(("any", seed) for seed in range(SEEDS)), *REGRESSIONS]
    reached = {branch for seed in seeds for branch in run(*seed).reached}
    assert set(BRANCHES) - RARE - reached == set()


@pytest.mark.parametrize("name", FOUND_IN_CI)
def test_a_bug_planted_into_a_cluster_is_found(name: str) -> None:
    assert seeds_until_found(MUTANTS[name]) is not None


def test_a_cluster_repeats_itself() -> None:
    first = run_world(5, shape="1", with_trace=True)
    second = run_world(5, shape="1", with_trace=True)
    assert first.trace == second.trace
    assert first.digest == second.digest != run_world(6, shape="1").digest


def test_a_cluster_repeats_itself_in_another_process() -> None:
    told = told_elsewhere(["--nodes", "3", "--seed", "9"])
    assert len(told) == 1, told
    assert "ok, digest " in told.pop()


def test_a_failing_cluster_says_how_to_run_it_again_with_fewer_faults(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def judge(self: Ledger, topic: str, found: object) -> None:
        self._verdict.violate("on purpose", topic)

    monkeypatch.setattr(Ledger, "judge", judge)
    monkeypatch.setattr(sys, "argv", ["sim", "--nodes", "3", "--seed", "3", "--shrink", "--story"])
    assert program.main() == 1
    told = capsys.readouterr().out
    assert "leads the quorum in epoch 1" in told
    assert "on purpose: events" in told
    assert "again: python -m minikafka.sim --seed 3 --nodes 3 --order hosts" in told
    assert "smaller: python -m minikafka.sim --seed 3 --nodes 3 --order hosts --keep ''" in told
