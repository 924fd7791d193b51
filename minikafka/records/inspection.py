"""Looks at the records of a produced batch one by one, to say what is wrong with which of them.

`validation` comes here only when the walk over the boundaries has shown that something may be
wrong: a timestamp outside of the topic's window, or a null key where the topic is compacted. The
texts are Kafka's own: clients show them to users.
"""

from collections.abc import Iterable, Iterator

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.types import Buffer
from minikafka.records.batch import CREATE_TIME, LOG_APPEND_TIME, NO_TIMESTAMP, BatchHeader
from minikafka.records.boundaries import RecordParts, read_record
from minikafka.records.errors import InvalidRecordsError
from minikafka.records.rules import ProduceRules
from minikafka.records.varint import (
    MalformedRecordError,
    int64,
    read_varint,
    read_varlong,
    skip_headers,
)

_SHOWN_ERRORS = 3
_MOST_RECORD_ERRORS = 10_000
"""Kafka lists all; a compressed batch of a few kilobytes can hold millions."""


def strict_records(data: Buffer, count: int) -> Iterator[RecordParts]:
    """The records of a body that `boundaries.walk` has found sound."""
    start = 0
    for _ in range(count):
        parts = read_record(data, start)
        yield parts
        start = parts.stop


def lenient_records(data: Buffer, count: int) -> Iterator[RecordParts]:
    """The records of decompressed data as Kafka skims them, which does not look at their lengths.

    Raises MalformedRecordError when their fields run out of the data or leave some of it over.
    """
    at = 0
    try:
        for _ in range(count):
            _, at = read_varint(data, at)
            timestamp_delta, at = read_varlong(data, at + 1)
            offset_delta, key_at = read_varint(data, at)
            key_length, at = read_varint(data, key_at)
            value_at = at + max(key_length, 0)
            value_length, at = read_varint(data, value_at)
            headers_at = at + max(value_length, 0)
            at = skip_headers(data, headers_at)
            yield RecordParts(
                at,
                timestamp_delta,
                offset_delta,
                key_at,
                key_length,
                value_at,
                value_length,
                headers_at,
            )
    except IndexError:
        raise MalformedRecordError("batch ends within a record") from None
    if at != len(data):
        raise MalformedRecordError("bytes left over after the last record")


def inspect(
    records: Iterable[RecordParts],
    header: BatchHeader,
    rules: ProduceRules,
    wall_ms: int,
    *,
    topic_partition: str,
    skimmed: bool,
) -> tuple[int, bool]:
    """(largest timestamp, whether the offset deltas count up from 0).

    `topic_partition` ("orders-0") and `skimmed` (Kafka would not read keys and values here) only
    appear in texts. Raises InvalidRecordsError with an error for each record that is refused.
    """
    errors: list[tuple[int, str | None]] = []
    found = 0
    code = ErrorCode.INVALID_RECORD
    largest = NO_TIMESTAMP
    in_order = True
    sent_type = header.timestamp_type
    for index, parts in enumerate(records):
        if sent_type == LOG_APPEND_TIME:
            timestamp = header.max_timestamp
        else:
            timestamp = int64(header.base_timestamp + parts.timestamp_delta)
        largest = max(largest, timestamp)
        in_order &= parts.offset_delta == index
        if rules.compacted and parts.key_length < 0:
            text = _key_text(topic_partition)
        elif rules.timestamp_type == CREATE_TIME and timestamp != NO_TIMESTAMP:
            if not out_of_window(timestamp, rules, wall_ms):
                continue
            code = ErrorCode.INVALID_TIMESTAMP
            text = _window_text(timestamp, parts.offset_delta, rules, wall_ms)
        elif sent_type == LOG_APPEND_TIME:
            code = ErrorCode.INVALID_TIMESTAMP
            text = _type_text(timestamp, parts, skimmed)
        else:
            continue
        found += 1
        if found <= _MOST_RECORD_ERRORS:
            errors.append((index, text))
    if errors:
        raise _refusal(code, errors, found)
    return largest, in_order


def out_of_window(timestamp: int, rules: ProduceRules, wall_ms: int) -> bool:
    """Whether a timestamp lies too far in the past or the future, in Java's long arithmetic."""
    age = int64(wall_ms - timestamp)
    return age > rules.before_max_ms or int64(-age) > rules.after_max_ms


def header_refusal(header: BatchHeader, rules: ProduceRules, wall_ms: int) -> InvalidRecordsError:
    """The error of a batch that cannot be opened and whose header's timestamps do not fit."""
    text = _window_text(header.max_timestamp, 0, rules, wall_ms)
    return _refusal(ErrorCode.INVALID_TIMESTAMP, [(0, text)], 1)


def _refusal(
    code: ErrorCode, errors: list[tuple[int, str | None]], found: int
) -> InvalidRecordsError:
    """The error of a batch of which `found` records are refused."""
    if code == ErrorCode.INVALID_TIMESTAMP:
        summary = "One or more records have been rejected due to invalid timestamp"
    else:
        shown = ", ".join(
            f"RecordError(batchIndex={index}, message='{text}')"
            for index, text in errors[:_SHOWN_ERRORS]
        )
        summary = (
            f"One or more records have been rejected due to {found} record errors in total, "
            f"and only showing the first three errors at most: [{shown}]"
        )
    return InvalidRecordsError(code, summary, record_errors=errors)


def _key_text(topic_partition: str) -> str:
    return f"Compacted topic cannot accept message without key in topic partition {topic_partition}"


def _window_text(timestamp: int, offset_delta: int, rules: ProduceRules, wall_ms: int) -> str:
    earliest, latest = int64(wall_ms - rules.before_max_ms), int64(wall_ms + rules.after_max_ms)
    return (
        f"Timestamp {timestamp} of message with offset {offset_delta} is out of range. "
        f"The timestamp should be within [{earliest}, {latest}]"
    )


def _type_text(timestamp: int, parts: RecordParts, skimmed: bool) -> str:
    kind = "PartialDefaultRecord" if skimmed else "DefaultRecord"
    return (
        f"Invalid timestamp type in message {kind}(offset={parts.offset_delta}, "
        f"timestamp={timestamp}, key={max(parts.key_length, 0)} bytes, "
        f"value={max(parts.value_length, 0)} bytes). "
        "Producer should not set timestamp type to LogAppendTime."
    )
