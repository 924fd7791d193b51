"""`PYTHONPATH=tests python -m simulation.find_mutants [NAME…]`: how many seeds find each bug?

A line for each: the seed, the promise that it broke. 1 if one was not found within its number.
"""

import argparse
import logging
import sys
import time

import pytest
from simulation.cluster_mutants import MUTANTS, Mutant

from minikafka.sim.cluster.world import run_world


def seeds_until_found(mutant: Mutant, first: int = 0) -> tuple[int, str] | None:
    """(how many seeds it took, what was broken), None if it was not found in time."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.plant(patch)
        for seed in range(first, first + mutant.seeds):
            outcome = run_world(seed, shape=mutant.shape, faults=mutant.faults, until_violated=True)
            if outcome.violations:
                return seed - first + 1, outcome.violations[0]
    return None


def main() -> int:
    """Look for the bugs named on the command line, or for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names; all by default")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    missed = 0
    for name, mutant in MUTANTS.items():
        if options.names and not any(part in name for part in options.names):
            continue
        started = time.perf_counter()
        found = seeds_until_found(mutant, options.first)
        seconds = time.perf_counter() - started
        told = (
            f"NOT FOUND in {mutant.seeds}" if found is None else f"{found[0]:3}: {found[1][:110]}"
        )
        sys.stdout.write(f"{name:45} {told} ({seconds:.0f} s)\n")
        sys.stdout.flush()
        missed += found is None
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
