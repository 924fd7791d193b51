"""Prints one table with ratios and writes JSON, as `python -m bench` does."""

import argparse
import resource
import signal
import sys
import tempfile
from pathlib import Path

from bench import report
from bench.__main__ import RESULTS, contestants
from bench.cluster.contest import ClusterContest
from bench.cluster.failover import KillController, KillFollower, KillLeader
from bench.cluster.partitions import ReplicatedPartitions
from bench.cluster.scenario import ClusterScenario
from bench.cluster.start import StartUp
from bench.cluster.traffic import EndToEnd, OneAtATime, ProduceReplicated
from bench.machine_awake import machine_awake


def all_scenarios() -> list[ClusterScenario]:
    return [
        StartUp(),
        ProduceReplicated("produce-16k", 200_000_000, 16 << 10, 0.333),
        ProduceReplicated("produce-1m", 600_000_000, 1_000_000, None),
        OneAtATime(),
        EndToEnd(),
        KillLeader(),
        KillFollower(),
        KillController(),
    ]


def main() -> int:
    usual: list[ClusterScenario] = all_scenarios()
    scenarios = [*usual, ReplicatedPartitions(1_000), ReplicatedPartitions(10_000)]
    names = [each.name for each in scenarios]
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternations per scenario")
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        help="by default all but the partitions",
    )
    parser.add_argument("--subject", choices=["minikafka", "kafka"], default="minikafka")
    parser.add_argument("--reference", choices=["kafka", "none"], default="kafka")
    parser.add_argument("--directory", type=Path, help="where the nodes keep their data")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a promise is missed")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    options = parser.parse_args()
    if options.list:
        print("\n".join(names))
        return 0
    chosen = [each for each in scenarios if each.name in options.only] if options.only else usual
    # Apache Kafka keeps a file of each replica open.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Ended from outside, it still takes its nodes and their data with it.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda ended_by, _frame: sys.exit(128 + ended_by))
    competing = contestants(options.subject, options.reference)
    with tempfile.TemporaryDirectory(prefix="minikafka-bench-", dir=options.directory) as scratch:
        contest = ClusterContest(competing, options.rounds, Path(scratch))
        with machine_awake():
            contest.run(chosen)
    shown = list(competing)
    print(report.table(chosen, contest.results, shown))
    path = report.write_json(chosen, contest.results, shown, RESULTS, prefix="cluster-")
    print(f"\nMedians of {options.rounds} rounds; every round is in {path}")
    return 1 if options.strict and report.missed(chosen, contest.results, shown) else 0


if __name__ == "__main__":
    sys.exit(main())
