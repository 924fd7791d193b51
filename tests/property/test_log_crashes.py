"""The log loses nothing that was flushed and always opens, wherever it crashes.

Scenarios run on a simulated disk once for each of their file operations and crash there; the long
run is `PYTHONPATH=tests python -m crashes`.
"""

import asyncio

import pytest
from crashes.scenarios import STEPS, scenario
from crashes.trial import every_crash
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("every_append", [True, False], ids=["fsync", "page cache"])
async def test_a_crash_at_every_file_operation(every_append: bool) -> None:
    cases = 0
    for seed in range(900, 903):
        ran, checks = await every_crash(seed, scenario(seed, 15), every_append=every_append)
        assert checks > 0
        cases += ran
    assert cases > 300


_STEPS = st.tuples(st.sampled_from(STEPS), st.integers(0, 999), st.integers(0, 999))


@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(_STEPS, min_size=5, max_size=20),
    every_append=st.booleans(),
    stride=st.integers(5, 13),
)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
def test_any_steps_survive_a_crash(
    seed: int, steps: list[tuple[str, int, int]], every_append: bool, stride: int
) -> None:
    asyncio.run(every_crash(seed, steps, every_append=every_append, stride=stride))
