"""The usual Produce: one batch for one partition, outside of transactions.

Nearly every request of a producer that lingers little looks like this, and for small batches
decoding and encoding general messages is a third of its cost. So this shape is read in place: the
bytes that name the partition are looked up as they are, and the answer repeats them.

Whatever is not quite like this (several partitions, acks=0, a transactional id, an unknown topic, a
batch that is refused) is left, untouched, to `produce`, which then does everything from the start.

Measured (1 x 100 B over 50 connections): 19 -> 11 µs of user CPU for a request.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError
from uuid import UUID

from minikafka.api.context import Services
from minikafka.api.produce_waiting import PendingSingle
from minikafka.metadata.topic_names import INTERNAL_TOPICS
from minikafka.network.connection import Exchange
from minikafka.protocol.errors import KafkaError
from minikafka.protocol.types import ZERO_UUID
from minikafka.records.batch import TRANSACTIONAL_BIT
from minikafka.records.validation import check_shape, validate
from minikafka.replication.partition import Appended, Partition

_FIRST_FLEXIBLE = 9
_FIRST_WITH_TOPIC_IDS = 13
_ONE = 2  # a compact array of one element

# transactional id null, acks, timeout ms, one topic
_FLEXIBLE_HEAD = Struct(">bhiB")
_CLASSIC_HEAD = Struct(">hhii")
# one partition, its index
_FLEXIBLE_PARTITION = Struct(">Bi")
_CLASSIC_PARTITION = Struct(">iii")
_INT16 = Struct(">h")

_FLEXIBLE_ANSWER_HEAD = Struct(">iBB")
_CLASSIC_ANSWER_HEAD = Struct(">ii")
# one partition: index, error, base offset, append time, log start; no record errors, no message;
# tags of partition and topic; throttle time, tags
_FLEXIBLE_ANSWER = Struct(">BihqqqBBBBiB")
# version: one partition: index, error, base offset, append time [, log start [, record errors,
# message]], throttle time
_CLASSIC_ANSWERS = {
    3: Struct(">iihqqi"),
    4: Struct(">iihqqi"),
    5: Struct(">iihqqqi"),
    6: Struct(">iihqqqi"),
    7: Struct(">iihqqqi"),
    8: Struct(">iihqqqihi"),
}


Wanted = tuple[bytes, int, int, int, int, int]
"""The bytes that name topic and partition, partition index, acks, timeout, the batch's ends."""


def serve_single(
    services: Services,
    exchange: Exchange,
    frame: memoryview,
    position: int,
    version: int,
    correlation_id: int,
) -> bool:
    """Serve a request of the usual shape; False, and nothing has happened, when it is not one.

    `position` is where the body begins.
    """
    parse = _flexible if version >= _FIRST_FLEXIBLE else _classic
    try:
        wanted = parse(frame, position, version)
        if wanted is None:
            return False
        name, index, acks, timeout_ms, start, stop = wanted
        partition = _partition(services, name, index, version)
    except (IndexError, StructError, KafkaError, UnicodeDecodeError):
        return False
    try:
        appended = _append(services, partition, frame[start:stop], version, acks)
    except KafkaError:
        return False
    if appended is None:
        return False
    answer = _answer(name, index, appended, partition, version, correlation_id)
    if partition.is_acknowledged(appended.required_offset, acks):
        exchange.answer((answer,))
    else:
        PendingSingle(
            services, exchange, partition, appended, acks, version, correlation_id, answer
        ).park(timeout_ms)
    return True


