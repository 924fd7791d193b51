"""What every call of the admin client is made of: a deadline, a broker to ask, another attempt."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.types import Message
from minikafka_client.cluster import Cluster
from minikafka_client.errors import BrokerError, Closed, NotConnected
from minikafka_client.fetched import TopicPartition
from minikafka_client.group_coordinator import GroupCoordinator

R = TypeVar("R", bound=Message)
T = TypeVar("T")


class AdminCalls:
    """What the parts of `Admin` inherit."""

    _cluster: Cluster

    def __init__(self) -> None:
        self._closed = True

    async def _ask(
        self,
        request: Message,
        response: type[R],
        read: Callable[[R], T],
        deadline: float,
        *,
        node: int | None = None,
        leader_of: TopicPartition | None = None,
        final_unknown: bool = False,
    ) -> T:
        """What `read` makes of the answer; again after what is retriable.

        An unknown topic may become known, unless that is `final_unknown`.
        """
        cluster = self._cluster
        backoff = cluster.backoff()
        while True:
            try:
                target = node
                if leader_of is not None:
                    target = await self._leader(leader_of, deadline)
                return read(await cluster.ask(target, request, response, deadline))
            except (NotConnected, BrokerError) as error:
                unknown = (
                    isinstance(error, BrokerError)
                    and error.code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                )
                if not error.retriable or (unknown and final_unknown):
                    raise
                if leader_of is not None:
                    cluster.topics.pop(leader_of.topic, None)
                await cluster.pause(backoff, deadline)

    async def _leader(self, place: TopicPartition, deadline: float) -> int:
        cluster = self._cluster
        if cluster.leader(*place) < 0:
            await cluster.refresh([place.topic], self._remaining(deadline))
        leader = cluster.leader(*place)
        if leader < 0:
            raise BrokerError(ErrorCode.LEADER_NOT_AVAILABLE, f"{place.topic}-{place.partition}")
        return leader

    async def _coordinated(
        self,
        group_id: str,
        request: Message,
        response: type[R],
        error_of: Callable[[R], int],
        timeout_ms: float | None,
    ) -> R:
        """The answer of a group's coordinator; again after retriable errors."""
        deadline = self._deadline(timeout_ms)
        coordinator = GroupCoordinator(self._cluster, group_id)
        backoff = self._cluster.backoff()
        while True:
            try:
                answer = await coordinator.ask(request, response, deadline)
                coordinator.check(error_of(answer))
                return answer
            except (NotConnected, BrokerError) as error:
                if not error.retriable:
                    raise
                await self._cluster.pause(backoff, deadline)

    def _deadline(self, timeout_ms: float | None) -> float:
        if self._closed:
            raise Closed("the admin client is closed, or not started")
        return self._cluster.deadline(None if timeout_ms is None else timeout_ms / 1000)

    def _remaining(self, deadline: float) -> float:
        return self._cluster.remaining(deadline)

    def _broker_ms(self, deadline: float) -> int:
        """How long the broker may take."""
        return max(1, int(self._remaining(deadline) * 1000))


def check(code: int, where: str, message: str | None = None) -> None:
    """Raises BrokerError for a code."""
    if code:
        raise BrokerError(code, where, message)
