"""The long run: so many flipped bits over directories made by seed."""

import argparse
import asyncio
import sys
import time

from flips.run import run, table


async def main() -> int:
    """Flip, print the outcomes by kind of file; 1 if anything bad was served as good."""
    parser = argparse.ArgumentParser(prog="flips", description=__doc__)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.monotonic()
    counts, bad = await run(arguments.seed, arguments.flips)
    sys.stdout.write(table(counts))
    for text in bad[:20]:
        sys.stdout.write(f"{text}\n")
    sys.stdout.write(f"{arguments.flips} flips, {len(bad)} served as good; ")
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 1 if bad else 0


sys.exit(asyncio.run(main()))
