"""Deadlines of a machine: kept as values, watched by its host.

A heartbeat moves its member's deadline without touching the heap: an entry that falls due too early
goes back with the deadline that holds by then. So a thousand members cost their host one timer.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

Key = tuple[str, ...]
"""What the deadline is for: a kind, then the names of group and member."""


class Timers:
    """Deadlines in loop time (ms) by key."""

    __slots__ = ("_due", "_heap", "_numbers", "_queued")

    def __init__(self) -> None:
        self._due: dict[Key, int] = {}
        # When the earliest heap entry of a key falls due.
        self._queued: dict[Key, int] = {}
        self._heap: list[tuple[int, int, Key]] = []
        self._numbers = count()

    def set(self, key: Key, due_ms: int) -> None:
        """Give `key` a deadline, instead of the one it may have."""
        self._due[key] = due_ms
        queued_ms = self._queued.get(key)
        if queued_ms is None or due_ms < queued_ms:
            self._push(key, due_ms)

    def cancel(self, key: Key) -> None:
        """`key` has no deadline any more."""
        self._due.pop(key, None)

    def due(self, key: Key) -> int | None:
        """The deadline of `key`."""
        return self._due.get(key)

    def next_look_ms(self) -> int | None:
        """When to look for due deadlines, at the latest; None without any."""
        return self._heap[0][0] if self._heap else None

    def take_due(self, now_ms: int) -> Key | None:
        """The next key whose deadline has passed, without its deadline; None when all are later."""
        while self._heap and self._heap[0][0] <= now_ms:
            queued_ms, _, key = heappop(self._heap)
            if self._queued.get(key) != queued_ms:
                continue
            del self._queued[key]
            due_ms = self._due.get(key)
            if due_ms is None:
                continue
            if due_ms <= now_ms:
                del self._due[key]
                return key
            self._push(key, due_ms)
        return None

    def _push(self, key: Key, due_ms: int) -> None:
        self._queued[key] = due_ms
        heappush(self._heap, (due_ms, next(self._numbers), key))
