"""From decisions into the log: records as batches that the topic allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.protocol.coordinator_records import encode_key, encode_value
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import read_header
from minikafka.records.builder import build_batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from minikafka.coordinators.decision import Record
    from minikafka.coordinators.runtime.hosting import Replica
    from minikafka.records.builder import RecordFields

_BATCH_OVERHEAD_BYTES = 128
_RECORD_OVERHEAD_BYTES = 32  # more than varints and timestamp of one record take
_ALL = -1


def append(replica: Replica, records: Sequence[Record], wall_ms: int, codec: int) -> None:
    """Append as the leader, to be answered when the high watermark has passed.

    Large decisions (the tombstones of a thousand offsets) go into several batches. Raises
    KafkaError: 10 one record alone is too large, 19; OSError.
    """
    limit = replica.rules.max_message_bytes
    for chosen in _in_batches(records, wall_ms, limit):
        # Kafka numbers the records of these batches although no producer id is in them.
        batch = memoryview(bytearray(build_batch(chosen, codec=codec, base_sequence=0)))
        if len(batch) > limit:
            raise KafkaError(ErrorCode.MESSAGE_TOO_LARGE)
        replica.append(batch, read_header(batch), acks=_ALL, wall_ms=wall_ms)


def _in_batches(
    records: Sequence[Record], wall_ms: int, limit: int
) -> Iterator[list[RecordFields]]:
    chosen: list[RecordFields] = []
    size = _BATCH_OVERHEAD_BYTES
    for record in records:
        key = encode_key(record.key)
        value = None if record.value is None else encode_value(record.value, record.version)
        added = len(key) + len(value or b"") + _RECORD_OVERHEAD_BYTES
        if chosen and size + added > limit:
            yield chosen
            chosen, size = [], _BATCH_OVERHEAD_BYTES
        chosen.append((wall_ms, key, value, ()))
        size += added
    if chosen:
        yield chosen
