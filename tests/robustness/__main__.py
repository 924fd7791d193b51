"""Sends bad requests to a broker of its own and says what became of them.

    PYTHONPATH=tests python -m robustness --frames 100000 --seed 1

Exit code 1 with a reason when the broker crashed, answered nonsense, closed a well-formed request,
leaked memory or descriptors, or logged more than one line for a bad request.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from harness.broker import RunningBroker, Software

from robustness.trial import Trial


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m robustness", description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    with (
        tempfile.TemporaryDirectory() as directory,
        RunningBroker(Path(directory), software=Software.MINIKAFKA) as broker,
    ):
        trial = Trial(broker, arguments.seed)
        started = time.perf_counter()
        for done in trial.steps(arguments.frames):
            say(f"{done:>9} requests {time.perf_counter() - started:6.1f} s  {trial.usage()}")
        say(trial.report())
        faults = trial.faults()
    for fault in faults:
        say(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
