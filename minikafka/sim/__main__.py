"""`python -m minikafka.sim`: run seeds, and say how a failing one is run again.

python -m minikafka.sim --seed 7              one seed; the same digest in every run
python -m minikafka.sim --seeds 2000          many, a line for each that fails, and a summary
python -m minikafka.sim --nodes 3 --minutes 5 clusters of three, as many as the time allows
python -m minikafka.sim --nodes any --minutes 60 --all-branches
                                              and what matters must have happened in them
python -m minikafka.sim --nodes 3 --seed 7 --shrink
                                              the fewest of its faults with which it still fails
python -m minikafka.sim --seed 7 --trace --log-level INFO
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator

from minikafka.sim.cluster.climate import FAULTS as CLUSTER_FAULTS
from minikafka.sim.cluster.shapes import SHAPES
from minikafka.sim.cluster.shrink import shrink
from minikafka.sim.cluster.verdict import BRANCHES
from minikafka.sim.cluster.world import ClusterOutcome, run_world
from minikafka.sim.scenario import Outcome, run_seed
from minikafka.sim.weather import FAULTS

ONE_NODE = "1"


def main() -> int:
    """Run what the command line asks for; 1 if a seed failed."""
    options = _options()
    logging.basicConfig(level=options.log_level, format="%(levelname)s %(message)s (%(name)s)")
    outcomes: list[Outcome | ClusterOutcome] = []
    started = time.perf_counter()
    is_one = options.seed is not None
    for seed in [options.seed] if is_one else _seeds(options, started):
        outcome = run(seed, options)
        outcomes.append(outcome)
        sys.stdout.writelines(f"{line}\n" for line in outcome.trace)
        if options.story and isinstance(outcome, ClusterOutcome):
            sys.stdout.writelines(f"{at:9.3f} s  {what}\n" for at, what in outcome.story)
        if outcome.violations or is_one:
            _tell(outcome, options)
        if outcome.violations and options.shrink and isinstance(outcome, ClusterOutcome):
            _tell_shrunk(outcome, options)
    if not is_one:
        _summarize(outcomes, time.perf_counter() - started)
    missed = options.all_branches and _never(_reached(outcomes))
    return 1 if missed or any(outcome.violations for outcome in outcomes) else 0


def run(seed: int, options: argparse.Namespace) -> Outcome | ClusterOutcome:
    """One seed."""
    if options.nodes == ONE_NODE:
        faults = _fault_names(options.faults, FAULTS)
        return run_seed(
            seed,
            durability=options.durability,
            order=options.order,
            faults=faults,
            with_trace=options.trace,
        )
    return run_world(
        seed,
        shape=None if options.nodes == "any" else options.nodes,
        order=options.order,
        faults=_fault_names(options.faults, CLUSTER_FAULTS),
        keep=None if options.keep is None else [int(n) for n in options.keep.split(",") if n],
        with_trace=options.trace,
    )


def _seeds(options: argparse.Namespace, started: float) -> Iterator[int]:
    seed = options.first
    if options.minutes is None:
        yield from range(seed, seed + options.seeds)
        return
    while time.perf_counter() - started < 60 * options.minutes:
        yield seed
        seed += 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m minikafka.sim", description="Runs brokers and clients from seeds."
    )
    parser.add_argument("--seed", type=int, help="this one seed")
    parser.add_argument("--seeds", type=int, default=100, help="so many seeds (100)")
    parser.add_argument("--minutes", type=float, help="as many seeds as this time allows")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument(
        "--nodes",
        choices=(ONE_NODE, *(shape for shape in SHAPES if shape != ONE_NODE), "any"),
        default=ONE_NODE,
        help="one broker (1), or a cluster: 3 and 5 are brokers and controllers in one, 1+3 are "
        "controllers and brokers, any leaves it to the seed",
    )
    parser.add_argument("--durability", choices=("page-cache", "fsync"), default="page-cache")
    parser.add_argument("--order", choices=("hosts", "shuffle"), default="hosts")
    parser.add_argument(
        "--faults",
        help=f"comma-separated, some of: {', '.join(FAULTS)}; in clusters: "
        f"{', '.join(CLUSTER_FAULTS)}; none: good weather",
    )
    parser.add_argument("--keep", help="the numbers of the faults of a cluster that shall strike")
    parser.add_argument(
        "--all-branches", action="store_true", help="fail if a branch was not reached in clusters"
    )
    parser.add_argument("--shrink", action="store_true", help="leave out faults while it fails")
    parser.add_argument("--story", action="store_true", help="tell what happens in a cluster")
    parser.add_argument("--trace", action="store_true", help="print every event")
    parser.add_argument("--log-level", default="CRITICAL", help="of the brokers and clients")
    return parser.parse_args()


def _fault_names(text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if text is None:
        return known
    names = tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no fault is named {', '.join(unknown)}")
    return names


def _tell(outcome: Outcome | ClusterOutcome, options: argparse.Namespace) -> None:
    verdict = "failed" if outcome.violations else "ok"
    print(
        f"seed {outcome.seed}: {verdict}, digest {outcome.digest:08x}, {outcome.callbacks} "
        f"callbacks, {outcome.virtual_s:.3f} virtual s, {outcome.acknowledged} records "
        f"acknowledged, {outcome.lost} of them at risk, faults {outcome.struck}"
    )
    for violation in outcome.violations[:10]:
        print(f"  {violation}")
    if outcome.violations:
        print(f"  again: {command(outcome.seed, options)}")


def _tell_shrunk(outcome: ClusterOutcome, options: argparse.Namespace) -> None:
    def fails(keep: list[int]) -> bool:
        trial = argparse.Namespace(**{**vars(options), "trace": False})
        trial.keep = ",".join(map(str, keep))
        return bool(run(outcome.seed, trial).violations)

    kept = shrink([fault.number for fault in outcome.schedule], fails)
    for fault in outcome.schedule:
        if fault.number in kept:
            print(f"  fault {fault}")
    again = command(outcome.seed, argparse.Namespace(**{**vars(options), "keep": None}))
    print(f"  smaller: {again} --keep {','.join(map(str, kept))!r}")


def command(seed: int, options: argparse.Namespace) -> str:
    """How to run a seed again."""
    flags = f"--order {options.order}"
    if options.nodes == ONE_NODE:
        flags = f"--durability {options.durability} {flags}"
    else:
        flags = f"--nodes {options.nodes} {flags}"
    for name in ("faults", "keep"):
        if getattr(options, name) is not None:
            flags += f" --{name} {getattr(options, name)!r}"
    return f"python -m minikafka.sim --seed {seed} {flags}"


def _summarize(outcomes: list[Outcome | ClusterOutcome], seconds: float) -> None:
    failed = sum(bool(outcome.violations) for outcome in outcomes)
    callbacks = sum(outcome.callbacks for outcome in outcomes)
    virtual_s = sum(outcome.virtual_s for outcome in outcomes)
    print(
        f"{len(outcomes)} seeds, {failed} failed, {sum(os.times()[:2]):,.0f} s of CPU; "
        f"{60 * len(outcomes) / seconds:,.0f} seeds/min, {callbacks / seconds:,.0f} callbacks/s, "
        f"{virtual_s / seconds:,.0f} virtual s/s, {virtual_s:,.0f} virtual s"
    )
    print(
        f"{sum(outcome.acknowledged for outcome in outcomes)} records acknowledged, "
        f"{sum(outcome.lost for outcome in outcomes)} of them at risk; faults: "
        + _counts([outcome.struck for outcome in outcomes])
    )
    reached = _reached(outcomes)
    if reached:
        print(f"reached: {_counts(reached)}")
        print(f"not reached: {', '.join(_never(reached)) or 'nothing'}")


def _reached(outcomes: list[Outcome | ClusterOutcome]) -> list[dict[str, int]]:
    return [outcome.reached for outcome in outcomes if isinstance(outcome, ClusterOutcome)]


def _never(reached: list[dict[str, int]]) -> list[str]:
    return [branch for branch in BRANCHES if not any(branch in counts for counts in reached)]


def _counts(counted: list[dict[str, int]]) -> str:
    total: dict[str, int] = {}
    for counts in counted:
        for name, times in counts.items():
            total[name] = total.get(name, 0) + times
    return ", ".join(f"{name} {total[name]}" for name in sorted(total))


if __name__ == "__main__":
    sys.exit(main())
