"""Produce (key 0, v3-13): batches go to the log as the bytes they came in.

v5 log start offset · v8 record errors and a message · v9 flexible · v10 leader hints (KIP-951) ·
v12 the client speaks transactions v2 · v13 topic ids. Advertised from 0 for old librdkafka, but
below 3 the connection is closed, as Kafka does.

The order of the checks is Kafka's: the request (transactional id); each partition before its log
(known, shape of the batch, acks, leader); then the batch itself, then sequence and epoch. Only
bytes that cannot be a batch of any format fail their partition here and the whole request there.
acks=0 is never answered; an error in it closes the connection, so that the client notices.
"""

from __future__ import annotations

from typing import cast
from uuid import UUID

from minikafka.api.context import RequestContext
from minikafka.api.dispatch import handles
from minikafka.api.produce_single import serve_single
from minikafka.api.produce_waiting import VERSION_OF_HINTS, PendingProduce, Wait, tell_leaders
from minikafka.metadata.topic_image import TopicImage
from minikafka.metadata.topic_names import INTERNAL_TOPICS
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from minikafka.records.batch import MAGIC, TRANSACTIONAL_BIT
from minikafka.records.validation import InvalidRecordsError, check_shape, validate
from minikafka.replication.partition import Appended, Partition

ADMIN_CLIENT = "__admin_client"  # The one client id that may write to internal topics.
_VERSION_OF_TOPIC_IDS = 13
_MAGIC_OFFSET = 16
_ATTRIBUTES_OFFSET = 22  # low byte of the batch's attributes


def refuse_produce(
    context: RequestContext, request: ProduceRequest, error: KafkaError
) -> ProduceResponse | None:
    """A refused request names every partition with the error; with acks=0 the connection goes."""
    if request.acks == 0:
        context.exchange.close(f"produce with acks=0 failed: {error}")
        return None
    return ProduceResponse(
        responses=[
            TopicProduceResponse(
                name=name,
                topic_id=topic_id,
                partition_responses=[_failure(index, error) for index in batches],
            )
            for (name, topic_id), batches in _batches_by_topic(request).items()
        ]
    )


@handles(ApiKey.PRODUCE, refusal=refuse_produce, shortcut=serve_single)
def produce(context: RequestContext, request: ProduceRequest) -> ProduceResponse | None:
    """Append every partition's batch; answer now, or when that is replicated and flushed."""
    acks = request.acks
    if request.transactional_id is None and _has_transactional_batch(request):
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    wall_ms = context.services.wall_clock.now_ms()
    response = ProduceResponse(responses=[])
    waits: list[Wait] = []
    failures: list[tuple[PartitionProduceResponse, TopicImage | None, KafkaError]] = []
    for (name, topic_id), batches in _batches_by_topic(request).items():
        topic = _topic_image(context, name, topic_id)
        answers = []
        for index, records in batches.items():
            log_start_offset = -1
            try:
                partition, batch = _admit(context, topic, index, records, acks)
                log_start_offset = partition.log.log_start_offset
                appended = _append(context, partition, batch, acks, wall_ms)
            except KafkaError as error:
                failure = _failure(index, error, log_start_offset)
                failures.append((failure, topic, error))
                answers.append(failure)
                continue
            done = PartitionProduceResponse(
                index=index,
                base_offset=appended.base_offset,
                log_append_time_ms=appended.log_append_time,
                log_start_offset=partition.log.log_start_offset,
            )
            answers.append(done)
            if not partition.is_acknowledged(appended.required_offset, acks):
                waits.append((partition, appended.required_offset, done))
        response.responses.append(
            TopicProduceResponse(name=name, topic_id=topic_id, partition_responses=answers)
        )
    if acks == 0:
        if failures:
            return refuse_produce(context, request, failures[0][2])
        context.exchange.no_answer()
        return None
    if failures and context.version >= VERSION_OF_HINTS:
        tell_leaders(context, response, failures)
    if waits:
        PendingProduce(context, response, waits, acks).park(request.timeout_ms)
        return None
    return response


