"""The faults of a cluster, drawn before anything runs: when, which, whom, for how long.

A schedule is data, so that a failing seed can be run again with some of its faults left out. Every
fault has a random stream of its own; what is left out moves nothing else.
"""

from typing import Final, NamedTuple

from minikafka.sim.cluster.climate import Climate, Random, between

TARGETS: Final = ("any", "any", "controller", "leader", "follower", "coordinator")
_LONGEST_S: Final = 12.0


class Fault(NamedTuple):
    """One of them. `target` names a role, looked up when it strikes; `draw` decides the rest."""

    number: int
    kind: str
    at_s: float
    for_s: float
    target: str
    draw: float

    def __str__(self) -> str:
        return f"{self.number}: {self.kind} of {self.target} at {self.at_s:.2f} s"


def draw_schedule(random: Random, climate: Climate) -> list[Fault]:
    """In the order of their times; they overlap."""
    faults = []
    for number in range(climate.fault_count):
        kind = climate.faults[int(random() * len(climate.faults))]
        at_s, for_s = random() * climate.storm_s, between(random, 0.05, _LONGEST_S)
        target = TARGETS[int(random() * len(TARGETS))]
        faults.append(Fault(number, kind, at_s, for_s, target, random()))
    return sorted(faults, key=lambda fault: fault.at_s)
