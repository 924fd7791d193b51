"""What a change of `min.insync.replicas` does to eligible leader replicas (KIP-966).

A replica is eligible because the ISR was smaller than the minimum *that held when it left*. Once
the minimum changes, that says nothing any more: the eligible sets of the topics concerned are
cleared with the change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.metadata.image import BROKER_RESOURCE, TOPIC_RESOURCE
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.records.metadata.clear_elr_record import ClearElrRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.image import ConfigResource

MIN_INSYNC_REPLICAS = "min.insync.replicas"


def elr_records(
    state: ControllerState, resource: ConfigResource, changed: Mapping[str, str | None]
) -> list[ClearElrRecord]:
    """The record that goes with these config changes of `resource`, if one must."""
    if MIN_INSYNC_REPLICAS not in changed or not state.elr_enabled:
        return []
    kind, name = resource
    if kind == TOPIC_RESOURCE:
        return [ClearElrRecord(topic_name=name)]
    return [ClearElrRecord(topic_name="")] if kind == BROKER_RESOURCE else []


def check_min_insync_replicas(
    state: ControllerState, resource: ConfigResource, changed: Mapping[str, str | None]
) -> None:
    """Every broker must use the same minimum while eligible leader replicas depend on it."""
    if MIN_INSYNC_REPLICAS not in changed or not state.elr_enabled:
        return
    kind, name = resource
    if kind != BROKER_RESOURCE:
        return
    if name:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.",
        )
    if changed[MIN_INSYNC_REPLICAS] is None:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.",
        )
