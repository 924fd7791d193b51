"""Takes the broker away under every public awaitable of the SDK, and says how late each returned.

    PYTHONPATH=tests python -m sdk_trials --trials 100 --seed 1

Each awaitable gets that many trials with SIGKILL and as many with SIGSTOP; in half of them the
broker goes before the call, in half at a random moment among the calls. Exit code 1 when one
returned more than 0.2 s after its timeout, or raised what is no error of the client's.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from harness.broker import RunningBroker

from sdk_trials.rounds import Moment, Outcome, run_round
from sdk_trials.table import TRIALS
from sdk_trials.world import World

ALLOWED_S = 0.2
_ROUNDS_OF_A_BROKER = 40


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def run(trials: int, seed: int) -> list[Outcome]:
    random = Random(seed)
    plan = [
        (sign, moment)
        for number in range(trials)
        for sign in (signal.SIGKILL, signal.SIGSTOP)
        for moment in (Moment.BEFORE if number % 2 else Moment.WITHIN,)
    ]
    outcomes: list[Outcome] = []
    for first in range(0, len(plan), _ROUNDS_OF_A_BROKER):
        with (
            tempfile.TemporaryDirectory() as directory,
            RunningBroker(Path(directory)) as broker,
        ):
            world = World(broker, random)
            await world.furnish()
            for sign, moment in plan[first : first + _ROUNDS_OF_A_BROKER]:
                outcomes += await run_round(world, TRIALS.values(), sign, moment)
        latest = max(outcomes, key=lambda each: each.late_s)
        say(f"{len(outcomes):>6} trials, latest {latest.late_s * 1000:+.0f} ms: {latest.trial}")
    return outcomes


def report(outcomes: Sequence[Outcome]) -> bool:
    """Prints a row for each awaitable; whether all kept their time."""
    say("| awaitable | trials | interrupted | latest, ms | loop's own, ms | too late | the SDK's |")
    say("|---|---|---|---|---|---|---|")
    for name in TRIALS:
        mine = [each for each in outcomes if each.trial == name]
        latest = max(mine, key=lambda each: each.late_s)
        bad = [each for each in mine if each.late_s > ALLOWED_S or each.fault]
        cells = (
            name,
            len(mine),
            sum(each.interrupted for each in mine),
            f"{latest.late_s * 1000:+.0f}",
            f"{latest.stalled_s * 1000:.0f}",
            len(bad),
            sum(_is_the_sdks(each) for each in bad),
        )
        say(f"| {' | '.join(map(str, cells))} |")
    bad = [each for each in outcomes if each.late_s > ALLOWED_S or each.fault]
    guilty = [each for each in bad if _is_the_sdks(each)]
    for each in guilty:
        say(f"THE SDK'S: {each}")
    say(f"{len(bad)} of {len(outcomes)} too late or wrong, {len(guilty)} of them by the SDK.")
    say("latest: behind the call's timeout. loop's own: how late the timers of the same loop were")
    say("during that call, for want of a processor. the SDK's: too late even without that.")
    return not bad


def _is_the_sdks(outcome: Outcome) -> bool:
    return bool(outcome.fault) or outcome.late_s > ALLOWED_S + outcome.stalled_s


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sdk_trials", description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}, {len(TRIALS)} awaitables")
    return 0 if report(asyncio.run(run(arguments.trials, arguments.seed))) else 1


if __name__ == "__main__":
    sys.exit(main())