def _batches_by_topic(
    request: ProduceRequest,
) -> dict[tuple[str, UUID], dict[int, memoryview | None]]:
    """Topic -> partition index -> batch; of several for one partition the last counts."""
    topics: dict[tuple[str, UUID], dict[int, memoryview | None]] = {}
    for topic in request.topic_data:
        for data in topic.partition_data:
            batches = topics.setdefault((topic.name, topic.topic_id), {})
            batches[data.index] = cast("memoryview | None", data.records)
    return topics


def _topic_image(context: RequestContext, name: str, topic_id: UUID) -> TopicImage | None:
    """The topic that a request of this version names, if there is one."""
    image = context.services.image
    if context.version >= _VERSION_OF_TOPIC_IDS:
        return image.topics_by_id.get(topic_id)
    return image.topics.get(name)


def _admit(
    context: RequestContext,
    topic: TopicImage | None,
    index: int,
    records: memoryview | None,
    acks: int,
) -> tuple[Partition, memoryview]:
    """The partition to append to and its one batch: all that is checked before the log.

    Raises `KafkaError` 2, 3, 6, 17, 21, 56, 76, 87, 100.
    """
    if topic is None and context.version >= _VERSION_OF_TOPIC_IDS:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    if topic is None or index not in topic.partitions:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    batch = check_shape(records, context.version)
    if acks not in (-1, 0, 1):
        raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
    if topic.name in INTERNAL_TOPICS and context.client_id != ADMIN_CLIENT:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    partition = context.services.replicas.resolve(topic.name, topic.topic_id, index)
    partition.check_leader()
    return partition, batch


def _append(
    context: RequestContext, partition: Partition, batch: memoryview, acks: int, wall_ms: int
) -> Appended:
    """Check the batch itself and append it; raises `KafkaError`."""
    batch, header = validate(batch, partition.rules, wall_ms)
    if header.attributes & TRANSACTIONAL_BIT:
        # Verification asks the transaction coordinator, which this broker does not run yet.
        raise KafkaError(ErrorCode.INVALID_TXN_STATE, "This broker serves no transactions.")
    try:
        appended = partition.append(batch, header, acks=acks, wall_ms=wall_ms)
    except OSError as error:
        context.services.replicas.storage_failed(partition, error)
        raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR) from error
    if partition.watchers or partition.waiting_produces or partition.replica_watchers:
        context.services.purgatory.appended(partition)
    return appended


def _has_transactional_batch(request: ProduceRequest) -> bool:
    for topic in request.topic_data:
        for data in topic.partition_data:
            records = cast("memoryview | None", data.records)
            if records is None or len(records) <= _ATTRIBUTES_OFFSET:
                continue
            if records[_MAGIC_OFFSET] == MAGIC and records[_ATTRIBUTES_OFFSET] & TRANSACTIONAL_BIT:
                return True
    return False


def _failure(index: int, error: KafkaError, log_start_offset: int = -1) -> PartitionProduceResponse:
    """The answer for a partition whose batch was not appended.

    `log_start_offset` is told only of errors that were found in the log.
    """
    failure = PartitionProduceResponse(
        index=index, error_code=int(error.code), base_offset=-1, log_append_time_ms=-1
    )
    if error.code != ErrorCode.KAFKA_STORAGE_ERROR:
        failure.log_start_offset = log_start_offset
    if isinstance(error, InvalidRecordsError):
        if error.before_log:
            failure.log_start_offset = -1
        # Only a refused batch is explained; the other codes speak for themselves, as in Kafka.
        failure.error_message = error.message or None
        failure.record_errors = [
            BatchIndexAndErrorMessage(batch_index=index, batch_index_error_message=message)
            for index, message in error.record_errors
        ]
    return failure
