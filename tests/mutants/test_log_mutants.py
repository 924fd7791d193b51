"""The test of the tests: bugs planted into the log are found by its crashes and flipped bits."""

import pytest
from crashes.scenarios import scenario
from crashes.trial import every_crash
from crashes.world import Broken
from flips.run import run
from mutants.log_mutants import CRASHES, FLIPS

_SEEDS = {
    "no CRC check in recovery": 18,
    "producer snapshot kept at a truncation": 10,
    "torn tail not cut": 3,
    "truncation leaves the checkpoint above it": 6,
}
"""Where the search begins: scenarios in which what the bug needs comes about soon."""


@pytest.mark.parametrize("name", CRASHES)
async def test_a_planted_bug_is_found_by_the_crashes(name: str) -> None:
    first = _SEEDS.get(name, 1)
    with CRASHES[name](), pytest.raises(Broken):
        await _crash_all(range(first, first + 12))


async def _crash_all(seeds: range) -> None:
    for seed in seeds:
        await every_crash(seed, scenario(seed), every_append=seed % 2 == 0, stride=2)


@pytest.mark.parametrize("name", FLIPS)
async def test_a_planted_bug_is_found_by_flipped_bits(name: str) -> None:
    with FLIPS[name]():
        _, bad = await run(3, 600)
    assert bad


async def test_flipped_bits_are_detected_or_harmless() -> None:
    counts, bad = await run(3, 600)
    assert bad == []
    assert sum(counts.values()) == 600
