"""The broker's life with the controller: registered, unfenced, heartbeating, let go.

A process registers once, under a new incarnation id, and gets a broker epoch. It starts fenced; the
first heartbeat that says it is ready unfences it. Stopping is a heartbeat that wants to shut down,
repeated until the controller has moved the leaderships away and lets the broker go (KIP-631).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from minikafka.metadata.features import SUPPORTED
from minikafka.metadata.image import MetadataImage
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
from minikafka.protocol.messages.controller_registration import (
    ControllerRegistrationRequest,
)
from minikafka.protocol.messages.controller_registration import Feature as ControllerFeature
from minikafka.protocol.messages.controller_registration import Listener as ControllerListener
from minikafka.protocol.types import Message
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings

logger = logging.getLogger("minikafka.broker")

_REGISTRATION_VERSION = 4
_HEARTBEAT_VERSION = 2
_CONTROLLER_REGISTRATION_VERSION = 0
_UNFENCE_RETRY_S = 0.01
_SHUTDOWN_RETRY_S = 0.1
SECURITY_PROTOCOLS = {"PLAINTEXT": 0, "SSL": 1, "SASL_PLAINTEXT": 2, "SASL_SSL": 3}


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
        self._heartbeats: asyncio.Task[None] | None = None
        self._is_news = asyncio.Event()
        self.broker_epoch = -1

    async def register(self, listeners: Sequence[tuple[str, str, int, str]]) -> None:
        """Register with (name, host, port, security protocol) of each advertised listener."""
        request = BrokerRegistrationRequest(
            broker_id=self._settings.node_id,
            cluster_id=self._cluster_id,
            incarnation_id=self._incarnation_id,
            listeners=[
                Listener(
                    name=name, host=host, port=port, security_protocol=SECURITY_PROTOCOLS[protocol]
                )
                for name, host, port, protocol in listeners
            ],
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

    async def register_controller(self, listeners: Sequence[tuple[str, str, int, str]]) -> None:
        """Tell where this process's controller listens and what it supports (KIP-919)."""
        request = ControllerRegistrationRequest(
            controller_id=self._settings.node_id,
            incarnation_id=self._incarnation_id,
            listeners=[
                ControllerListener(
                    name=name, host=host, port=port, security_protocol=SECURITY_PROTOCOLS[protocol]
                )
                for name, host, port, protocol in listeners
            ],
            features=[
                ControllerFeature(
                    name=name, min_supported_version=lowest, max_supported_version=highest
                )
                for name, (lowest, highest) in SUPPORTED.items()
            ],
        )
        await self._controller.handle(request, _CONTROLLER_REGISTRATION_VERSION, None)

    async def unfence(self) -> None:
        """Say that this broker is ready until the controller agrees, then keep its session.

        KafkaError when no log directory is left: the controller will never agree.
        """
        while True:
            answer = await self._heartbeat()
            if not answer.is_fenced:
                break
            if not self._online_directory_ids():
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "no log directory is left")
            await asyncio.sleep(_UNFENCE_RETRY_S)
        self._heartbeats = self._scope.spawn(self._keep_session(), "heartbeats")

    async def leave(self, timeout_s: float) -> None:
        """Controlled shutdown: have the leaderships moved away; gives up after `timeout_s`."""
        if self.broker_epoch < 0:
            return
        if self._heartbeats is not None:
            self._heartbeats.cancel()
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    answer = await self._heartbeat(want_shut_down=True)
                    if answer.should_shut_down:
                        return
                    await asyncio.sleep(_SHUTDOWN_RETRY_S)
        except KafkaError as error:
            logger.warning("stopping without the controller's leave: %s", error)
        except TimeoutError:
            logger.warning("stopping without the controller's leave: no answer in %s s", timeout_s)

    def report(self) -> None:
        """A log directory has failed: tell the controller now, not with the next heartbeat."""
        self._is_news.set()

    async def _keep_session(self) -> None:
        interval_s = self._settings.broker_heartbeat_interval_ms / 1000
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(interval_s):
                    await self._is_news.wait()
            self._is_news.clear()
            try:
                await self._heartbeat()
            except KafkaError as error:
                logger.warning("heartbeat refused: %s", error)

    async def _heartbeat(self, *, want_shut_down: bool = False) -> BrokerHeartbeatResponse:
        online = self._online_directory_ids()
        request = BrokerHeartbeatRequest(
            broker_id=self._settings.node_id,
            broker_epoch=self.broker_epoch,
            current_metadata_offset=self._image.offset,
            want_fence=False,
            want_shut_down=want_shut_down,
            offline_log_dirs=[found for found in self._directory_ids if found not in online],
            cordoned_log_dirs=[],
        )
        response = await self._controller.handle(request, _HEARTBEAT_VERSION, None)
        assert isinstance(response, BrokerHeartbeatResponse)
        if response.error_code:
            raise KafkaError(error_code(response.error_code))
        return response
