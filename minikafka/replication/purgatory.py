"""Purgatory: requests that wait for an offset or for their deadline.

A Fetch below its `min.bytes` and a Produce with acks=all wait here. Nothing polls: a partition
that changed names its watchers, and these are tried again once in the same turn of the loop,
however many appends that turn brought. One that fails is told so and takes no other along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from minikafka.replication.fetch_session import FetchEntry, FetchInterest, Waiting
from minikafka.replication.partition import Partition


class Purgatory:
    """Parked requests of one broker: who to try again, and when their time is up."""

    __slots__ = ("_due", "_loop", "_timers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[Waiting, None] = {}
        self._timers: dict[Waiting, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def park(self, waiting: Waiting, wait_ms: int) -> None:
        """Keep `waiting` until it is released; `expire` is called after `wait_ms`."""
        # uvloop counts whole milliseconds and a timer below one runs at once.
        seconds = max(wait_ms, 1) / 1000
        self._timers[waiting] = self._loop.call_later(seconds, self._expire, waiting)

    def release(self, waiting: Waiting) -> None:
        """`waiting` has been answered, or its connection is gone."""
        timer = self._timers.pop(waiting, None)
        if timer is not None:
            timer.cancel()
        self._due.pop(waiting, None)

    def hurry(self, waiting: Waiting) -> None:
        """Let `waiting` expire at once."""
        timer = self._timers.get(waiting)
        if timer is not None:
            timer.cancel()
            self.park(waiting, 0)

    def changed(self, partition: Partition) -> None:
        """Leadership or log start of `partition` moved: whoever waits for it must know."""
        self._tell(partition.replica_watchers)
        self.deleted(partition)
        self.committed(partition)

    def appended(self, partition: Partition) -> None:
        """`partition` has new records: for its followers, and for others if they count already."""
        if partition.replica_watchers:
            self._tell(partition.replica_watchers)
        if partition.high_watermark == partition.log.log_end_offset:
            self.committed(partition)

    def committed(self, partition: Partition) -> None:
        """The high watermark or last stable offset moved.

        Followers learn of it with the next answer that they get anyway.
        """
        for interest, entry in partition.replica_watchers.items():
            interest.mark(entry)
        if partition.watchers:
            self._tell(partition.watchers)
        for waiting in partition.waiting_produces:
            self._try_soon(waiting)

    def deleted(self, partition: Partition) -> None:
        """A follower may have given up records, too."""
        for waiting in partition.waiting_deletions:
            self._try_soon(waiting)

    def _tell(self, watchers: Mapping[FetchInterest, FetchEntry]) -> None:
        for interest, entry in watchers.items():
            interest.mark(entry)
            if interest.waiting is not None:
                self._try_soon(interest.waiting)

    def expire_all(self) -> None:
        """The broker stops: answer everything that waits."""
        for waiting in list(self._timers):
            self._expire(waiting)

    def _try_soon(self, waiting: Waiting) -> None:
        if not self._due:
            self._loop.call_soon(self._try)
        self._due[waiting] = None

    def _try(self) -> None:
        due, self._due = self._due, {}
        # The last ones first: answers leave in the order of the requests, so those of one
        # connection are all ready when the first one is, and leave with it in one write.
        for waiting in reversed(due):
            if waiting in self._timers:
                self._supervise(waiting, waiting.try_complete)

    def _expire(self, waiting: Waiting) -> None:
        if self._timers.pop(waiting, None) is not None:
            self._supervise(waiting, waiting.expire)

    @staticmethod
    def _supervise(waiting: Waiting, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 -- supervision: it owns its requests
            waiting.fail(error)
