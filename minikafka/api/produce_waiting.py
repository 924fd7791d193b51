"""Produces that wait: for the high watermark (acks=all), or for an fsync (`flush.messages`).

The records are in the log already, and later produces of the connection may pass.
"""

from __future__ import annotations

from minikafka.api.context import RequestContext, Services
from minikafka.api.dispatch import answer, refused
from minikafka.api.leader_hints import leader_endpoints
from minikafka.metadata.topic_image import TopicImage
from minikafka.network.connection import Exchange
from minikafka.protocol.apis import ApiKey, response_header_version
from minikafka.protocol.codec import encoder
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.produce import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceResponse,
    ProduceResponse,
    TopicProduceResponse,
)
from minikafka.replication.partition import Appended, Partition

_LEADER_MOVED = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH)
VERSION_OF_HINTS = 10
_VERSION_OF_TOPIC_IDS = 13

Wait = tuple[Partition, int, PartitionProduceResponse]
"""A partition appended to, the offset that must be replicated or flushed, and the answer then."""
Failure = tuple[PartitionProduceResponse, TopicImage | None, KafkaError]


def tell_leaders(
    context: RequestContext,
    response: ProduceResponse,
    failures: list[Failure],
) -> None:
    """Where the leaders are of partitions that are led elsewhere (KIP-951)."""
    leaders: list[int] = []
    for failure, topic, error in failures:
        known = None if topic is None else topic.partitions.get(failure.index)
        if known is not None and error.code in _LEADER_MOVED:
            failure.current_leader = LeaderIdAndEpoch(
                leader_id=known.leader, leader_epoch=known.leader_epoch
            )
            leaders.append(known.leader)
    if leaders:
        response.node_endpoints = leader_endpoints(context, leaders, NodeEndpoint)


class PendingProduce:
    """A produce that waits for the high watermark (acks=all) or for an fsync (`flush.messages`).

    Later produces may pass it.
    """

    __slots__ = ("acks", "context", "moved", "response", "waits")

    def __init__(
        self, context: RequestContext, response: ProduceResponse, waits: list[Wait], acks: int
    ) -> None:
        self.context = context
        self.response = response
        self.waits = waits
        self.acks = acks
        # Partitions whose leadership went while they waited.
        self.moved: list[Failure] = []

    def park(self, timeout_ms: int) -> None:
        """Wait for every partition's offset, at most `timeout_ms`."""
        for partition, _, _ in self.waits:
            partition.waiting_produces[self] = None
        self.context.services.purgatory.park(self, timeout_ms)
        self.context.exchange.when_closed(self._leave)
        self.context.exchange.let_produce_pass()

    def try_complete(self) -> None:
        """An offset moved: settle what it passed, answer when nothing is left."""
        still = []
        for partition, required_offset, done in self.waits:
            if not partition.is_leader:
                self._moved(partition, done)
            elif not partition.is_acknowledged(required_offset, self.acks):
                still.append((partition, required_offset, done))
                continue
            elif self.acks == -1 and len(partition.isr) < partition.effective_min_isr:
                done.error_code = int(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
            partition.waiting_produces.pop(self, None)
        self.waits = still
        if not still:
            self._leave()
            if self.moved:
                tell_leaders(self.context, self.response, self.moved)
            answer(self.context, self.response)

    def _moved(self, partition: Partition, done: PartitionProduceResponse) -> None:
        error = KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        done.error_code = int(error.code)
        if self.context.version >= VERSION_OF_HINTS:
            topic = self.context.services.image.topics_by_id.get(partition.topic_id)
            self.moved.append((done, topic, error))

    def expire(self) -> None:
        """The timeout is over: the records are in the log and may still be committed."""
        self._leave()
        answer(self.context, self._refuse(KafkaError(ErrorCode.REQUEST_TIMED_OUT)))

    def fail(self, error: Exception) -> None:
        """Trying again has failed: a fault of ours."""
        self._leave()
        response = refused(self.context, None, lambda _, __, refusal: self._refuse(refusal), error)
        assert response is not None, "acks=0 never waits"
        answer(self.context, response)

    def _refuse(self, error: KafkaError) -> ProduceResponse:
        """The response with `error` wherever it still waits; offsets stay, the records do, too."""
        for _, _, done in self.waits:
            done.error_code = int(error.code)
        return self.response

    def _leave(self) -> None:
        for partition, _, _ in self.waits:
            partition.waiting_produces.pop(self, None)
        self.context.services.purgatory.release(self)


class PendingSingle:
    """A produce to one partition whose answer is encoded already (`produce_single`).

    An answer with an error is made by the general `PendingProduce`, which takes its place for it.
    """

    __slots__ = (
        "acks",
        "answer",
        "appended",
        "correlation_id",
        "exchange",
        "partition",
        "services",
        "version",
    )

    def __init__(
        self,
        services: Services,
        exchange: Exchange,
        partition: Partition,
        appended: Appended,
        acks: int,
        version: int,
        correlation_id: int,
        answer: bytes,
    ) -> None:
        self.services = services
        self.exchange = exchange
        self.partition = partition
        self.appended = appended
        self.acks = acks
        self.version = version
        self.correlation_id = correlation_id
        self.answer = answer

    def park(self, timeout_ms: int) -> None:
        """Wait, at most `timeout_ms`."""
        self.partition.waiting_produces[self] = None
        self.services.purgatory.park(self, timeout_ms)
        self.exchange.when_closed(self._leave)
        self.exchange.let_produce_pass()

    def try_complete(self) -> None:
        """An offset moved: was it this one's?"""
        partition = self.partition
        if partition.is_leader:
            if not partition.is_acknowledged(self.appended.required_offset, self.acks):
                return
            if self.acks != -1 or len(partition.isr) >= partition.effective_min_isr:
                self._leave()
                self.exchange.answer((self.answer,))
                return
        self._in_general().try_complete()

    def expire(self) -> None:
        """The timeout is over."""
        self._in_general().expire()

    def fail(self, error: Exception) -> None:
        """Trying again has failed: a fault of ours."""
        self._in_general().fail(error)

    def _in_general(self) -> PendingProduce:
        """This one with its answer as a message, no longer parked."""
        self._leave()
        partition, appended = self.partition, self.appended
        done = PartitionProduceResponse(
            index=partition.index,
            base_offset=appended.base_offset,
            log_append_time_ms=appended.log_append_time,
            log_start_offset=partition.log.log_start_offset,
        )
        topic = TopicProduceResponse(partition_responses=[done])
        if self.version >= _VERSION_OF_TOPIC_IDS:
            topic.topic_id = partition.topic_id
        else:
            topic.name = partition.topic
        context = RequestContext(
            self.services,
            self.exchange,
            ApiKey.PRODUCE,
            self.version,
            self.correlation_id,
            None,
            response_header_version(ApiKey.PRODUCE, self.version),
            encoder(ProduceResponse, self.version),
        )
        wait = (partition, appended.required_offset, done)
        return PendingProduce(context, ProduceResponse(responses=[topic]), [wait], self.acks)

    def _leave(self) -> None:
        self.partition.waiting_produces.pop(self, None)
        self.services.purgatory.release(self)
