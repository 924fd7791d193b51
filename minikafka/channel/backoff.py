"""How long to wait before the next attempt: doubled up to a limit, with jitter (KIP-580)."""

from __future__ import annotations

from random import Random
from typing import Final

_JITTER: Final = 0.2


class Backoff:
    """Counts failed attempts; `reset()` after a success."""

    __slots__ = ("_attempts", "_initial_ms", "_maximum_ms", "_random")

    def __init__(self, random: Random, initial_ms: float, maximum_ms: float) -> None:
        self._random = random
        self._initial_ms = initial_ms
        self._maximum_ms = maximum_ms
        self._attempts = 0

    def next_delay_s(self) -> float:
        """Seconds to wait now; never less than a millisecond, which is what timers count in."""
        delay_ms = min(self._maximum_ms, self._initial_ms * 2.0 ** min(self._attempts, 30))
        self._attempts += 1
        delay_ms *= 1 - _JITTER + 2 * _JITTER * self._random.random()
        return max(0.001, delay_ms / 1000)

    def reset(self) -> None:
        """The last attempt was a success."""
        self._attempts = 0
