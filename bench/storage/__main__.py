"""Prints one table with ratios and writes JSON, as `python -m bench` does."""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from bench import report
from bench.__main__ import RESULTS, contestants
from bench.contest import Contest
from bench.scenario import Scenario
from bench.storage.partitions import Partitions
from bench.storage.restart import Restart


def main() -> int:
    scenarios: list[Scenario] = [Partitions(1_000), Partitions(10_000), Restart()]
    parser = argparse.ArgumentParser(prog="python -m bench.storage", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="alternations per scenario")
    parser.add_argument("--only", action="append", choices=[each.name for each in scenarios])
    parser.add_argument("--reference", choices=["kafka", "none"], default="kafka")
    parser.add_argument("--directory", type=Path, help="where the brokers keep their data")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a promise is missed")
    options = parser.parse_args()
    chosen = [each for each in scenarios if not options.only or each.name in options.only]
    # Apache Kafka keeps a file of each partition open.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    competing = contestants("minikafka", options.reference)
    with tempfile.TemporaryDirectory(prefix="minikafka-bench-", dir=options.directory) as scratch:
        contest = Contest(competing, options.rounds, Path(scratch))
        for scenario in chosen:
            # Each on storage of its own.
            contest.directory = Path(scratch, scenario.name)
            contest.run([scenario])
    names = list(competing)
    print(report.table(chosen, contest.results, names))
    print(f"\nEvery round is in {report.write_json(chosen, contest.results, names, RESULTS)}")
    return 1 if options.strict and report.missed(chosen, contest.results, names) else 0


if __name__ == "__main__":
    sys.exit(main())
