"""UpdateFeatures (57): finalised levels go up and down, within what is served (KIP-584).

All updates of a request happen or none. A level is only finalised if this controller serves it and
every registered broker and controller supports it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from minikafka.controller.decision import Decision
from minikafka.controller.elr_safety import MIN_INSYNC_REPLICAS
from minikafka.metadata.features import (
    ELIGIBLE_LEADER_REPLICAS,
    KRAFT_VERSION,
    METADATA_VERSION,
    SERVED,
    SUPPORTED,
)
from minikafka.metadata.image import BROKER_RESOURCE
from minikafka.metadata.record_versions import FEATURE_4_0_IV1
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from minikafka.protocol.records.metadata.config_record import ConfigRecord
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minikafka.controller.state import ControllerState
    from minikafka.metadata.replay import MetadataRecord

RECORDS_CHANGED: Final = (8, 11, 13, 14, 15, 17, 23, 30)
"""Levels of metadata.version that brought new records or fields, which a lower one would lose."""


class UpgradeType(IntEnum):
    """What the client allows to happen."""

    UPGRADE = 1
    SAFE_DOWNGRADE = 2
    UNSAFE_DOWNGRADE = 3


def decide(
    state: ControllerState, request: UpdateFeaturesRequest, version: int
) -> Decision[UpdateFeaturesResponse]:
    """Finalise levels. KafkaError 95 naming the first update that may not be."""
    levels = dict(state.image.features)
    changed: dict[str, int] = {}
    for update in request.feature_updates:
        name, level = update.feature, update.max_version_level
        try:
            _check(state, update, _upgrade_type(update, version), levels)
        except _Refused as refused:
            raise KafkaError(
                ErrorCode.INVALID_UPDATE_VERSION,
                "The update failed for all features since the following feature had an error: "
                f"{refused}",
            ) from refused
        if level != levels.get(name, 0):
            levels[name] = changed[name] = level
    kraft_version = changed.pop(KRAFT_VERSION, None)
    records = [] if request.validate_only else list(_records(state, changed))
    results = [
        # "NONE" is how Kafka's own answer names the error that there is not (up to v1).
        UpdatableFeatureResult(feature=name, error_message="NONE")
        for name in dict.fromkeys(update.feature for update in request.feature_updates)
    ]
    return Decision(
        records,
        UpdateFeaturesResponse(error_message=None, results=results),
        kraft_version=None if request.validate_only else kraft_version,
    )


class _Refused(Exception):
    """Why a level cannot be finalised."""

    def __init__(self, update: FeatureUpdateKey, reason: str) -> None:
        super().__init__(
            f"Invalid update version {update.max_version_level} for feature {update.feature}. "
            f"{reason}"
        )


class _MetadataDowngradeRefused(_Refused):
    def __init__(self, current: int, wanted: int, reason: str) -> None:
        Exception.__init__(
            self,
            f"Unsupported metadata.version downgrade from {current} to {wanted}. {reason}",
        )


class _VotersUnknown(_Refused):
    def __init__(self, wanted: int) -> None:
        Exception.__init__(
            self,
            f"Invalid upgrade of {KRAFT_VERSION} to KRAFT_VERSION_{wanted} because not all of the "
            "voters support it",
        )


def _upgrade_type(update: FeatureUpdateKey, version: int) -> int:
    if version == 0:
        return UpgradeType.SAFE_DOWNGRADE if update.allow_downgrade else UpgradeType.UPGRADE
    return update.upgrade_type


def _check(
    state: ControllerState, update: FeatureUpdateKey, upgrade_type: int, levels: dict[str, int]
) -> None:
    """Raises _Refused; `levels` are those with the updates before this one."""
    name, wanted = update.feature, update.max_version_level
    current = levels.get(name, 0)
    if upgrade_type not in list(UpgradeType):
        raise _Refused(update, "The controller does not support the given upgrade type.")
    if wanted < 0:
        raise _Refused(update, "A feature version cannot be less than 0.")
    if wanted == current and name in SUPPORTED:
        return
    reason = _not_supported(state, name, wanted)
    if reason is not None:
        raise _Refused(update, reason)
    if wanted < current and upgrade_type == UpgradeType.UPGRADE:
        raise _Refused(
            update,
            "Can't downgrade the version of this feature without setting the upgrade type to "
            "either safe or unsafe downgrade.",
        )
    if wanted > current and upgrade_type != UpgradeType.UPGRADE:
        raise _Refused(update, "Can't downgrade to a newer version.")
    if name == KRAFT_VERSION and wanted < current:
        raise _Refused(update, "Can't downgrade the version of this feature.")
    if name == KRAFT_VERSION and not state.can_raise_kraft_version(wanted):
        raise _VotersUnknown(wanted)
    if name == METADATA_VERSION and wanted < current:
        _check_metadata_downgrade(current, wanted, upgrade_type)
    if name == ELIGIBLE_LEADER_REPLICAS and wanted and levels[METADATA_VERSION] < FEATURE_4_0_IV1:
        raise _Refused(update, f"It needs {METADATA_VERSION} {FEATURE_4_0_IV1}.")


def _not_supported(state: ControllerState, name: str, level: int) -> str | None:
    """Why this level cannot be had: nobody knows it, or some node would not understand it."""
    if name not in SUPPORTED:
        if level == 0:
            return f"Feature {name} not found."
        return f"Local controller {state.settings.node_id} does not support this feature."
    lowest, highest = SUPPORTED[name][0], SERVED[name]
    if not lowest <= level <= highest:
        who = f"Local controller {state.settings.node_id}"
        return _range_text(who, lowest, highest)
    image = state.image
    nodes = [(f"Broker {b.broker_id}", b.features) for b in image.brokers.values()]
    nodes += [(f"Controller {c.controller_id}", c.features) for c in image.controllers.values()]
    for who, features in nodes:
        lowest, highest = features.get(name, (0, 0))
        if not lowest <= level <= highest:
            return _range_text(who, lowest, highest)
    return None


def _range_text(who: str, lowest: int, highest: int) -> str:
    if highest == 0:
        return f"{who} does not support this feature."
    return f"{who} only supports versions {lowest}-{highest}"


def _check_metadata_downgrade(current: int, wanted: int, upgrade_type: int) -> None:
    if not any(wanted < changed <= current for changed in RECORDS_CHANGED):
        return
    raise _MetadataDowngradeRefused(
        current,
        wanted,
        "Refusing to perform the requested downgrade because it might delete metadata information."
        if upgrade_type == UpgradeType.SAFE_DOWNGRADE
        else "Unsafe metadata downgrade is not supported in this version.",
    )


def _records(state: ControllerState, changed: dict[str, int]) -> Iterator[MetadataRecord]:
    for name, level in changed.items():
        if name == ELIGIBLE_LEADER_REPLICAS:
            yield from _one_minimum(state) if level else _eligible_into_isr(state)
        yield FeatureLevelRecord(name=name, feature_level=level)


def _one_minimum(state: ControllerState) -> Iterator[MetadataRecord]:
    """From here on every broker must go by the same min.insync.replicas (KIP-966)."""
    if MIN_INSYNC_REPLICAS not in state.image.cluster_configs:
        yield ConfigRecord(
            resource_type=BROKER_RESOURCE,
            resource_name="",
            name=MIN_INSYNC_REPLICAS,
            value=str(state.settings.min_insync_replicas),
        )
    for (kind, resource), configs in state.image.configs.items():
        if kind == BROKER_RESOURCE and resource and MIN_INSYNC_REPLICAS in configs:
            yield ConfigRecord(
                resource_type=kind, resource_name=resource, name=MIN_INSYNC_REPLICAS, value=None
            )


def _eligible_into_isr(state: ControllerState) -> Iterator[MetadataRecord]:
    """Without the feature nobody is elected but from the ISR, which then must not be empty."""
    for topic, index, partition in state.image.partitions():
        if partition.elr:
            yield PartitionChangeRecord(
                partition_id=index,
                topic_id=topic.topic_id,
                isr=None if partition.isr else partition.elr,
                eligible_leader_replicas=[],
            )
