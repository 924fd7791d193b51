"""Records of the coordinators' topics: the key says what a record is about, the value what is true.

Key: int16 record type, body in version 0. Value: int16 version, body; no value (a tombstone) means
that the thing is gone. The types of each topic count for themselves, hence one `Schemas` per topic.
"""

from __future__ import annotations

from importlib import import_module
from struct import Struct as Layout
from struct import error as LayoutError
from typing import Final

from minikafka.protocol.codec import decoder, encode
from minikafka.protocol.errors import MalformedMessage, UnsupportedVersion
from minikafka.protocol.metadata_records import module_name
from minikafka.protocol.types import Buffer, Message

_int16 = Layout(">h")


class Schemas:
    """The record types of one coordinator's topic. Message classes are imported on first use."""

    __slots__ = ("_classes", "_names", "package")

    def __init__(self, package: str, names: dict[int, str]) -> None:
        self.package = package
        self._names = names
        self._classes: dict[str, type[Message]] = {}

    @property
    def record_types(self) -> tuple[int, ...]:
        """All record types of the topic."""
        return tuple(self._names)

    def key_class(self, record_type: int) -> type[Message]:
        """The class of a record type's keys; UnsupportedVersion for an unknown type."""
        return self._class(record_type, "Key")

    def value_class(self, record_type: int) -> type[Message]:
        """The class of a record type's values; UnsupportedVersion for an unknown type."""
        return self._class(record_type, "Value")

    def decode_key(self, buffer: Buffer) -> Message:
        """A record's key; its class's `api_key` is the record type."""
        record_type = _read_int16(buffer)
        key, _ = decoder(self.key_class(record_type), 0)(buffer, 2)
        return key

    def decode_value(self, record_type: int, buffer: Buffer) -> tuple[Message, int]:
        """A record's value, and its version."""
        version = _read_int16(buffer)
        value, _ = decoder(self.value_class(record_type), version)(buffer, 2)
        return value, version

    def _class(self, record_type: int, part: str) -> type[Message]:
        stem = self._names.get(record_type)
        if stem is None:
            raise UnsupportedVersion(f"no {self.package} record has type {record_type}")
        name = stem + part
        found = self._classes.get(name)
        if found is None:
            path = f"minikafka.protocol.records.{self.package}.{module_name(name)}"
            found = self._classes[name] = getattr(import_module(path), name)
        return found


def encode_key(key: Message) -> bytes:
    """A coordinator record's key with its record type."""
    return _int16.pack(key.api_key) + encode(key, 0)


def encode_value(value: Message, version: int) -> bytes:
    """A coordinator record's value with its version."""
    return _int16.pack(version) + encode(value, version)


def _read_int16(buffer: Buffer) -> int:
    try:
        number: int = _int16.unpack_from(buffer)[0]
    except LayoutError as error:
        raise MalformedMessage("a coordinator record of less than two bytes") from error
    return number


# `__consumer_offsets`: offsets and classic groups, then KIP-848, KIP-932 and KIP-1071 groups
GROUP: Final = Schemas(
    "group",
    {
        0: "LegacyOffsetCommit",
        1: "OffsetCommit",
        2: "GroupMetadata",
        3: "ConsumerGroupMetadata",
        4: "ConsumerGroupPartitionMetadata",
        5: "ConsumerGroupMemberMetadata",
        6: "ConsumerGroupTargetAssignmentMetadata",
        7: "ConsumerGroupTargetAssignmentMember",
        8: "ConsumerGroupCurrentMemberAssignment",
        10: "ShareGroupMemberMetadata",
        11: "ShareGroupMetadata",
        12: "ShareGroupTargetAssignmentMetadata",
        13: "ShareGroupTargetAssignmentMember",
        14: "ShareGroupCurrentMemberAssignment",
        15: "ShareGroupStatePartitionMetadata",
        16: "ConsumerGroupRegularExpression",
        17: "StreamsGroupMetadata",
        19: "StreamsGroupMemberMetadata",
        20: "StreamsGroupTargetAssignmentMetadata",
        21: "StreamsGroupTargetAssignmentMember",
        22: "StreamsGroupCurrentMemberAssignment",
        23: "StreamsGroupTopology",
    },
)

# `__transaction_state`
TRANSACTION: Final = Schemas("transaction", {0: "TransactionLog"})

# `__share_group_state`
SHARE: Final = Schemas("share", {0: "ShareSnapshot", 1: "ShareUpdate"})
