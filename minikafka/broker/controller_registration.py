"""A controller tells the active one where it listens and what it supports (KIP-919)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from minikafka.broker.lifecycle import SECURITY_PROTOCOLS
from minikafka.metadata.features import SUPPORTED
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.controller_registration import (
    ControllerRegistrationRequest,
    Feature,
    Listener,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from minikafka.broker.lifecycle import Gateway
    from minikafka.broker.listening import Endpoint

_LOG = logging.getLogger("minikafka.controller")

_VERSION = 0
_RETRY_S = 1.0
_TRY_AGAIN = (ErrorCode.REQUEST_TIMED_OUT, ErrorCode.UNSUPPORTED_VERSION)
"""UNSUPPORTED_VERSION: the metadata of the cluster may be upgraded one day."""


async def register_controller(
    gateway: Gateway, node_id: int, incarnation_id: UUID, endpoints: Sequence[Endpoint]
) -> None:
    """Register this process's controller, however long that takes; not once the node stops."""
    request = ControllerRegistrationRequest(
        controller_id=node_id,
        incarnation_id=incarnation_id,
        listeners=[
            Listener(
                name=name, host=host, port=port, security_protocol=SECURITY_PROTOCOLS[protocol]
            )
            for name, host, port, protocol in endpoints
        ],
        features=[
            Feature(name=name, min_supported_version=lowest, max_supported_version=highest)
            for name, (lowest, highest) in SUPPORTED.items()
        ],
    )
    while True:
        try:
            await gateway.handle(request, _VERSION, None)
            return
        except KafkaError as error:
            if error.code is ErrorCode.NOT_CONTROLLER:
                return  # what the gateway says once it is closed
            if error.code not in _TRY_AGAIN:
                raise
            _LOG.info("this controller is not registered yet: %s", error)
        await asyncio.sleep(_RETRY_S)
