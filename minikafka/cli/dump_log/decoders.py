"""What is in the records of Kafka's own topics, as the JSON that Kafka's tool prints.

A decoder takes a record and returns (key, payload), each a JSON value, `DELETED` for a tombstone,
a plain sentence for what is unknown, or None for nothing to show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from minikafka.protocol.codec import decode
from minikafka.protocol.coordinator_records import GROUP, SHARE, TRANSACTION, Schemas
from minikafka.protocol.errors import ProtocolError, UnsupportedVersion
from minikafka.protocol.json_form import to_json
from minikafka.protocol.messages.consumer_protocol_assignment import ConsumerProtocolAssignment
from minikafka.protocol.messages.consumer_protocol_subscription import (
    ConsumerProtocolSubscription,
)
from minikafka.protocol.metadata_records import decode_record, module_name
from minikafka.protocol.records.group.group_metadata_value import GroupMetadataValue
from minikafka.protocol.types import Message
from minikafka.records.record import Record

Shown = dict[str, Any] | str | None
Decoder = Callable[[Record], tuple[Shown, Shown]]

DELETED: Final = "<DELETE>"
_CONSUMER_PROTOCOL: Final = "consumer"


def decoder_named(name: str) -> Decoder:
    """By the name of its option."""
    return _DECODERS[name]


def _coordinator(schemas: Schemas) -> Decoder:
    """For topics whose keys begin with a record type and whose values with a version."""

    def decode_entry(record: Record) -> tuple[Shown, Shown]:
        if record.key is None:
            raise ProtocolError(f"the record at offset {record.offset} has no key")
        try:
            key = schemas.decode_key(record.key)
        except UnsupportedVersion:
            number = int.from_bytes(record.key[:2], "big")
            return f"Unknown record type {number} at offset {record.offset}, skipping.", None
        shown: Shown = {"type": str(key.api_key), "data": to_json(key, 0)}
        if record.value is None:
            return shown, DELETED
        value, version = schemas.decode_value(key.api_key, record.value)
        return shown, {"version": str(version), "data": _value_json(value, version)}

    return decode_entry


def _value_json(value: Message, version: int) -> dict[str, Any]:
    data = to_json(value, version)
    if isinstance(value, GroupMetadataValue) and value.protocol_type == _CONSUMER_PROTOCOL:
        for member, shown in zip(value.members, data["members"], strict=True):
            shown["subscription"] = _embedded(ConsumerProtocolSubscription, member.subscription)
            shown["assignment"] = _embedded(ConsumerProtocolAssignment, member.assignment)
    return data


def _embedded(cls: type[Message], data: bytes) -> Any:
    """A message behind its int16 version, as members of classic groups exchange them."""
    if not data:
        return None
    version = min(int.from_bytes(data[:2], "big", signed=True), cls.versions[1])
    return to_json(decode(cls, version, data, 2)[0], version)


def _metadata(record: Record) -> tuple[Shown, Shown]:
    if record.value is None:
        raise ProtocolError(f"the record at offset {record.offset} has no value")
    message, version = decode_record(record.value)
    name = module_name(type(message).__name__).upper()
    return None, {"type": name, "version": version, "data": to_json(message, version)}


_DECODERS: Final[dict[str, Decoder]] = {
    "offsets": _coordinator(GROUP),
    "transaction-log": _coordinator(TRANSACTION),
    "share-group-state": _coordinator(SHARE),
    "cluster-metadata": _metadata,
}
