"""A share of the seeds of clusters that CI can afford, and every seed that ever failed.

More of them: `python -m minikafka.sim --nodes any --minutes 30`, see docs/simulation.md.
"""

import logging
from collections.abc import Iterator

import pytest

from minikafka.sim.cluster.world import run_world


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Brokers that are killed have much to say."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(6))
def test_the_checkers_of_clusters_find_nothing_wrong_with_one_broker(seed: int) -> None:
    outcome = run_world(seed, shape="1")
    assert outcome.violations == [], f"--nodes 1 in a world, seed {seed}"
    assert outcome.acknowledged > 0


def test_a_cluster_repeats_itself() -> None:
    first = run_world(5, shape="1", with_trace=True)
    second = run_world(5, shape="1", with_trace=True)
    assert first.trace == second.trace
    assert first.digest == second.digest != run_world(6, shape="1").digest
