"""All cases of one scenario."""

from collections.abc import Sequence
from typing import Final

from crashes.scenarios import Step
from crashes.world import Broken, crash_and_recover
from minikafka.protocol.errors import KafkaError
from minikafka.sim.disk import Moment

MOMENTS: Final[tuple[Moment, ...]] = ("before", "within", "after")


async def every_crash(
    seed: int, steps: Sequence[Step], *, every_append: bool, stride: int = 1
) -> tuple[int, int]:
    """Crash at every `stride`-th operation, by a kill and by loss of power; (cases, checks)."""
    cases = checks = 0
    operation = 1
    while True:
        for power in (False, True):
            moment = MOMENTS[(operation + power) % 3]
            case = f"seed {seed}, operation {operation}, power {power}, {moment}, {steps}"
            try:
                held = await crash_and_recover(
                    seed, steps, operation, power=power, moment=moment, every_append=every_append
                )
            except (Broken, KafkaError, OSError) as broken:
                raise Broken(f"{broken} ({case})") from broken
            if held is None:
                return cases, checks
            cases, checks = cases + 1, checks + held
        operation += stride
