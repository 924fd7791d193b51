"""Values of the metadata log's records: uvarint 1, uvarint record type, uvarint version, body.

The leading 1 is the version of this frame (KIP-631). Control records of the log (leader change,
snapshot header, voters) have no such frame: their types lie in the batch records' keys.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from minikafka.protocol.codec import decoder, encode
from minikafka.protocol.errors import MalformedMessage, UnsupportedVersion
from minikafka.protocol.primitives import put_uvarint, uvarint
from minikafka.protocol.types import Buffer, Message

FRAME_VERSION: Final = 1

_SCHEMAS: Final = {
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
}

_classes: dict[int, type[Message]] = {}


def record_class(record_type: int) -> type[Message]:
    """The message class of a metadata record type; imports its module on first use."""
    found = _classes.get(record_type)
    if found is None:
        name = _SCHEMAS.get(record_type)
        if name is None:
            raise UnsupportedVersion(f"no metadata record has type {record_type}")
        module = import_module(f"minikafka.protocol.records.metadata.{module_name(name)}")
        found = _classes[record_type] = getattr(module, name)
    return found


def module_name(class_name: str) -> str:
    """`PartitionChangeRecord` lies in `partition_change_record`."""
    return "".join([f"_{c.lower()}" if c.isupper() else c for c in class_name]).lstrip("_")


def encode_record(record: Message, version: int) -> bytes:
    """A metadata record with its frame."""
    frame = put_uvarint(FRAME_VERSION) + put_uvarint(record.api_key) + put_uvarint(version)
    return frame + encode(record, version)


def decode_record(value: Buffer) -> tuple[Message, int]:
    """The record in a batch record's value, and its version. Bytes left over are malformed."""
    try:
        frame, position = _read_uvarint(value, 0)
        record_type, position = _read_uvarint(value, position)
        version, position = _read_uvarint(value, position)
    except IndexError as error:
        raise MalformedMessage("a metadata record ends within its frame") from error
    if frame != FRAME_VERSION:
        raise UnsupportedVersion(f"metadata record with frame version {frame}")
    record, end = decoder(record_class(record_type), version)(value, position)
    if end != len(value):
        raise MalformedMessage(f"{type(record).__name__} is followed by {len(value) - end} bytes")
    return record, version


def _read_uvarint(buffer: Buffer, position: int) -> tuple[int, int]:
    return uvarint(buffer, position + 1, buffer[position])
