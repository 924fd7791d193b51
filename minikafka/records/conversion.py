"""Rebuilds a produced batch in the codec that its topic demands.

Kafka writes such a batch anew: offset deltas count up from 0 whatever the producer sent, the first
record's timestamp is the base, the unknown bits of the attributes are gone.
Producer id, epoch and sequence stay, so a retry is still recognised.
"""

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.types import Buffer
from minikafka.records.batch import (
    HEADER,
    HEADER_BYTES,
    LOG_APPEND_TIME,
    LOG_OVERHEAD_BYTES,
    MAGIC,
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    NO_TIMESTAMP,
    TIMESTAMP_TYPE_BIT,
    TRANSACTIONAL_BIT,
    BatchHeader,
    rewrite_crc,
)
from minikafka.records.boundaries import offsets_in_order, read_record
from minikafka.records.compression import Codec, compress
from minikafka.records.errors import InvalidRecordsError
from minikafka.records.rules import ProduceRules
from minikafka.records.varint import int64, read_varint, read_varlong, varint


def convert(
    data: Buffer, header: BatchHeader, rules: ProduceRules, smallest: int, max_timestamp: int
) -> memoryview:
    """A new batch of the records in `data`, a sound uncompressed body, in the topic's codec.

    No record is older than `smallest`; `max_timestamp` goes into the header. Raises
    InvalidRecordsError (-1) where Kafka's builder refuses what its validation let pass,
    MissingExtraError.
    """
    codec = rules.codec
    assert codec is not None, "a topic that keeps the producer's codec converts nothing"
    _check_producer(header)
    body, base_timestamp = _records(data, header, smallest)
    if codec != Codec.NONE:
        level = {
            Codec.GZIP: rules.gzip_level,
            Codec.LZ4: rules.lz4_level,
            Codec.ZSTD: rules.zstd_level,
        }.get(codec)
        body = compress(codec, body, level)
    attributes = codec | header.attributes & TRANSACTIONAL_BIT
    if rules.timestamp_type == LOG_APPEND_TIME:
        attributes |= TIMESTAMP_TYPE_BIT
    batch = bytearray(HEADER_BYTES + len(body))
    HEADER.pack_into(
        batch,
        0,
        0,
        len(batch) - LOG_OVERHEAD_BYTES,
        header.partition_leader_epoch,
        MAGIC,
        0,
        attributes,
        header.record_count - 1,
        base_timestamp,
        max_timestamp,
        header.producer_id,
        header.producer_epoch,
        header.base_sequence,
        header.record_count,
    )
    batch[HEADER_BYTES:] = body
    rewrite_crc(batch)
    return memoryview(batch)


def _check_producer(header: BatchHeader) -> None:
    """What Kafka accepts as long as it need not write it itself."""
    if header.producer_id == NO_PRODUCER_ID:
        refused = header.is_transactional
    else:
        refused = header.producer_epoch == NO_PRODUCER_EPOCH or header.base_sequence < 0
    if refused:
        raise InvalidRecordsError(ErrorCode.UNKNOWN_SERVER_ERROR)


def _records(data: Buffer, header: BatchHeader, smallest: int) -> tuple[Buffer, int]:
    """(the records with offset deltas from 0 on, the base timestamp their deltas refer to)."""
    if (
        smallest >= 0
        and header.timestamp_type != LOG_APPEND_TIME
        and offsets_in_order(data, header.record_count)
        and read_record(data, 0).timestamp_delta == 0
    ):
        return data, header.base_timestamp  # nearly every producer writes them so
    return _renumbered(data, header)


def _renumbered(data: Buffer, header: BatchHeader) -> tuple[bytes, int]:
    sent_base = header.base_timestamp
    fixed = header.max_timestamp if header.timestamp_type == LOG_APPEND_TIME else None
    base = None
    out = bytearray()
    at = 0
    for index in range(header.record_count):
        length, at = read_varint(data, at)
        stop = at + length
        delta, at = read_varlong(data, at + 1)
        _, at = read_varint(data, at)
        timestamp = int64(sent_base + delta) if fixed is None else fixed
        if timestamp < 0 and timestamp != NO_TIMESTAMP:
            raise InvalidRecordsError(ErrorCode.UNKNOWN_SERVER_ERROR)
        if base is None:
            base = timestamp
        head = b"\x00" + varint(timestamp - base) + varint(index)
        out += varint(len(head) + stop - at)
        out += head
        out += data[at:stop]
        at = stop
    assert base is not None, "a batch has at least one record"
    return bytes(out), base
