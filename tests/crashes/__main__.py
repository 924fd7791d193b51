"""The long run: scenarios by seed, each with a crash at each of its file operations."""

import argparse
import asyncio
import sys
import time

from crashes.scenarios import scenario
from crashes.trial import every_crash


async def main() -> None:
    """Run as many scenarios as asked for; the first broken promise ends it with its seed."""
    parser = argparse.ArgumentParser(prog="crashes", description=__doc__)
    parser.add_argument("--scenarios", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    cases = checks = 0
    for seed in range(arguments.seed, arguments.seed + arguments.scenarios):
        ran, promises = await every_crash(seed, scenario(seed), every_append=seed % 2 == 0)
        cases, checks = cases + ran, checks + promises
    sys.stdout.write(
        f"{arguments.scenarios} scenarios, {cases} crashes, {checks} promises held against the"
        f" disk: nothing lost, every log opened; {time.monotonic() - began:.0f} s\n"
    )


asyncio.run(main())