def _flexible(frame: memoryview, position: int, version: int) -> Wanted | None:
    transactional_id, acks, timeout_ms, topic_count = _FLEXIBLE_HEAD.unpack_from(frame, position)
    if transactional_id or topic_count != _ONE or (acks != 1 and acks != -1):
        return None
    start = position + 8
    if version >= _FIRST_WITH_TOPIC_IDS:
        middle = start + 16
    else:
        length = frame[start]
        if length >= 0x80 or not length:
            return None
        middle = start + length
    partition_count, index = _FLEXIBLE_PARTITION.unpack_from(frame, middle)
    if partition_count != _ONE:
        return None
    at = middle + 5
    size = shift = 0
    while True:  # the records' length + 1, three bytes for most
        byte = frame[at]
        at += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    stop = at + size - 1
    if not size or stop + 3 != len(frame) or frame[stop] | frame[stop + 1] | frame[stop + 2]:
        return None
    return bytes(frame[start : middle + 5]), index, acks, timeout_ms, at, stop


def _classic(frame: memoryview, position: int, version: int) -> Wanted | None:
    transactional_id, acks, timeout_ms, topic_count = _CLASSIC_HEAD.unpack_from(frame, position)
    if transactional_id != -1 or topic_count != 1 or (acks != 1 and acks != -1):
        return None
    start = position + 12
    middle = start + 2 + _INT16.unpack_from(frame, start)[0]
    if middle < start + 2:
        return None
    partition_count, index, size = _CLASSIC_PARTITION.unpack_from(frame, middle)
    at = middle + 12
    if partition_count != 1 or size < 0 or at + size != len(frame):
        return None
    # A flexible name of the same bytes would begin with its own length: the first byte of a
    # classic one is 0, so the two never meet in one cache.
    return bytes(frame[start : middle + 8]), index, acks, timeout_ms, at, at + size


def _partition(services: Services, name: bytes, index: int, version: int) -> Partition:
    """The partition that the bytes of topic and index name. Raises KafkaError and
    UnicodeDecodeError."""
    by_id = version >= _FIRST_WITH_TOPIC_IDS
    names = services.wire_ids if by_id else services.wire_names
    partition = names.get(name)
    if partition is None:
        if by_id:
            partition = services.replicas.resolve("", UUID(bytes=name[:16]), index)
        else:
            topic = name[1:-5] if version >= _FIRST_FLEXIBLE else name[2:-8]
            partition = services.replicas.resolve(str(topic, "utf-8"), ZERO_UUID, index)
        names.put(name, partition)
    return partition


def _answer(
    name: bytes,
    index: int,
    appended: Appended,
    partition: Partition,
    version: int,
    correlation_id: int,
) -> bytes:
    base_offset, append_time, _ = appended
    log_start_offset = partition.log.log_start_offset
    if version >= _FIRST_FLEXIBLE:
        offsets = (base_offset, append_time, log_start_offset)
        return (
            _FLEXIBLE_ANSWER_HEAD.pack(correlation_id, 0, _ONE)
            + name[:-5]
            + _FLEXIBLE_ANSWER.pack(_ONE, index, 0, *offsets, 1, 0, 0, 0, 0, 0)
        )
    values = [1, index, 0, base_offset, append_time]
    if version >= 5:
        values.append(log_start_offset)
    if version >= 8:
        values += (0, -1)
    head = _CLASSIC_ANSWER_HEAD.pack(correlation_id, 1) + name[:-8]
    return head + _CLASSIC_ANSWERS[version].pack(*values, 0)


def _append(
    services: Services, partition: Partition, records: memoryview, version: int, acks: int
) -> Appended | None:
    """Append, or None (or `KafkaError`) when the general path must answer."""
    if not partition.is_leader or partition.topic in INTERNAL_TOPICS:
        return None
    wall_ms = services.wall_clock.now_ms()
    batch, header = validate(check_shape(records, version), partition.rules, wall_ms)
    if header.attributes & TRANSACTIONAL_BIT:
        return None
    try:
        appended = partition.append(batch, header, acks=acks, wall_ms=wall_ms)
    except OSError as error:
        # The batch may be half stamped: from here on `produce` only finds the partition offline.
        services.replicas.storage_failed(partition, error)
        return None
    if partition.watchers or partition.waiting_produces or partition.replica_watchers:
        services.purgatory.appended(partition)
    return appended
