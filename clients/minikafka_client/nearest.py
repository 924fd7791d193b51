"""Which replica a partition is read from (KIP-392).

A leader that knows of an in-sync replica in the consumer's rack names it instead of serving. That
replica is asked until it fails, or until its time is over and the leader is asked anew.
"""

from collections.abc import Callable
from typing import Final

from minikafka_client.fetched import TopicPartition

NOBODY: Final = -1


class NearestReplicas:
    """The advice of leaders to a consumer, each good for `max_age_s` on this clock."""

    __slots__ = ("_advice", "_max_age_s", "_now_s")

    def __init__(self, max_age_s: float, now_s: Callable[[], float]) -> None:
        self._max_age_s = max_age_s
        self._now_s = now_s
        self._advice: dict[TopicPartition, tuple[int, float]] = {}

    def of(self, place: TopicPartition) -> int:
        """The node to read from, NOBODY where it is the leader."""
        node_id, until_s = self._advice.get(place, (NOBODY, 0.0))
        if node_id != NOBODY and until_s <= self._now_s():
            del self._advice[place]
            return NOBODY
        return node_id

    def advise(self, place: TopicPartition, node_id: int) -> None:
        """A leader has named the replica to read from."""
        self._advice[place] = (node_id, self._now_s() + self._max_age_s)

    def forget(self, place: TopicPartition) -> bool:
        """Back to the leader; whether another was to be read from."""
        return self._advice.pop(place, None) is not None
