"""Compaction against a dict, with a crash at any file operation of a pass on a simulated disk.

`unit/log/compaction_world.py` tells what is played and what must hold after each pass and crash.
More lives than a test run has time for: set COMPACTION_STORIES to their number.
"""

import asyncio
import logging
import os
from collections.abc import Iterator
from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.log.compaction_world import story

from minikafka.sim.disk import Moment

STORIES = int(os.environ.get("COMPACTION_STORIES", "80"))
PASSES = 6


@pytest.fixture(autouse=True)
def without_log_lines() -> Iterator[None]:
    """Hundreds of recoveries tell what they repaired."""
    log = logging.getLogger("minikafka.log")
    log.disabled = True
    yield
    log.disabled = False


@settings(max_examples=STORIES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_readers_see_the_newest_of_each_key_whatever_happens(random: Random) -> None:
    asyncio.run(story(random))


@pytest.mark.parametrize("power", [False, True], ids=["kill", "power"])
@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_a_crash_at_every_file_operation_of_a_pass(power: bool, moment: Moment) -> None:
    operations = 0
    with asyncio.Runner() as runner:
        for seed in range(PASSES):
            for operation in count(1):
                life = story(Random(seed), rounds=2, crash=(operation, power, moment))
                if not runner.run(life).crashes:
                    break  # the pass has fewer operations
                operations += 1
    assert operations >= 8 * PASSES
