"""This broker in the eyes of the controller: registered, unfenced, let go.

    register   -> fenced, with a broker epoch of its own (offset of the registration)
    unfence    -> leads what it may lead; to be called when its logs are loaded and it listens
    shut_down  -> leads nothing and is in no ISR; the epoch then goes into the clean-stop marker

Broker and active controller are one process here, so no heartbeats are needed in between: neither
outlives the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.metadata.features import SUPPORTED
from minikafka.protocol.messages import (
    broker_heartbeat,
    broker_registration,
    controller_registration,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from minikafka.broker.controller import ControllerHost
    from minikafka.broker.storage import Storage
    from minikafka.metadata.image import Endpoint, MetadataImage
    from minikafka.settings.broker import BrokerSettings

_BROKER_REGISTRATION_VERSION = 4
_BROKER_HEARTBEAT_VERSION = 2
_CONTROLLER_REGISTRATION_VERSION = 0


class Registration:
    """One process of one node. `incarnation_id` is new for each process; `broker_epoch` is -1
    until it is registered."""

    def __init__(
        self,
        *,
        settings: BrokerSettings,
        storage: Storage,
        controller: ControllerHost,
        image: MetadataImage,
        incarnation_id: UUID,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._controller = controller
        self._image = image
        self.incarnation_id = incarnation_id
        self.broker_epoch = -1

    async def register_controller(self, endpoints: Sequence[Endpoint]) -> None:
        """Tell where this controller listens and what it supports (KIP-919)."""
        request = controller_registration.ControllerRegistrationRequest(
            controller_id=self._settings.node_id,
            incarnation_id=self.incarnation_id,
            listeners=[
                controller_registration.Listener(
                    name=e.name, host=e.host, port=e.port, security_protocol=e.security_protocol
                )
                for e in endpoints
            ],
            features=[
                controller_registration.Feature(
                    name=name, min_supported_version=lowest, max_supported_version=highest
                )
                for name, (lowest, highest) in SUPPORTED.items()
            ],
        )
        await self._controller.handle(request, _CONTROLLER_REGISTRATION_VERSION, None)

    async def register(self, endpoints: Sequence[Endpoint], previous_broker_epoch: int) -> None:
        """Register this process, fenced; `previous_broker_epoch` from the clean-stop marker or -1.

        KafkaError as the controller refuses it: another cluster's, an unsupported feature, …
        """
        request = broker_registration.BrokerRegistrationRequest(
            broker_id=self._settings.node_id,
            cluster_id=self._storage.cluster_id,
            incarnation_id=self.incarnation_id,
            listeners=[
                broker_registration.Listener(
                    name=e.name, host=e.host, port=e.port, security_protocol=e.security_protocol
                )
                for e in endpoints
            ],
            features=[
                broker_registration.Feature(
                    name=name, min_supported_version=lowest, max_supported_version=highest
                )
                for name, (lowest, highest) in SUPPORTED.items()
            ],
            rack=self._settings.broker_rack,
            log_dirs=list(self._storage.directory_ids.values()),
            previous_broker_epoch=previous_broker_epoch,
        )
        response = await self._controller.handle(request, _BROKER_REGISTRATION_VERSION, None)
        assert isinstance(response, broker_registration.BrokerRegistrationResponse)
        self.broker_epoch = response.broker_epoch

    async def unfence(self) -> None:
        """Be up: lead what has no leader, and be shown to clients."""
        response = await self._heartbeat()
        assert not response.is_fenced, "this broker has applied its own registration"

    async def shut_down(self) -> None:
        """Controlled shutdown: give up leaderships and ISR places, then be let go."""
        while not (await self._heartbeat(want_shut_down=True)).should_shut_down:
            pass  # ends: with nobody else up, the second request is granted

    async def _heartbeat(
        self, want_shut_down: bool = False
    ) -> broker_heartbeat.BrokerHeartbeatResponse:
        request = broker_heartbeat.BrokerHeartbeatRequest(
            broker_id=self._settings.node_id,
            broker_epoch=self.broker_epoch,
            current_metadata_offset=self._image.offset,
            want_shut_down=want_shut_down,
            cordoned_log_dirs=[],
        )
        response = await self._controller.handle(request, _BROKER_HEARTBEAT_VERSION, None)
        assert isinstance(response, broker_heartbeat.BrokerHeartbeatResponse)
        return response
