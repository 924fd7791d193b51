"""A share of the seeds that CI can afford: whole brokers, clients and misfortune.

More of them: `python -m minikafka.sim --seeds 5000`, see docs/simulation.md.
"""

import logging
import sys
from collections.abc import Iterator

import pytest
from simulation.other_processes import told_elsewhere

from minikafka.sim import __main__ as program
from minikafka.sim.history import History
from minikafka.sim.scenario import Durability, run_seed
from minikafka.sim.scheduler import Order
from minikafka.sim.weather import FAULTS

SEEDS_PER_TEST = 12
TESTS = 4


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Brokers that are killed have much to say."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("durability", ["page-cache", "fsync"])
@pytest.mark.parametrize("first", range(0, TESTS * SEEDS_PER_TEST, SEEDS_PER_TEST))
def test_promises_hold_in_all_weathers(first: int, durability: Durability) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        outcome = run_seed(seed, durability=durability)
        assert outcome.violations == [], f"seed {seed}, --durability {durability}"
        assert outcome.acknowledged > 0


def test_promises_do_not_lean_on_the_order_of_callbacks() -> None:
    for seed in range(6):
        outcome = run_seed(seed, order="shuffle", durability="fsync")
        assert outcome.violations == [], f"seed {seed}, --order shuffle"


def test_in_good_weather_nothing_is_at_risk() -> None:
    for seed in range(4):
        outcome = run_seed(seed, faults=())
        assert (outcome.violations, outcome.lost, outcome.struck) == ([], 0, {})


def test_the_seeds_try_every_kind_of_misfortune() -> None:
    struck: set[str] = set()
    for seed in range(40):
        struck.update(run_seed(seed).struck)
        if len(struck) == len(FAULTS):
            break
    assert struck == set(FAULTS)
    assert any(run_seed(seed, faults=("power",)).lost for seed in range(20))


@pytest.mark.parametrize("order", ["hosts", "shuffle"])
def test_a_seed_repeats_itself(order: Order) -> None:
    first = run_seed(5, order=order, with_trace=True)
    second = run_seed(5, order=order, with_trace=True)
    other = run_seed(6, order=order)
    assert first.trace == second.trace
    assert first.digest == second.digest != other.digest


def test_a_seed_repeats_itself_in_another_process() -> None:
    told = told_elsewhere(["--seed", "9", "--durability", "fsync"], processes=3)
    assert len(told) == 1, told
    assert "ok, digest " in told.pop()


def test_a_failing_seed_says_how_to_run_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(History, "judge", lambda self, found: self.violate("on purpose"))
    monkeypatch.setattr(sys, "argv", ["sim", "--seed", "3", "--faults", "kill,power"])
    assert program.main() == 1
    told = capsys.readouterr().out
    assert "on purpose" in told
    assert "again: python -m minikafka.sim --seed 3 --durability page-cache" in told
    assert "--faults 'kill,power'" in told
