"""Control records: Kafka's own bytes for them."""

import pytest
from unit.records.raw import WALL_MS

from minikafka.records.batch import has_valid_crc, read_header
from minikafka.records.control import (
    ControlType,
    EndTransactionMarker,
    control_batch,
    decode_control_key,
    decode_end_transaction,
    encode_control_key,
    end_transaction_batch,
)
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import decode_records


@pytest.mark.parametrize(("committed", "key"), [(True, "00000001"), (False, "00000000")])
def test_the_end_of_a_transaction(committed: bool, key: str) -> None:
    marker = EndTransactionMarker(committed, coordinator_epoch=5)
    written = end_transaction_batch(
        marker,
        producer_id=10,
        producer_epoch=3,
        timestamp_ms=WALL_MS,
        base_offset=7,
        leader_epoch=2,
    )
    header = read_header(written)
    assert has_valid_crc(written)
    assert len(written) == 78
    assert header.attributes == 0x30
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (10, 3, -1)
    assert (header.base_offset, header.partition_leader_epoch) == (7, 2)
    (only,) = decode_records(written)
    assert (only.offset, only.timestamp, only.headers) == (7, WALL_MS, ())
    assert only.key == bytes.fromhex(key)
    assert only.value == bytes.fromhex("000000000005")
    assert decode_end_transaction(only.key, only.value) == marker


def test_control_records_of_the_quorum() -> None:
    written = control_batch(
        [(ControlType.LEADER_CHANGE, b"leader"), (ControlType.KRAFT_VERSION, b"version")],
        timestamp_ms=WALL_MS,
        base_offset=3,
        leader_epoch=9,
    )
    header = read_header(written)
    assert (header.attributes, header.producer_id) == (0x20, -1)
    assert (header.base_offset, header.partition_leader_epoch) == (3, 9)
    assert [each[2:4] for each in decode_records(written)] == [
        (b"\x00\x00\x00\x02", b"leader"),
        (b"\x00\x00\x00\x05", b"version"),
    ]


@pytest.mark.parametrize("control_type", [*ControlType, 77])
def test_keys(control_type: int) -> None:
    assert decode_control_key(encode_control_key(control_type)) == control_type
    assert decode_control_key(b"\x00\x09\x00\x03and more") == ControlType.SNAPSHOT_HEADER


@pytest.mark.parametrize("control_type", [*list(ControlType)[2:], 77])
def test_other_types_end_no_transaction(control_type: int) -> None:
    assert decode_end_transaction(encode_control_key(control_type), b"") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [(None, bytes(6)), (b"\x00\x00\x00", bytes(6)), (bytes(4), None), (bytes(4), bytes(5))],
)
def test_broken(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(CorruptRecordError):
        decode_end_transaction(key, value)
