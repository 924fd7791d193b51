"""How requests about groups reach their shard, and how the answers come back.

Nothing here waits: the shard calls a request's waiter, at once or when a rebalance is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from minikafka.api.context import RequestContext, Services
from minikafka.api.dispatch import answer
from minikafka.coordinators.group.coordinator import GroupCoordinator
from minikafka.coordinators.runtime.shard import Shard
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.types import Message, Struct

if TYPE_CHECKING:
    from minikafka.coordinators.runtime.hosting import Replica


def make_shard(services: Services, name: str, replica: Replica) -> Shard[GroupCoordinator]:
    """A shard of the group coordinator on `replica`."""
    settings = services.settings
    return Shard(
        name,
        replica,
        lambda: GroupCoordinator(settings, services.random),
        loop=services.loop,
        wall_clock=services.wall_clock,
        parking=services.purgatory,
        on_storage_failure=services.replicas.storage_failed,
        commit_timeout_ms=settings.offsets_commit_timeout_ms,
        codec=settings.offsets_topic_compression_codec,
    )


def require_group_id(group_id: str) -> None:
    """KafkaError INVALID_GROUP_ID for the empty one, whoever coordinates it; only offsets may be
    stored under it, as by clients of long ago."""
    if not group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)


class Reply:
    """The waiter of a request that one shard answers."""

    __slots__ = ("_context", "_refuse", "_request")

    def __init__(
        self,
        context: RequestContext,
        request: Message,
        refuse: Callable[[RequestContext, Any, KafkaError], Message],
    ) -> None:
        self._context = context
        self._request = request
        self._refuse = refuse

    def answer(self, response: Struct) -> None:
        """Send the response."""
        answer(self._context, cast("Message", response))

    def fail(self, error: KafkaError) -> None:
        """Send the refusal."""
        answer(self._context, self._refuse(self._context, self._request, error))


class Gathering:
    """A request that several shards answer in parts; `finish` makes the response of the parts."""

    __slots__ = ("_context", "_finish", "_missing", "_parts")

    def __init__(
        self, context: RequestContext, count: int, finish: Callable[[list[Any]], Message]
    ) -> None:
        self._context = context
        self._finish = finish
        self._parts: list[Any] = [None] * count
        self._missing = count
        if not count:
            answer(context, finish([]))

    def part(self, index: int, refuse: Callable[[KafkaError], Any]) -> Part:
        """The waiter for part `index`."""
        return Part(self, index, refuse)

    def arrived(self, index: int, part: object) -> None:
        """Part `index` is known; the last one completes the answer."""
        self._parts[index] = part
        self._missing -= 1
        if not self._missing:
            answer(self._context, self._finish(self._parts))


class Part:
    """The waiter of one part of a `Gathering`."""

    __slots__ = ("_gathering", "_index", "_refuse")

    def __init__(
        self, gathering: Gathering, index: int, refuse: Callable[[KafkaError], Any]
    ) -> None:
        self._gathering = gathering
        self._index = index
        self._refuse = refuse

    def answer(self, response: object) -> None:
        """This part is known."""
        self._gathering.arrived(self._index, response)

    def fail(self, error: KafkaError) -> None:
        """This part is refused."""
        self._gathering.arrived(self._index, self._refuse(error))
