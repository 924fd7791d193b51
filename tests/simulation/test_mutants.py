"""The test of the tests: planted bugs are found, each within a number of seeds."""

import logging
from collections.abc import Iterator

import pytest
from simulation.mutants import MUTANTS, Mutant

from minikafka.sim.scenario import run_seed


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Broken brokers have much to say."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def seeds_until_found(mutant: Mutant) -> int | None:
    for seed in range(mutant.seeds):
        if run_seed(seed, durability=mutant.durability, faults=mutant.faults).violations:
            return seed + 1
    return None


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = MUTANTS[name]
    mutant.plant(monkeypatch)
    assert seeds_until_found(mutant) is not None, f"{name}: not within {mutant.seeds} seeds"
