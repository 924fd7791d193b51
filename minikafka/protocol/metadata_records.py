"""Values of the metadata log's records: uvarint 1, uvarint record type, uvarint version, body.

The leading 1 is the version of this frame (KIP-631). Control records of the log (leader change,
snapshot header, voters) have no such frame: their types lie in the batch records' keys.
The topic of tiered storage, `__remote_log_metadata`, frames its own four record types the same way.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from minikafka.protocol.codec import decoder, encode
from minikafka.protocol.errors import MalformedMessage, UnsupportedVersion
from minikafka.protocol.primitives import put_uvarint, uvarint
from minikafka.protocol.types import Buffer, Message

FRAME_VERSION: Final = 1


class RecordTypes:
    """The record types of one log: numbers and class names. Classes are imported on first use."""

    __slots__ = ("_classes", "_names", "_package")

    def __init__(self, package: str, names: dict[int, str]) -> None:
        self._package = package
        self._names = names
        self._classes: dict[int, type[Message]] = {}

    def record_class(self, record_type: int) -> type[Message]:
        """The class of a record type; UnsupportedVersion for an unknown one."""
        found = self._classes.get(record_type)
        if found is None:
            name = self._names.get(record_type)
            if name is None:
                raise UnsupportedVersion(f"no {self._package} record has type {record_type}")
            path = f"minikafka.protocol.records.{self._package}.{module_name(name)}"
            found = self._classes[record_type] = getattr(import_module(path), name)
        return found


def module_name(class_name: str) -> str:
    """`PartitionChangeRecord` lies in `partition_change_record`."""
    return "".join([f"_{c.lower()}" if c.isupper() else c for c in class_name]).lstrip("_")


METADATA: Final = RecordTypes(
    "metadata",
    {
        0: "RegisterBrokerRecord",
        1: "UnregisterBrokerRecord",
        2: "TopicRecord",
        3: "PartitionRecord",
        4: "ConfigRecord",
        5: "PartitionChangeRecord",
        7: "FenceBrokerRecord",
        8: "UnfenceBrokerRecord",
        9: "RemoveTopicRecord",
        10: "DelegationTokenRecord",
        11: "UserScramCredentialRecord",
        12: "FeatureLevelRecord",
        14: "ClientQuotaRecord",
        15: "ProducerIdsRecord",
        17: "BrokerRegistrationChangeRecord",
        18: "AccessControlEntryRecord",
        19: "RemoveAccessControlEntryRecord",
        20: "NoOpRecord",
        21: "ZkMigrationStateRecord",
        22: "RemoveUserScramCredentialRecord",
        23: "BeginTransactionRecord",
        24: "EndTransactionRecord",
        25: "AbortTransactionRecord",
        26: "RemoveDelegationTokenRecord",
        27: "RegisterControllerRecord",
        28: "ClearElrRecord",
    },
)

REMOTE_LOG: Final = RecordTypes(
    "storage",
    {
        0: "RemoteLogSegmentMetadataRecord",
        1: "RemoteLogSegmentMetadataUpdateRecord",
        2: "RemotePartitionDeleteMetadataRecord",
        3: "RemoteLogSegmentMetadataSnapshotRecord",
    },
)


def record_class(record_type: int) -> type[Message]:
    """The message class of a metadata record type."""
    return METADATA.record_class(record_type)


def encode_record(record: Message, version: int) -> bytes:
    """A metadata record with its frame."""
    frame = put_uvarint(FRAME_VERSION) + put_uvarint(record.api_key) + put_uvarint(version)
    return frame + encode(record, version)


def decode_record(value: Buffer, types: RecordTypes = METADATA) -> tuple[Message, int]:
    """The record in a batch record's value, and its version. Bytes left over are malformed."""
    try:
        frame, position = _read_uvarint(value, 0)
        record_type, position = _read_uvarint(value, position)
        version, position = _read_uvarint(value, position)
    except IndexError as error:
        raise MalformedMessage("a metadata record ends within its frame") from error
    if frame != FRAME_VERSION:
        raise UnsupportedVersion(f"metadata record with frame version {frame}")
    record, end = decoder(types.record_class(record_type), version)(value, position)
    if end != len(value):
        raise MalformedMessage(f"{type(record).__name__} is followed by {len(value) - end} bytes")
    return record, version


def _read_uvarint(buffer: Buffer, position: int) -> tuple[int, int]:
    return uvarint(buffer, position + 1, buffer[position])
