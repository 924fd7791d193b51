"""How fast, how full and how unlucky the world of one seed is.

Every seed draws another weather, and some stay calm: a race between equals needs equal speeds.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

FAULTS: Final = (
    "kill",
    "power",
    "kill at an operation",
    "power at an operation",
    "clean stop",
    "pause",
    "cut",
    "reset",
    "full disk",
    "failing append",
    "failing fsync",
    "slow disk",
)
_CALM_SHARE: Final = 0.15


class Weather(NamedTuple):
    """What is drawn once; durations in seconds."""

    flush_s: float
    jitter_s: float
    fault_count: int
    faults: tuple[str, ...]
    fault_pause_s: float
    partitions: int
    index_entries: int
    writers: int
    records: int
    value_bytes: int
    pause_s: float


def draw(random: Callable[[], float], faults: Sequence[str] = FAULTS) -> Weather:
    """The weather of a seed, with some of these faults."""
    calm = random() < _CALM_SHARE
    chosen = tuple(fault for fault in faults if random() < 0.5)
    return Weather(
        flush_s=0.002 if calm else _between(random, 0.0001, 0.1),
        jitter_s=0.0003 if calm else _between(random, 0.0001, 0.03),
        fault_count=int(random() * 9) if faults else 0,
        faults=chosen or tuple(faults),
        fault_pause_s=_between(random, 0.05, 2.0),
        partitions=1 + int(random() * 3),
        index_entries=int(_between(random, 2, 50)),
        writers=1 + int(random() * 2),
        records=20 + int(random() * 60),
        value_bytes=int(_between(random, 20, 4_000)),
        pause_s=_between(random, 0.001, 0.2),
    )


def _between(random: Callable[[], float], low: float, high: float) -> float:
    """A draw that is as likely between 1 and 10 as between 10 and 100."""
    return float(low * (high / low) ** random())
