"""ControllerRegistration (70): what a controller listens on and supports (KIP-919)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.decision import Decision
from minikafka.metadata.record_versions import FEATURE_3_7_IV0
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.controller_registration import (
    ControllerRegistrationRequest,
    ControllerRegistrationResponse,
)
from minikafka.protocol.records.metadata.register_controller_record import (
    ControllerEndpoint,
    ControllerFeature,
    RegisterControllerRecord,
)

if TYPE_CHECKING:
    from minikafka.controller.state import ControllerState


def register_controller(
    state: ControllerState, request: ControllerRegistrationRequest
) -> Decision[ControllerRegistrationResponse]:
    """A new process of a controller replaces what was registered of the one before."""
    if state.metadata_version < FEATURE_3_7_IV0:
        raise KafkaError(
            ErrorCode.UNSUPPORTED_VERSION,
            "The current MetadataVersion is too old to support controller registrations.",
        )
    record = RegisterControllerRecord(
        controller_id=request.controller_id,
        incarnation_id=request.incarnation_id,
        zk_migration_ready=request.zk_migration_ready,
        end_points=[
            ControllerEndpoint(
                name=listener.name,
                host=listener.host,
                port=listener.port,
                security_protocol=listener.security_protocol,
            )
            for listener in request.listeners
        ],
        features=[
            ControllerFeature(
                name=feature.name,
                min_supported_version=feature.min_supported_version,
                max_supported_version=feature.max_supported_version,
            )
            for feature in request.features
        ],
    )
    return Decision([record], ControllerRegistrationResponse())
