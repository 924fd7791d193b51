"""`python -m bench`: run the scenarios, print one table with ratios, write JSON."""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import apache
from harness.broker import Software

from bench import report
from bench.contest import Contest
from bench.machine_awake import machine_awake
from bench.scenario import Scenario
from bench.scenarios import all_scenarios

RESULTS = Path(__file__).with_name("results")
NAMES = {Software.MINIKAFKA: "minikafka", Software.APACHE: "Apache Kafka"}


def arguments() -> argparse.Namespace:
    software = [member.value for member in Software]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternations per scenario")
    parser.add_argument(
        "--only", action="append", metavar="PREFIX", help="scenarios whose names start like this"
    )
    parser.add_argument("--subject", choices=software, default="minikafka")
    parser.add_argument(
        "--reference",
        choices=[*software, "none"],
        default="kafka",
        help="left out when there is no Java ≥ 17, or no way to fetch Apache Kafka",
    )
    parser.add_argument(
        "--directory", type=Path, help="where the brokers keep their data (default: a scratch one)"
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 when a promise of the table is missed"
    )
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    return parser.parse_args()


def contestants(subject: str, reference: str) -> dict[str, Software]:
    """Names for the report; Apache Kafka against itself shows what the noise is."""
    chosen = {NAMES[Software(subject)]: Software(subject)}
    if reference == "none":
        return chosen
    if reference == "kafka":
        try:
            apache.install()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            print(f"Measuring without Apache Kafka: {error}", file=sys.stderr)
            return chosen
    name = NAMES[Software(reference)]
    chosen[name if name not in chosen else f"{name} again"] = Software(reference)
    return chosen


def selected(only: list[str] | None) -> list[Scenario]:
    scenarios = all_scenarios()
    if not only:
        return [scenario for scenario in scenarios if not scenario.extra]
    chosen = [scenario for scenario in scenarios if scenario.name.startswith(tuple(only))]
    if not chosen:
        sys.exit(f"no scenario starts with {' or '.join(only)}")
    return chosen


def main() -> int:
    options = arguments()
    scenarios = selected(options.only)
    if options.list:
        print("\n".join(scenario.name for scenario in scenarios))
        return 0
    # A thousand idle connections here and in the broker, which inherits the limit.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    competing = contestants(options.subject, options.reference)
    with tempfile.TemporaryDirectory(prefix="minikafka-bench-", dir=options.directory) as scratch:
        contest = Contest(competing, options.rounds, Path(scratch))
        with machine_awake():
            contest.run(scenarios)
    names = list(competing)
    print(report.table(scenarios, contest.results, names))
    path = report.write_json(scenarios, contest.results, names, RESULTS)
    print(f"\nMedians of {options.rounds} rounds; every round is in {path}")
    return 1 if options.strict and report.missed(scenarios, contest.results, names) else 0


if __name__ == "__main__":
    sys.exit(main())
