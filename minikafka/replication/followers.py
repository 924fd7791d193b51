"""What a leader knows of one follower: how far it has come, and since when it has not kept up.

A follower tells by its Fetch: the offset it asks for is the end of its log. It has *caught up* when
that is the leader's end, or was when it fetched the time before: a follower of a partition that is
written to without a pause is always a little behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

UNKNOWN = -1
NEVER_MS = -(2**62)


class Follower:
    """One replica of a partition as its leader sees it, in one leader epoch.

    `end_offset` is -1 until its first fetch. `broker_epoch` is that of its last fetch, -1 if it
    tells none. `caught_up_ms` (loop time) is when it last had all there was.
    """

    __slots__ = (
        "broker_epoch",
        "caught_up_ms",
        "end_offset",
        "fetched_ms",
        "leader_end_offset",
        "log_start_offset",
        "replica_id",
    )

    def __init__(self, replica_id: int, caught_up_ms: int) -> None:
        self.replica_id = replica_id
        self.broker_epoch = UNKNOWN
        self.end_offset = UNKNOWN
        self.log_start_offset = UNKNOWN
        self.caught_up_ms = caught_up_ms
        # When it fetched last, and where the leader's log ended then.
        self.fetched_ms = NEVER_MS
        self.leader_end_offset = UNKNOWN

    def __repr__(self) -> str:
        return f"<Follower {self.replica_id} at {self.end_offset}>"

    def fetched(self, fetch_offset: int, leader_end_offset: int, now_ms: int) -> None:
        """It has fetched from `fetch_offset`, while the leader's log ended at the other one."""
        if fetch_offset >= leader_end_offset:
            self.caught_up_ms = max(self.caught_up_ms, now_ms)
        elif 0 <= self.leader_end_offset <= fetch_offset:
            self.caught_up_ms = max(self.caught_up_ms, self.fetched_ms)
        self.end_offset = fetch_offset
        self.fetched_ms = now_ms
        self.leader_end_offset = leader_end_offset

    def keeps_up(self, leader_end_offset: int, now_ms: int, lag_max_ms: int) -> bool:
        """Whether it has all there is, or had not longer than `lag_max_ms` ago."""
        return self.end_offset == leader_end_offset or now_ms - self.caught_up_ms <= lag_max_ms


def low_watermark(
    log_start_offset: int, followers: Iterable[Follower], is_alive: Callable[[int], bool]
) -> int:
    """The first offset that the leader or some follower whose broker is alive still has; -1 while
    one of these has not told."""
    told = [follower.log_start_offset for follower in followers if is_alive(follower.replica_id)]
    return min([log_start_offset, *told])
