"""Scenarios: lists of steps, each a tuple of its name and numbers."""

from random import Random

Step = tuple[str, int, int]

STEPS = (
    "append",
    "transaction",
    "marker",
    "flush",
    "roll",
    "truncate",
    "restart_at",
    "delete_records",
    "retain",
    "checkpoint",
    "lead",
    "stop",
    "full",
)
_WEIGHTS = (30, 6, 5, 12, 6, 5, 1, 2, 4, 6, 4, 2, 4)


def scenario(seed: int, length: int = 25) -> list[Step]:
    """Steps by seed. The two numbers are read by each step as it likes: sizes, shares, ids."""
    random = Random(f"scenario/{seed}")
    names = random.choices(STEPS, _WEIGHTS, k=length)
    steps = [(name, int(random.random() * 1000), int(random.random() * 1000)) for name in names]
    return [("append", 10, 3), *steps]
