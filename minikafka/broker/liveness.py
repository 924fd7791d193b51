"""A dead process is noticed by its closed connections, not by its time-out.

Every controller, standby too, keeps a connection to each registered broker. When it breaks, it
connects again at once; when the listener refuses twice, 100 ms apart, at an endpoint that this
controller had reached in that incarnation, nobody is there any more: that machine's kernel says so
itself. Such a broker is *gone*, and the active controller fences it without waiting for its
session. That is always safe; a broker behind a broken network refuses nobody and keeps its session.

A standby remembers who is gone, so that it can act on it the moment it is elected.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import TYPE_CHECKING

from minikafka.channel.errors import is_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import BrokerImage, MetadataImage
    from minikafka.runtime.tasks import Scope

_LOG = logging.getLogger("minikafka.controller")

REFUSED_AGAIN_S = 0.1
"""Between the two refusals: a listener may be taken down and up by one process."""
FIRST_RETRY_S = 0.01
RETRY_S = 0.25
"""Between attempts to reach a listener that has not been reached yet, or is cut off: a broker that
has just registered will listen in a moment, so the first attempts are close together."""
CONNECT_TIMEOUT_S = 5.0


class _Outcome(Enum):
    """How an attempt to stay in contact ended."""

    BROKEN = "there was a connection, and it was closed"
    REFUSED = "nobody listens"
    UNREACHABLE = "no answer, which says nothing"


class _Contact(asyncio.Protocol):
    """A connection on which nothing is said; `closed` when it is no more."""

    def __init__(self) -> None:
        self.closed = asyncio.get_running_loop().create_future()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        if not self.closed.done():
            self.closed.set_result(None)


class BrokerLiveness:
    """Watches the brokers of the image on the listener that they use among themselves.

    `on_gone` is called once for each incarnation that has ended; `gone` keeps those that the
    metadata still shows as registered: broker id to broker epoch.
    """

    def __init__(
        self,
        *,
        node_id: int,
        listener_name: str,
        scope: Scope,
        on_gone: Callable[[int, int], None],
    ) -> None:
        self._node_id = node_id
        self._listener_name = listener_name
        self._scope = scope
        self._on_gone = on_gone
        # Broker id -> (broker epoch, who watches that incarnation).
        self._watches: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self.gone: dict[int, int] = {}

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Follow one committed change of the metadata."""
        for broker_id in sorted(delta.changed_brokers):
            if broker_id != self._node_id:
                self._follow(broker_id, image.brokers.get(broker_id))

    def _follow(self, broker_id: int, broker: BrokerImage | None) -> None:
        watched = self._watches.get(broker_id)
        if watched is not None and (broker is None or watched[0] != broker.epoch):
            watched[1].cancel()
            del self._watches[broker_id]
        if broker is None or self.gone.get(broker_id) != broker.epoch:
            self.gone.pop(broker_id, None)
        endpoint = None if broker is None else broker.endpoint(self._listener_name)
        if broker is None or endpoint is None or broker_id in self.gone:
            return
        if broker_id not in self._watches:
            task = self._scope.spawn(
                self._watch(broker_id, broker.epoch, endpoint.host, endpoint.port),
                f"watch broker {broker_id}",
            )
            self._watches[broker_id] = broker.epoch, task

    async def _watch(self, broker_id: int, epoch: int, host: str, port: int) -> None:
        """One incarnation, until it has ended or another takes its place."""
        was_reached = False
        refusals = 0
        retry_s = FIRST_RETRY_S
        while refusals < 2:
            outcome = await _contact(host, port)
            if outcome is _Outcome.BROKEN:
                was_reached, refusals = True, 0
                continue  # perhaps it only closed an idle connection
            refused = was_reached and outcome is _Outcome.REFUSED
            refusals = refusals + 1 if refused else 0
            if refusals < 2:
                await asyncio.sleep(REFUSED_AGAIN_S if refused else retry_s)
                retry_s = min(2 * retry_s, RETRY_S)
        _LOG.info("broker %d (epoch %d) is gone: %s:%d refuses", broker_id, epoch, host, port)
        self.gone[broker_id] = epoch
        self._on_gone(broker_id, epoch)


async def _contact(host: str, port: int) -> _Outcome:
    """Connect, and return when that has failed or the connection is over."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            transport, contact = await loop.create_connection(_Contact, host, port)
    except OSError as error:  # a TimeoutError is one
        return _Outcome.REFUSED if is_refusal(error) else _Outcome.UNREACHABLE
    try:
        await contact.closed
    finally:
        transport.abort()
    return _Outcome.BROKEN
