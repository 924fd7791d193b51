"""The first records of a cluster, and what a controller does when it takes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.controller.elr_safety import MIN_INSYNC_REPLICAS
from minikafka.metadata.features import (
    BOOTSTRAP_LEVELS,
    ELIGIBLE_LEADER_REPLICAS,
    METADATA_VERSION,
)
from minikafka.metadata.image import BROKER_RESOURCE
from minikafka.metadata.record_versions import FEATURE_3_6_IV1
from minikafka.protocol.records.metadata.abort_transaction_record import AbortTransactionRecord
from minikafka.protocol.records.metadata.begin_transaction_record import BeginTransactionRecord
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.end_transaction_record import EndTransactionRecord
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord


def bootstrap_feature_records() -> list[FeatureLevelRecord]:
    """What formatting a new cluster leaves in `bootstrap.checkpoint`."""
    return [FeatureLevelRecord(name=name, feature_level=level) for name, level in BOOTSTRAP_LEVELS]


def activation_records(
    state: ControllerState, bootstrap: Sequence[MetadataRecord], *, in_transaction: bool
) -> list[MetadataRecord]:
    """What a new active controller writes first.

    A transaction that its predecessor left open is aborted; a log without a metadata.version is a
    new cluster's and gets the bootstrap records, as a transaction where that version knows them.
    """
    records: list[MetadataRecord] = []
    if in_transaction:
        records.append(AbortTransactionRecord(reason="Controller failover"))
    if METADATA_VERSION not in state.image.features:
        records += _bootstrap_transaction(state, bootstrap)
    return records


def _bootstrap_transaction(
    state: ControllerState, bootstrap: Sequence[MetadataRecord]
) -> list[MetadataRecord]:
    records = [*bootstrap]
    levels = {r.name: r.feature_level for r in bootstrap if isinstance(r, FeatureLevelRecord)}
    if levels.get(ELIGIBLE_LEADER_REPLICAS):
        # All brokers must agree on the minimum from which eligible replicas follow: it becomes
        # a config of the cluster and can no longer be one of a broker.
        records.append(
            ConfigRecord(
                resource_type=BROKER_RESOURCE,
                resource_name="",
                name=MIN_INSYNC_REPLICAS,
                value=str(state.settings.min_insync_replicas),
            )
        )
    if levels.get(METADATA_VERSION, 0) < FEATURE_3_6_IV1:
        return records
    return [BeginTransactionRecord(name="Bootstrap records"), *records, EndTransactionRecord()]
