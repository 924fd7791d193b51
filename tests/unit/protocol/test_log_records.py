"""Records of the metadata log and of the coordinators' topics with their heads."""

import pytest

from minikafka.protocol.coordinator_records import (
    GROUP,
    SHARE,
    TRANSACTION,
    encode_key,
    encode_value,
)
from minikafka.protocol.errors import MalformedMessage, ProtocolError, UnsupportedVersion
from minikafka.protocol.metadata_records import (
    METADATA,
    REMOTE_LOG,
    decode_record,
    encode_record,
    record_class,
)
from minikafka.protocol.records.group.offset_commit_key import OffsetCommitKey
from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue
from minikafka.protocol.records.metadata.feature_level_record import FeatureLevelRecord
from minikafka.protocol.records.metadata.no_op_record import NoOpRecord
from minikafka.protocol.records.transaction.transaction_log_key import TransactionLogKey

LEVEL = FeatureLevelRecord(name="metadata.version", feature_level=30)


def test_a_metadata_record_names_its_type_and_version() -> None:
    data = encode_record(LEVEL, 0)
    assert data[:3] == b"\x01\x0c\x00"
    assert decode_record(data) == (LEVEL, 0)
    assert encode_record(NoOpRecord(), 0) == b"\x01\x14\x00\x00"


def test_every_record_type_has_a_class() -> None:
    for record_type in {*range(29)} - {6, 13, 16}:  # numbers that Kafka gave up
        assert record_class(record_type).api_key == record_type
    assert [REMOTE_LOG.record_class(n).api_key for n in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "value",
    [b"", b"\x01", b"\x01\x0c", b"\x02\x0c\x00", b"\x01\x63\x00\x00", b"\x01\x0c\x05\x00"],
)
def test_bad_heads(value: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_record(value)


def test_bytes_behind_a_record_are_malformed() -> None:
    with pytest.raises(MalformedMessage, match="followed by 1 bytes"):
        decode_record(encode_record(LEVEL, 0) + b"\x00")


def test_the_same_number_means_other_things_in_other_logs() -> None:
    assert METADATA.record_class(0) is not REMOTE_LOG.record_class(0)
    assert TRANSACTION.key_class(0) is TransactionLogKey
    assert SHARE.key_class(0) is not TRANSACTION.key_class(0)


def test_a_committed_offset() -> None:
    key = OffsetCommitKey(group="g", topic="t", partition=3)
    value = OffsetCommitValue(offset=42, leader_epoch=1, metadata="m", commit_timestamp=9)
    assert encode_key(key)[:2] == b"\x00\x01"
    assert encode_value(value, 3)[:2] == b"\x00\x03"
    assert GROUP.decode_key(encode_key(key)) == key
    assert GROUP.decode_value(1, encode_value(value, 3)) == (value, 3)


def test_every_group_record_type_has_key_and_value() -> None:
    for record_type in GROUP.record_types:
        assert GROUP.key_class(record_type).api_key == record_type
        assert GROUP.value_class(record_type).api_key == record_type


def test_bad_coordinator_records() -> None:
    with pytest.raises(MalformedMessage):
        GROUP.decode_key(b"\x00")
    with pytest.raises(UnsupportedVersion, match="group record has type 99"):
        GROUP.decode_key(b"\x00\x63")
    with pytest.raises(UnsupportedVersion):
        GROUP.decode_value(1, b"\x00\x09" + bytes(40))
