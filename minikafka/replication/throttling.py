"""Replication throttles (KIP-73): how fast replicas that are being moved may be copied.

A reassignment copies whole logs, and would take from clients what network and disk can give. So
administrators list the replicas that move (`leader.` and `follower.replication.throttled.replicas`
of their topics) and bound what a broker sends to such replicas and what it fetches for them
(`leader.` and `follower.replication.throttled.rate` of brokers).

A quota counts all that is copied for the replicas listed. Once its rate is exceeded, those that are
not in sync are left out of fetches until it is not: nobody falls out of the ISR for a throttle. So
it is a rate on average. What one fetch brings at once may be more.
"""

from __future__ import annotations

from collections import deque

UNLIMITED = 2**63 - 1


def lists_replica(listed: tuple[str, ...], partition: int, broker_id: int) -> bool:
    """Whether the replica is among those that a topic's setting lists."""
    return bool(listed) and ("*" in listed or f"{partition}:{broker_id}" in listed)


class ReplicationQuota:
    """What one broker may send, or fetch, for throttled replicas: `limit` bytes a second.

    The rate is that of the last `sample_count` samples of `sample_ms` each, the present one among
    them; of at least one sample's time, while there is less.
    """

    __slots__ = ("_sample_ms", "_samples", "_total", "_window_ms", "limit")

    def __init__(self, sample_count: int, sample_ms: int) -> None:
        self.limit = UNLIMITED
        self._sample_ms = sample_ms
        self._window_ms = sample_count * sample_ms
        # (begin, bytes), the oldest first.
        self._samples: deque[tuple[int, int]] = deque()
        self._total = 0

    def record(self, size: int, now_ms: int) -> None:
        """So many bytes have been copied."""
        self._forget(now_ms)
        samples = self._samples
        begin_ms, held = samples.pop() if samples else (now_ms, 0)
        if now_ms - begin_ms >= self._sample_ms:
            samples.append((begin_ms, held))
            begin_ms, held = now_ms, 0
        samples.append((begin_ms, held + size))
        self._total += size

    def is_exceeded(self, now_ms: int) -> bool:
        """Whether more has been copied than the limit allows."""
        if not self._samples:
            return False
        self._forget(now_ms)
        return self._total * 1000 > self.limit * self._elapsed_ms(now_ms)

    def free_in_ms(self, now_ms: int) -> int:
        """How long it stays exceeded at most if nothing more is copied; 0 if it is not."""
        if not self.is_exceeded(now_ms):
            return 0
        begin_ms = self._samples[0][0]
        forgotten_ms = begin_ms + self._window_ms - now_ms
        if not self.limit:
            return forgotten_ms
        # Rounded up: then the limit allows what has been copied.
        allowed_ms = begin_ms - now_ms - self._total * -1000 // self.limit
        return min(allowed_ms, forgotten_ms)

    def _forget(self, now_ms: int) -> None:
        samples = self._samples
        while samples and now_ms - samples[0][0] >= self._window_ms:
            self._total -= samples.popleft()[1]

    def _elapsed_ms(self, now_ms: int) -> int:
        return max(now_ms - self._samples[0][0], self._sample_ms) if self._samples else 1
