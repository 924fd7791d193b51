"""Which leader epoch began at which offset (KIP-101, KIP-279).

A follower that returns asks where its last epoch ended at the leader, and cuts its log there. The
cache holds (epoch, start offset), ascending in both; an epoch that wrote nothing has no place in it
once the next one begins.
"""

from bisect import bisect_right
from collections.abc import Iterable

NO_EPOCH = -1
NO_OFFSET = -1


class LeaderEpochs:
    """The entries of one partition; `dirty` is set by every change until the owner writes them."""

    __slots__ = ("_epochs", "_starts", "dirty")

    def __init__(self, entries: Iterable[tuple[int, int]] = ()) -> None:
        self._epochs: list[int] = []
        self._starts: list[int] = []
        for epoch, start_offset in entries:
            self.assign(epoch, start_offset)
        self.dirty = False

    def entries(self) -> list[tuple[int, int]]:
        """(epoch, start offset), ascending."""
        return list(zip(self._epochs, self._starts, strict=True))

    @property
    def latest(self) -> int:
        """The newest epoch, -1 without any."""
        return self._epochs[-1] if self._epochs else NO_EPOCH

    @property
    def latest_start(self) -> int:
        """Where the newest epoch began, -1 without any."""
        return self._starts[-1] if self._starts else NO_OFFSET

    def assign(self, epoch: int, start_offset: int) -> None:
        """`epoch` writes from `start_offset` on; what contradicts that is forgotten."""
        assert epoch >= 0, "a leader epoch is not negative"
        if self._epochs and epoch == self._epochs[-1] and start_offset >= self._starts[-1]:
            return
        while self._epochs and (self._epochs[-1] >= epoch or self._starts[-1] >= start_offset):
            self._epochs.pop()
            self._starts.pop()
        self._epochs.append(epoch)
        self._starts.append(start_offset)
        self.dirty = True

    def end_offset(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """(largest known epoch ≤ `epoch`, where it ended), as OffsetForLeaderEpoch answers.

        (-1, -1) for an epoch beyond the newest; for one below the first known epoch the offset
        where that one begins, under the epoch asked for.
        """
        if epoch < 0 or epoch > self.latest:
            return NO_EPOCH, NO_OFFSET
        if epoch == self.latest:
            return epoch, log_end_offset
        above = bisect_right(self._epochs, epoch)
        known = self._epochs[above - 1] if above else epoch
        return known, self._starts[above]

    def at(self, offset: int) -> int:
        """The epoch that wrote `offset`, -1 if unknown."""
        above = bisect_right(self._starts, offset)
        return self._epochs[above - 1] if above else NO_EPOCH

    def truncate_from_end(self, end_offset: int) -> None:
        """The log now ends at `end_offset`: epochs that began there or later are gone."""
        while self._starts and self._starts[-1] >= end_offset:
            self._epochs.pop()
            self._starts.pop()
            self.dirty = True

    def truncate_from_start(self, start_offset: int) -> None:
        """The log now begins at `start_offset`, within the epoch that holds it."""
        below = bisect_right(self._starts, start_offset)
        if below and self._starts[below - 1] < start_offset:
            del self._epochs[: below - 1]
            del self._starts[: below - 1]
            self._starts[0] = start_offset
            self.dirty = True

    def clear(self) -> None:
        """Forget everything."""
        self.dirty = self.dirty or bool(self._epochs)
        self._epochs.clear()
        self._starts.clear()
