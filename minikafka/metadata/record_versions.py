"""In which version a record is written.

A cluster that Kafka formatted may run at an older metadata.version, so that its other nodes can
read every record. Record types that are not here have had version 0 only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from minikafka.metadata import replay

if TYPE_CHECKING:
    from minikafka.protocol.records.metadata.broker_registration_change_record import (
        BrokerRegistrationChangeRecord,
    )
    from minikafka.protocol.types import Message

# Levels of metadata.version at which something in the records changed.
FEATURE_3_4_IV0: Final = 8
FEATURE_3_6_IV1: Final = 13
"""Metadata transactions (KIP-868)."""
FEATURE_3_7_IV0: Final = 15
"""RegisterControllerRecord (KIP-919)."""
FEATURE_3_7_IV2: Final = 17
"""Directories of replicas (KIP-858)."""
FEATURE_4_0_IV1: Final = 23
"""Eligible leader replicas (KIP-966)."""
FEATURE_4_3_IV0: Final = 30
"""Cordoned log directories (KIP-1066)."""

_VERSIONS: Final[dict[int, tuple[tuple[int, int], ...]]] = {
    # record type: (from this metadata.version on, record version), newest first
    replay.REGISTER_BROKER: (
        (FEATURE_4_3_IV0, 4),
        (FEATURE_3_7_IV2, 3),
        (FEATURE_3_4_IV0, 2),
        (0, 1),
    ),
    replay.PARTITION: ((FEATURE_4_0_IV1, 2), (FEATURE_3_7_IV2, 1), (0, 0)),
    replay.PARTITION_CHANGE: ((FEATURE_4_0_IV1, 2), (FEATURE_3_7_IV2, 1), (0, 0)),
}


def record_version(record: Message, metadata_version: int) -> int:
    """The version in which `record` is written at this finalised metadata.version."""
    if record.api_key == replay.BROKER_REGISTRATION_CHANGE:
        return _change_version(cast("BrokerRegistrationChangeRecord", record))
    for since, version in _VERSIONS.get(record.api_key, ()):
        if metadata_version >= since:
            return version
    return 0


def _change_version(change: BrokerRegistrationChangeRecord) -> int:
    """The first version that can say it, at any metadata.version: so Kafka's controller writes."""
    if change.cordoned_log_dirs is not None:
        return 3
    return 2 if change.log_dirs else int(change.in_controlled_shutdown != 0)


def has_directories(metadata_version: int) -> bool:
    """Whether replicas have log directories in the records (KIP-858)."""
    return metadata_version >= FEATURE_3_7_IV2
