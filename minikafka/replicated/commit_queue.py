"""Who waits for a commit, in the order of the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class CommitQueue(Generic[T]):
    """Entries with the end offset that the high watermark has to reach for each.

    Entries come as the log grows, so their offsets never go down, and they leave in that order: an
    answer never overtakes one that was decided before it.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, T]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> T:
        """The entry that has waited longest; there must be one."""
        return self._waiting[0][1]

    def add(self, end_offset: int, entry: T) -> None:
        """`entry` waits until everything below `end_offset` is committed."""
        waiting = self._waiting
        assert not waiting or waiting[-1][0] <= end_offset, "a log grows at its end"
        waiting.append((end_offset, entry))

    def take(self) -> T:
        """The first entry, which waits no more."""
        return self._waiting.popleft()[1]

    def take_committed(self, high_watermark: int) -> list[T]:
        """The entries whose wait is over, first come first."""
        waiting = self._waiting
        taken = []
        while waiting and waiting[0][0] <= high_watermark:
            taken.append(waiting.popleft()[1])
        return taken

    def cut(self, end_offset: int) -> None:
        """The log has been cut to `end_offset`: what waited for more is void."""
        waiting = self._waiting
        while waiting and waiting[-1][0] > end_offset:
            waiting.pop()

    def __iter__(self) -> Iterator[T]:
        """The entries that wait, first come first."""
        return (entry for _, entry in self._waiting)

    def take_all(self) -> list[T]:
        """Every entry: nothing will be committed here any more."""
        taken = [entry for _, entry in self._waiting]
        self._waiting.clear()
        return taken
