"""A dead process is noticed by its closed connections, not by its time-out.

Every controller, standby too, keeps a connection to each registered broker. When it breaks, it
connects again at once; when the listener refuses twice, 100 ms apart, at an endpoint that this
controller had reached in that incarnation, nobody is there any more: that machine's kernel says so
itself. Such a broker is *gone*, and the active controller fences it without waiting for its
session. That is always safe; a broker behind a broken network refuses nobody and keeps its session.

A standby remembers who is gone, so that it can act on it the moment it is elected. Who is reached
again in the same incarnation had not gone, and is forgotten there.

A broker lets nobody in before it is unfenced. So whatever the metadata says of it is a reason to
try again at once: until it has been reached, only its session would tell of its end.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from minikafka.channel.errors import is_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from minikafka.metadata.broker_image import BrokerImage, Endpoint
    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import MetadataImage
    from minikafka.runtime.tasks import Scope

_LOG = logging.getLogger("minikafka.controller")

REFUSED_AGAIN_S = 0.1
"""Between the two refusals: a listener may be taken down and up by one process."""
_ENOUGH_REFUSALS = 2
FIRST_RETRY_S = 0.01
LAST_RETRY_S = 1.0
"""Between attempts to reach a listener, ever longer until there is news of that broker."""
CONNECT_TIMEOUT_S = 5.0


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

    `on_gone` is called when an incarnation has ended; `gone` keeps those that the metadata still
    shows as registered: broker id to broker epoch.
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
        self._watches: dict[int, tuple[_Watch, asyncio.Task[None]]] = {}
        self.gone: dict[int, int] = {}

    def begin(self, image: MetadataImage) -> None:
        """Watch who is registered in the metadata that this node starts with."""
        for broker_id, broker in sorted(image.brokers.items()):
            self._follow(broker_id, broker)

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Follow one committed change of the metadata."""
        for broker_id in sorted(delta.changed_brokers):
            self._follow(broker_id, image.brokers.get(broker_id))

    def _follow(self, broker_id: int, broker: BrokerImage | None) -> None:
        if broker_id in self._watches:
            watch, task = self._watches[broker_id]
            if broker is not None and broker.epoch == watch.epoch:
                watch.hurry()
                return
            task.cancel()
            del self._watches[broker_id]
            self.gone.pop(broker_id, None)
        endpoint = None if broker is None else broker.endpoint(self._listener_name)
        if broker is None or endpoint is None or broker_id == self._node_id:
            return
        watch = _Watch(broker_id, broker.epoch, endpoint, self._reached, self._refused)
        task = self._scope.spawn(watch.run(), f"watch broker {broker_id}")
        self._watches[broker_id] = watch, task

    def _reached(self, watch: _Watch) -> None:
        if self.gone.pop(watch.broker_id, None) is not None:
            _LOG.info("broker %d (epoch %d) is back", watch.broker_id, watch.epoch)

    def _refused(self, watch: _Watch) -> None:
        _LOG.info("broker %d (epoch %d) is gone", watch.broker_id, watch.epoch)
        self.gone[watch.broker_id] = watch.epoch
        self._on_gone(watch.broker_id, watch.epoch)


class _Watch:
    """One incarnation. Tells each time that it is `reached`, and when it has then `refused`."""

    def __init__(
        self,
        broker_id: int,
        epoch: int,
        endpoint: Endpoint,
        reached: Callable[[_Watch], None],
        refused: Callable[[_Watch], None],
    ) -> None:
        self.broker_id = broker_id
        self.epoch = epoch
        self._endpoint = endpoint
        self._reached = reached
        self._refused = refused
        self._news = asyncio.Event()
        self._retry_s = FIRST_RETRY_S
        self._was_reached = False
        self._refusals = 0

    def hurry(self) -> None:
        """There is news of this broker: perhaps it can be reached now."""
        self._retry_s = FIRST_RETRY_S
        self._news.set()

    async def run(self) -> None:
        """Stay in contact, until another incarnation takes its place."""
        while True:
            try:
                transport, contact = await self._connect()
            except OSError as error:  # a TimeoutError is one
                await self._not_reached(is_refused=is_refusal(error))
                continue
            try:
                await self._in_contact(contact)
            finally:
                transport.abort()

    async def _connect(self) -> tuple[asyncio.Transport, _Contact]:
        loop = asyncio.get_running_loop()
        host, port = self._endpoint.host, self._endpoint.port
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await loop.create_connection(_Contact, host, port)

    async def _not_reached(self, *, is_refused: bool) -> None:
        self._refusals = self._refusals + 1 if self._was_reached and is_refused else 0
        if self._refusals == 1:
            await asyncio.sleep(REFUSED_AGAIN_S)
            return
        if self._refusals == _ENOUGH_REFUSALS:
            self._refused(self)
        await self._pause()

    async def _in_contact(self, contact: _Contact) -> None:
        """Until the connection is over; perhaps it was only an idle one."""
        loop = asyncio.get_running_loop()
        reached_at = loop.time()
        if not self._was_reached:
            self._retry_s = FIRST_RETRY_S
        self._was_reached, self._refusals = True, 0
        self._reached(self)
        await contact.closed
        if loop.time() - reached_at < LAST_RETRY_S:
            await self._pause()  # who closes every connection is not asked all the time
        else:
            self._retry_s = FIRST_RETRY_S

    async def _pause(self) -> None:
        """Until the next attempt, or news."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._retry_s):
                await self._news.wait()
        self._news.clear()
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
