"""A run of the simulation in other processes, where hashes and addresses are others."""

import os
import subprocess
import sys
from collections.abc import Sequence


def told_elsewhere(arguments: Sequence[str], processes: int = 2) -> set[str]:
    """All that `python -m minikafka.sim` prints, each process with another seed of its hashes."""
    command = [sys.executable, "-m", "minikafka.sim", *arguments]
    told = set()
    for hash_seed in range(processes):
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        told.add(ran.stdout)
    return told
