"""The way to the active controller, in this process or over the network.

Who is told that the controller is elsewhere, finds none or loses the connection asks again, until
the request's own time is over: a change of controllers is a pause, not an error. So a request may
be decided twice, the second time with the outcome of the first (TOPIC_ALREADY_EXISTS), as in Kafka.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from minikafka.channel.backoff import Backoff
from minikafka.channel.errors import ChannelError
from minikafka.protocol.apis import FORWARDED, ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from random import Random

    from minikafka.broker.controller import ControllerHost
    from minikafka.broker.quorum import QuorumHost
    from minikafka.broker.remote_controller import RemoteController
    from minikafka.protocol.types import Message
    from minikafka.settings.broker import BrokerSettings

_LOG = logging.getLogger("minikafka.controller")

RETRY_LIMIT_S = 60.0
"""How long a request without a time-out of its own, or with a longer one, is tried again."""
_FIRST_BACKOFF_MS = 20
_LAST_BACKOFF_MS = 500


class ControllerGateway:
    """`handle` is what handlers and the parts of a broker ask the controller by.

    `host` is the controller in this process, if there is one.
    """

    def __init__(
        self,
        *,
        host: ControllerHost | None,
        quorum: QuorumHost,
        settings: BrokerSettings,
        random: Random,
    ) -> None:
        self._host = host
        self._quorum = quorum
        self._settings = settings
        self._random = random
        self._remote: RemoteController | None = None
        self._news = asyncio.Event()
        self._is_closed = False
        quorum.on_leader_change(lambda leader_id, epoch: self._leader_changed())

    async def handle(
        self, request: Message, version: int, client_id: str | None, client_host: str | None = None
    ) -> Message:
        """The active controller's response. `client_host`: the client who asks; None: this node.

        KafkaError when it refuses the request as a whole, REQUEST_TIMED_OUT when no controller has
        answered in time, NOT_CONTROLLER once this node stops.
        """
        try:
            async with asyncio.timeout(_limit_s(request)):
                return await self._until_answered(request, version, client_id, client_host)
        except TimeoutError:
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT) from None

    def close(self) -> None:
        """Ask nobody any more: what waits for a controller is refused."""
        self._is_closed = True
        if self._remote is not None:
            self._remote.close()
        self._leader_changed()

    def _leader_changed(self) -> None:
        self._news.set()  # wakes all who wait now, and nobody who comes later
        self._news.clear()

    async def _until_answered(
        self, request: Message, version: int, client_id: str | None, client_host: str | None
    ) -> Message:
        backoff = Backoff(self._random, _FIRST_BACKOFF_MS, _LAST_BACKOFF_MS)
        while True:
            try:
                return await self._try(request, version, client_id, client_host)
            except KafkaError as error:
                if error.code is not ErrorCode.NOT_CONTROLLER or self._is_closed:
                    raise
                _LOG.debug("%s: %s", type(request).__name__, error)
            except ChannelError as error:
                if self._is_closed:
                    raise KafkaError(ErrorCode.NOT_CONTROLLER) from error
                _LOG.debug("%s: %s", type(request).__name__, error)
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff.next_delay_s()):
                    await self._news.wait()

    async def _try(
        self, request: Message, version: int, client_id: str | None, client_host: str | None
    ) -> Message:
        if self._host is not None and self._quorum.is_leader:
            return await self._host.handle(request, version, client_id)
        remote = self._remote
        if remote is None:
            # A node that always leads never needs it.
            module = import_module("minikafka.broker.remote_controller")
            remote = self._remote = module.RemoteController(self._quorum, self._settings)
            if self._is_closed:
                remote.close()
        if client_host is not None and request.api_key in FORWARDED:
            return await remote.forward(request, version, client_id, client_host)
        return await remote.ask(request, version)


def _limit_s(request: Message) -> float:
    """The request's own time-out. One of no time at all is the controller's to judge."""
    timeout_ms = getattr(request, "timeout_ms", 0)
    # Kafka's controller does not look at the time-out of an UpdateFeatures.
    if timeout_ms <= 0 or request.api_key == ApiKey.UPDATE_FEATURES:
        return RETRY_LIMIT_S
    return min(timeout_ms / 1000, RETRY_LIMIT_S)
