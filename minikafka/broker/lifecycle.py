"""The broker's life with the controller: registered, unfenced, heartbeating, let go.

A process registers under an incarnation id of its own and gets a broker epoch. It starts fenced,
asks to stay so until it has applied the metadata up to its own registration, and is unfenced by the
first heartbeat that says it is ready. When the controller knows it no more, it registers anew.
Stopping is a heartbeat that wants to shut down, repeated until the controller has moved the
leaderships away and lets the broker go (KIP-631).

A controller lets a broker go when all others have reported that they know. Kafka's tell it with
their next heartbeat, up to two seconds later; a broker here says so as soon as it has seen that
another shuts down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from minikafka.metadata.features import SUPPORTED
from minikafka.protocol.errors import ErrorCode, KafkaError, error_code
from minikafka.protocol.messages.broker_heartbeat import (
    BrokerHeartbeatRequest,
    BrokerHeartbeatResponse,
)
from minikafka.protocol.messages.broker_registration import (
    BrokerRegistrationRequest,
    BrokerRegistrationResponse,
    Feature,
    Listener,
)

if TYPE_CHECKING:
    from minikafka.broker.listening import Endpoint
    from minikafka.metadata.delta import MetadataDelta
    from minikafka.metadata.image import MetadataImage
    from minikafka.protocol.types import Message
    from minikafka.runtime.tasks import Scope
    from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.broker")

_REGISTRATION_VERSION = 4
_HEARTBEAT_VERSION = 2
_REGISTER_RETRY_S = 0.5
_UNFENCE_RETRY_S = 0.01
_SHUTDOWN_RETRY_S = 0.05
_LEAVE_PATIENCE_S = 0.25
"""How long the first answer is awaited before this broker asks itself who could give it."""
SECURITY_PROTOCOLS = {"PLAINTEXT": 0, "SSL": 1, "SASL_PLAINTEXT": 2, "SASL_SSL": 3}

# Trying again would change nothing. All else passes: a former process's session, a controller that
# is about to fail or to be found, or whose disk is full.
_FOR_GOOD = (
    ErrorCode.INCONSISTENT_CLUSTER_ID,
    ErrorCode.INVALID_REGISTRATION,
    ErrorCode.UNSUPPORTED_VERSION,
)
_UNKNOWN_TO_CONTROLLER = (ErrorCode.STALE_BROKER_EPOCH, ErrorCode.BROKER_ID_NOT_REGISTERED)


class Gateway(Protocol):
    """The way to the active controller."""

    async def handle(self, request: Message, version: int, client_id: str | None) -> Message:
        """Decide `request`; raises `KafkaError` when it is refused as a whole."""
        ...


class BrokerLifecycle:
    """Registration and heartbeats of one process. `broker_epoch` is -1 until it is registered."""

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        cluster_id: str,
        incarnation_id: UUID,
        directory_ids: Sequence[UUID],
        previous_broker_epoch: int,
        controller: Gateway,
        image: MetadataImage,
        scope: Scope,
        online_directory_ids: Callable[[], Sequence[UUID]],
    ) -> None:
        self._settings = settings
        self._cluster_id = cluster_id
        self._incarnation_id = incarnation_id
        self._directory_ids = list(directory_ids)
        self._previous_broker_epoch = previous_broker_epoch
        self._controller = controller
        self._image = image
        self._scope = scope
        self._online_directory_ids = online_directory_ids
        self._listeners: list[Listener] = []
        self._heartbeats: asyncio.Task[None] | None = None
        self._is_news = asyncio.Event()
        self._applied = asyncio.Event()
        self.broker_epoch = -1

    # -- coming -----------------------------------------------------------------------------------

    async def register(self, endpoints: Sequence[Endpoint]) -> None:
        """Register with the advertised listeners, trying again while another process has the id.

        KafkaError when the controller refuses for good, or for longer than
        `initial.broker.registration.timeout.ms`.
        """
        self._listeners = [
            Listener(
                name=name, host=host, port=port, security_protocol=SECURITY_PROTOCOLS[protocol]
            )
            for name, host, port, protocol in endpoints
        ]
        try:
            async with asyncio.timeout(
                self._settings.initial_broker_registration_timeout_ms / 1000
            ):
                await self._until_registered()
        except TimeoutError:
            raise KafkaError(
                ErrorCode.REQUEST_TIMED_OUT,
                "this broker could not register with the controller in "
                "initial.broker.registration.timeout.ms",
            ) from None

    async def _until_registered(self) -> None:
        while True:
            try:
                await self._register()
                return
            except KafkaError as error:
                if error.code in _FOR_GOOD:
                    raise
                logger.info("not registered yet: %s", error)
            await asyncio.sleep(_REGISTER_RETRY_S)

    async def _register(self) -> None:
        request = BrokerRegistrationRequest(
            broker_id=self._settings.node_id,
            cluster_id=self._cluster_id,
            incarnation_id=self._incarnation_id,
            listeners=self._listeners,
            features=[
                Feature(name=name, min_supported_version=lowest, max_supported_version=highest)
                for name, (lowest, highest) in SUPPORTED.items()
            ],
            rack=self._settings.broker_rack,
            log_dirs=self._directory_ids,
            previous_broker_epoch=self._previous_broker_epoch,
        )
        response = await self._controller.handle(request, _REGISTRATION_VERSION, None)
        assert isinstance(response, BrokerRegistrationResponse)
        if response.error_code:
            raise KafkaError(error_code(response.error_code))
        self.broker_epoch = response.broker_epoch

    async def unfence(self) -> None:
        """Say that this broker is ready until the controller agrees, then keep its session.

        KafkaError when no log directory is left: the controller will never agree.
        """
        while self._image.offset < self.broker_epoch:
            if not await self._until(self._applied, self._interval_s):
                await self._heartbeat(want_fence=True)
        while True:
            try:
                answer = await self._heartbeat()
                if not answer.is_fenced:
                    break
            except KafkaError as error:
                if error.code in _UNKNOWN_TO_CONTROLLER:
                    await self._until_registered()
                elif error.code in _FOR_GOOD:
                    raise
            if not self._online_directory_ids():
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "no log directory is left")
            await asyncio.sleep(_UNFENCE_RETRY_S)
        self._is_news.clear()
        self._heartbeats = self._scope.spawn(self._keep_session(), "heartbeats")

    # -- staying ----------------------------------------------------------------------------------

    def report(self) -> None:
        """There is news for the controller: tell it now, not with the next heartbeat."""
        self._is_news.set()

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Follow one committed change of the metadata."""
        self._applied.set()
        for broker_id in delta.changed_brokers:
            broker = image.brokers.get(broker_id)
            if broker_id == self._settings.node_id:
                if broker is None or broker.fenced:
                    self.report()  # somebody thinks that we are gone
            elif broker is not None and broker.in_controlled_shutdown:
                self.report()  # it waits for us to know

    @property
    def _interval_s(self) -> float:
        return self._settings.broker_heartbeat_interval_ms / 1000

    async def _keep_session(self) -> None:
        while True:
            await self._until(self._is_news, self._interval_s)
            try:
                answer = await self._heartbeat()
                if answer.is_fenced:
                    # Cut off for a while, or registered anew: until it has caught up, and again.
                    await asyncio.sleep(_SHUTDOWN_RETRY_S)
                    self.report()
            except KafkaError as error:
                logger.warning("heartbeat refused: %s", error)
                if error.code in _UNKNOWN_TO_CONTROLLER:
                    await self._register_anew()

    async def _register_anew(self) -> None:
        try:
            await self._register()
        except KafkaError as error:
            logger.warning("not registered anew: %s", error)
            await asyncio.sleep(_REGISTER_RETRY_S)
        self.report()

    async def _until(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for the event and take it; False when the time is over first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await event.wait()
        happened = event.is_set()
        event.clear()
        return happened

    # -- going ------------------------------------------------------------------------------------

    async def leave(self, timeout_s: float, *, may_elect: Callable[[], Awaitable[bool]]) -> None:
        """Controlled shutdown: have the leaderships moved away.

        Gives up after `timeout_s`, and as soon as there cannot be a controller: the last nodes of
        a cluster that is stopped have nobody left to hand anything to.
        """
        if self.broker_epoch < 0:
            return
        if self._heartbeats is not None:
            self._heartbeats.cancel()
        patience_s = _LEAVE_PATIENCE_S
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._may_go(patience_s):
                    patience_s *= 2
                    if not await may_elect():
                        logger.warning("stopping without leave: there is no controller")
                        return
                    await asyncio.sleep(_SHUTDOWN_RETRY_S)
        except KafkaError as error:
            logger.warning("stopping without the controller's leave: %s", error)
        except TimeoutError:
            logger.warning("stopping without the controller's leave: no answer in %s s", timeout_s)

    async def _may_go(self, patience_s: float) -> bool:
        """Whether the controller lets this broker go; False when it does not answer, too."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                return (await self._heartbeat(want_shut_down=True)).should_shut_down
        return False

    async def _heartbeat(
        self, *, want_fence: bool = False, want_shut_down: bool = False
    ) -> BrokerHeartbeatResponse:
        online = self._online_directory_ids()
        request = BrokerHeartbeatRequest(
            broker_id=self._settings.node_id,
            broker_epoch=self.broker_epoch,
            current_metadata_offset=self._image.offset,
            want_fence=want_fence,
            want_shut_down=want_shut_down,
            offline_log_dirs=[found for found in self._directory_ids if found not in online],
            cordoned_log_dirs=[],
        )
        response = await self._controller.handle(request, _HEARTBEAT_VERSION, None)
        assert isinstance(response, BrokerHeartbeatResponse)
        if response.error_code:
            raise KafkaError(error_code(response.error_code))
        return response
