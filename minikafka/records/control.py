"""Control records: what Kafka writes into a log for itself, in batches with the control bit.

Their key is (int16 version, int16 type). They take offsets, are never compressed, and applications
do not see them; a reader skips types that it does not know. Types 0 and 1 end a transaction in a
partition, 2–6 belong to KRaft (`LeaderChangeMessage` and others in
`minikafka.protocol.records.raft`, each encoded in version 0) and are bytes here.
"""

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from minikafka.protocol.types import Buffer
from minikafka.records.batch import NO_LEADER_EPOCH
from minikafka.records.builder import build_batch
from minikafka.records.errors import CorruptRecordError

_KEY = Struct(">hh")
_END_TRANSACTION = Struct(">hi")
_VERSION = 0


class ControlType(IntEnum):
    """The second field of a control record's key."""

    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


class EndTransactionMarker(NamedTuple):
    """How a transaction ended, and the epoch of the coordinator that says so."""

    committed: bool
    coordinator_epoch: int


def encode_control_key(control_type: int) -> bytes:
    """The key of a control record."""
    return _KEY.pack(_VERSION, control_type)


def decode_control_key(key: Buffer | None) -> int:
    """The type in a control record's key, of whatever version; it may be none of `ControlType`.

    Raises CorruptRecordError.
    """
    if key is None or len(key) < _KEY.size:
        raise CorruptRecordError("control record without a type in its key")
    control_type: int = _KEY.unpack_from(key)[1]
    return control_type


def decode_end_transaction(key: Buffer | None, value: Buffer | None) -> EndTransactionMarker | None:
    """The marker in a control record; None when the record is of another type.

    Raises CorruptRecordError.
    """
    control_type = decode_control_key(key)
    if control_type not in (ControlType.ABORT, ControlType.COMMIT):
        return None
    if value is None or len(value) < _END_TRANSACTION.size:
        raise CorruptRecordError("end of transaction without a coordinator epoch")
    _, coordinator_epoch = _END_TRANSACTION.unpack_from(value)
    return EndTransactionMarker(control_type == ControlType.COMMIT, coordinator_epoch)


def end_transaction_batch(
    marker: EndTransactionMarker,
    *,
    producer_id: int,
    producer_epoch: int,
    timestamp_ms: int,
    base_offset: int = 0,
    leader_epoch: int = NO_LEADER_EPOCH,
) -> bytes:
    """The batch that ends a producer's transaction in a partition; it has no sequence."""
    control_type = ControlType.COMMIT if marker.committed else ControlType.ABORT
    value = _END_TRANSACTION.pack(_VERSION, marker.coordinator_epoch)
    return build_batch(
        [(timestamp_ms, encode_control_key(control_type), value, ())],
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        transactional=True,
        control=True,
    )


def control_batch(
    records: Iterable[tuple[int, bytes]],
    *,
    timestamp_ms: int,
    base_offset: int = 0,
    leader_epoch: int = NO_LEADER_EPOCH,
) -> bytes:
    """A batch of KRaft's control records, given as (type, encoded value)."""
    return build_batch(
        [(timestamp_ms, encode_control_key(kind), value, ()) for kind, value in records],
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        control=True,
    )
