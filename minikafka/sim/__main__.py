"""`python -m minikafka.sim`: run seeds, and say how a failing one is run again.

python -m minikafka.sim --seed 7              one seed; the same digest in every run
python -m minikafka.sim --seeds 2000          many, a line for each that fails, and a summary
python -m minikafka.sim --seed 7 --trace --log-level INFO
"""

import argparse
import logging
import sys
import time

from minikafka.sim.scenario import Outcome, run_seed
from minikafka.sim.weather import FAULTS


def main() -> int:
    """Run what the command line asks for; 1 if a seed failed."""
    options = _options()
    logging.basicConfig(level=options.log_level, format="%(levelname)s %(message)s (%(name)s)")
    first, count = (options.seed, 1) if options.seed is not None else (options.first, options.seeds)
    faults = FAULTS if options.faults is None else _fault_names(options.faults)
    outcomes = []
    started = time.perf_counter()
    for seed in range(first, first + count):
        outcome = run_seed(
            seed,
            durability=options.durability,
            order=options.order,
            faults=faults,
            with_trace=options.trace,
        )
        outcomes.append(outcome)
        sys.stdout.writelines(f"{line}\n" for line in outcome.trace)
        if outcome.violations or count == 1:
            _tell(outcome, options)
    if count > 1:
        _summarize(outcomes, time.perf_counter() - started)
    return 1 if any(outcome.violations for outcome in outcomes) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m minikafka.sim", description="Runs brokers and clients from seeds."
    )
    parser.add_argument("--seed", type=int, help="this one seed")
    parser.add_argument("--seeds", type=int, default=100, help="so many seeds (100)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--durability", choices=("page-cache", "fsync"), default="page-cache")
    parser.add_argument("--order", choices=("hosts", "shuffle"), default="hosts")
    parser.add_argument(
        "--faults", help="comma-separated, some of: " + ", ".join(FAULTS) + "; none: good weather"
    )
    parser.add_argument("--trace", action="store_true", help="print every event")
    parser.add_argument("--log-level", default="CRITICAL", help="of the brokers and clients")
    return parser.parse_args()


def _fault_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip() not in ("", "none"))
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise SystemExit(f"no fault is named {', '.join(unknown)}")
    return names


def _tell(outcome: Outcome, options: argparse.Namespace) -> None:
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


def command(seed: int, options: argparse.Namespace) -> str:
    """How to run a seed again."""
    flags = f"--durability {options.durability} --order {options.order}"
    if options.faults is not None:
        flags += f" --faults {options.faults!r}"
    return f"python -m minikafka.sim --seed {seed} {flags}"


def _summarize(outcomes: list[Outcome], seconds: float) -> None:
    failed = sum(bool(outcome.violations) for outcome in outcomes)
    callbacks = sum(outcome.callbacks for outcome in outcomes)
    virtual_s = sum(outcome.virtual_s for outcome in outcomes)
    struck: dict[str, int] = {}
    for outcome in outcomes:
        for fault, times in outcome.struck.items():
            struck[fault] = struck.get(fault, 0) + times
    print(
        f"{len(outcomes)} seeds, {failed} failed; {60 * len(outcomes) / seconds:,.0f} seeds/min, "
        f"{callbacks / seconds:,.0f} callbacks/s, {virtual_s / seconds:,.0f} virtual s/s"
    )
    print(
        f"{sum(outcome.acknowledged for outcome in outcomes)} records acknowledged, "
        f"{sum(outcome.lost for outcome in outcomes)} of them at risk; faults: "
        + ", ".join(f"{fault} {struck[fault]}" for fault in sorted(struck))
    )


if __name__ == "__main__":
    sys.exit(main())
