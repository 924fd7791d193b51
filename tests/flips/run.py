"""Many trials, counted."""

import logging
from collections import Counter
from random import Random

from flips.directories import Template, kind, template
from flips.trial import BAD, CRC, HARMLESS, REFUSED, REPORTED, Told, flip, outcome

_FLIPS_PER_DIRECTORY = 500

Counts = Counter[tuple[str, str]]


async def run(seed: int, flips: int) -> tuple[Counts, list[str]]:
    """(how often, by kind of file and outcome; what was served as good)."""
    logger = logging.getLogger("minikafka.log")
    told = Told()
    logger.addHandler(told)
    propagated, logger.propagate = logger.propagate, False
    counts: Counts = Counter()
    bad: list[str] = []
    random = Random(f"flips/{seed}")
    try:
        made: Template | None = None
        for number in range(flips):
            if made is None or number % _FLIPS_PER_DIRECTORY == 0:
                which = seed * 10_000 + number // _FLIPS_PER_DIRECTORY
                made = await template(which, clean=which % 2 == 0)
            path, position, mask = flip(made, random)
            result = outcome(made, path, position, mask, told)
            counts[kind(path), result] += 1
            if result == BAD:
                bad.append(f"directory {which}: {path} byte {position} bit {mask:#04x}")
    finally:
        logger.removeHandler(told)
        logger.propagate = propagated
    return counts, bad


def table(counts: Counts) -> str:
    """The counts as text, a kind of file a line."""
    outcomes = (HARMLESS, REPORTED, REFUSED, CRC, BAD)
    lines = [f"{'':34}" + "".join(f"{name:>26}" for name in outcomes)]
    lines += [
        f"{name:34}" + "".join(f"{counts[name, one]:26}" for one in outcomes)
        for name in sorted({name for name, _ in counts})
    ]
    return "\n".join(lines) + "\n"
