"""Takes batches to their leaders: requests, answers, retries, and what idempotence needs (KIP-98).

Everything happens in callbacks of the loop: `drain` runs after a turn in which records came, after
every answer, and when a lingering batch or a back-off is due. It sends at most
`max_in_flight` requests to each broker. Tasks exist only to connect and to ask for metadata.

What an error code leads to:
* written, or written before (46): done;
* retriable: again after a back-off, in order, until the batch's `delivery_timeout_ms`;
* 45 (out of order) behind a batch that is still undecided: that one goes first, then this again;
* 45 or 59 for the first undecided batch: the broker has lost its memory of us. A new producer
  epoch, numbers from 0, and again, as Java's producer does;
* anything else: the batch fails, and the partition starts at 0 with a new epoch, for the number of
  the failed batch will never be filled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from minikafka.channel.channel import Channel
from minikafka.channel.errors import ChannelError
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.codec import decoder, encode_parts
from minikafka.protocol.errors import ErrorCode, error_code
from minikafka.protocol.messages.init_producer_id import (
    InitProducerIdRequest,
    InitProducerIdResponse,
)
from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from minikafka.protocol.types import Buffer
from minikafka_client.accumulator import PartitionQueue, ProducerIdentity
from minikafka_client.cluster import Cluster
from minikafka_client.delivery import Batch
from minikafka_client.errors import BrokerError, ClientError, DeliveryTimeout, NotConnected, Timeout

PRODUCE_AT_MOST: Final = 12
"""Later versions name topics by id."""
_REQUEST_MAX_BYTES: Final = 8 << 20
_BROKERS_SHARE: Final = 0.9  # it tells that replicas are missing before we give up its connection
_MAX_EPOCH: Final = 32_767
_LOST_MEMORY: Final = (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID)


class Sender:
    """The half of a producer that faces the brokers.

    `done(batch)` is called for each batch that is decided. `identity` is replaced when the producer
    epoch grows.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        acks: int,
        codec: int,
        linger_s: float,
        max_in_flight: int,
        done: Callable[[Batch], None],
    ) -> None:
        self.identity = ProducerIdentity()
        self.flushing = False
        """Whether open batches go out before they are full or have lingered."""
        self.queues: dict[PartitionQueue, None] = {}
        """Those that have something to send."""
        self._cluster = cluster
        self._acks = acks
        self._codec = codec
        self._linger_s = linger_s
        self._max_in_flight = max_in_flight
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._requests_in_flight: dict[int, int] = {}
        self._wake: asyncio.TimerHandle | None = None
        self._connecting: dict[int, asyncio.Task[Channel]] = {}
        self._seeking: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._stale: dict[str, None] = {}

    # --- sending

    def drain(self) -> None:
        """Send whatever may be sent now."""
        progress = True
        while progress and self.queues:
            progress = self._drain_once()

    def hurry(self, queue: PartitionQueue) -> None:
        """Somebody waits for the queue's open batch: send at once where nothing is in flight.

        Else it goes at the end of the turn, together with what others add until then.
        """
        leader = self._cluster.leader(queue.topic, queue.partition)
        if not self._requests_in_flight.get(leader, 0):
            self.drain()

    def _drain_once(self) -> bool:
        """One batch of each partition at most; whether anything was sent."""
        now = self._loop.time()
        ripe_if_created_by = now if self.flushing else now - self._linger_s
        requests: dict[int, list[Batch]] = {}
        sizes: dict[int, int] = {}
        for queue in list(self.queues):
            if queue.empty:
                del self.queues[queue]
                continue
            if queue.held(now, self.identity) or not queue.ripe(ripe_if_created_by):
                self._wake_for(queue, now)
                continue
            leader = self._cluster.leader(queue.topic, queue.partition)
            if self._requests_in_flight.get(leader, 0) >= self._max_in_flight:
                continue
            if leader < 0:
                self._seek(queue.topic)
                continue
            if self._cluster.connected(leader) is None:
                self._connect(leader)
                continue
            size = sizes.get(leader, 0) + queue.next_size()
            if leader in sizes and size > _REQUEST_MAX_BYTES:
                continue
            sizes[leader] = size
            batch = queue.take(self._codec, self.identity)
            if queue.empty:
                del self.queues[queue]
            requests.setdefault(leader, []).append(batch)
        for leader, batches in requests.items():
            self._send(leader, batches)
        return bool(requests)

    def _wake_for(self, queue: PartitionQueue, now: float) -> None:
        """Drain again when the queue's back-off or linger is over; answers drain by themselves."""
        due = queue.not_before
        if queue.open is not None and due <= now and not queue.retries and not queue.ready:
            due = queue.open.created + self._linger_s
        if due > now:
            self.wake_at(due)

    def wake_at(self, due: float) -> None:
        """Drain at a loop time, or earlier."""
        if self._wake is not None:
            if self._wake.when() <= due:
                return
            self._wake.cancel()
        # A loop may fire a millisecond early, when nothing would be due yet.
        self._wake = self._loop.call_at(due + 0.001, self._woken)

    def _woken(self) -> None:
        self._wake = None
        self.drain()

    def _send(self, leader: int, batches: list[Batch]) -> None:
        channel = self._cluster.connected(leader)
        assert channel is not None, "asked for in the same turn"
        topics: dict[str, list[PartitionProduceData]] = {}
        for batch in batches:
            queue = batch.queue
            data = PartitionProduceData(index=queue.partition, records=batch.encoded)
            topics.setdefault(queue.topic, []).append(data)
        timeout_s = self._cluster.config.request_timeout_s
        request = ProduceRequest(
            acks=self._acks,
            timeout_ms=int(timeout_s * _BROKERS_SHARE * 1000),
            topic_data=[
                TopicProduceData(name=name, partition_data=data) for name, data in topics.items()
            ],
        )
        try:
            self._submit(channel, request, leader, batches, timeout_s)
        except ChannelError as error:
            self._failed(batches, NotConnected(str(error)))

    def _submit(
        self,
        channel: Channel,
        request: ProduceRequest,
        leader: int,
        batches: list[Batch],
        timeout_s: float,
    ) -> None:
        version = channel.version_of(ApiKey.PRODUCE, PRODUCE_AT_MOST)
        body = encode_parts(request, version)
        if self._acks == 0:
            channel.submit(ApiKey.PRODUCE, version, body, timeout_s, None)
            for batch in batches:
                batch.queue.answered(batch)
                self._finish(batch, None)
            return
        read = decoder(ProduceResponse, version)

        def deliver(frame: Buffer | None, position: int, failure: ChannelError | None) -> None:
            if frame is None:
                self._requests_in_flight[leader] -= 1
                self._failed(batches, NotConnected(str(failure)))
                self.drain()
                return
            answer = read(frame, position)[0]
            self._requests_in_flight[leader] -= 1
            self._answered(batches, answer)
            self.drain()

        channel.submit(ApiKey.PRODUCE, version, body, timeout_s, deliver)
        self._requests_in_flight[leader] = self._requests_in_flight.get(leader, 0) + 1

    # --- answers

    def _answered(self, batches: list[Batch], answer: ProduceResponse) -> None:
        answers = {
            (topic.name, each.index): each
            for topic in answer.responses
            for each in topic.partition_responses
        }
        for batch in batches:
            queue = batch.queue
            found = answers.get((queue.topic, queue.partition))
            queue.answered(batch)
            if found is None:
                self._retry_or_fail(batch, NotConnected("the broker did not answer for it"))
            elif found.error_code in (ErrorCode.NONE, ErrorCode.DUPLICATE_SEQUENCE_NUMBER):
                batch.base_offset = found.base_offset
                batch.append_time_ms = found.log_append_time_ms
                queue.backoff = None
                self._finish(batch, None)
            else:
                self._refused(batch, found)
            if not queue.empty:
                self.queues[queue] = None

    def _refused(self, batch: Batch, answer: PartitionProduceResponse) -> None:
        queue = batch.queue
        code = error_code(answer.error_code)
        where = f"{queue.topic}-{queue.partition}"
        failure = BrokerError(code, where, _reason(answer))
        if code in _LOST_MEMORY and batch.sequence >= 0:
            if queue.is_first(batch):
                queue.unwritten = True
                if not queue.restart:
                    self._restart(queue)
            self._retry_or_fail(batch, failure)
        elif code.retriable:
            if code.refreshes_metadata:
                self._seek(queue.topic)
            self._retry_or_fail(batch, failure)
        else:
            if batch.sequence >= 0:
                self._restart(queue)
            self._finish(batch, failure)

    def _failed(self, batches: list[Batch], failure: ClientError) -> None:
        """A whole request without an answer: the leader may be somebody else by now."""
        for batch in batches:
            batch.queue.answered(batch)
            self._retry_or_fail(batch, failure)
            self._seek(batch.queue.topic)

    def _retry_or_fail(self, batch: Batch, failure: ClientError) -> None:
        queue = batch.queue
        if batch.done:
            return  # its time was over meanwhile
        if self._loop.time() >= batch.deadline or self._cluster.closed:
            self.expire(batch, failure)
            return
        queue.retry(batch)
        now = self._loop.time()
        if queue.not_before <= now:
            if queue.backoff is None:
                queue.backoff = self._cluster.backoff()
            queue.not_before = now + queue.backoff.next_delay_s()
        self.queues[queue] = None
        self.wake_at(queue.not_before)

    def expire(self, batch: Batch, reason: ClientError | None) -> None:
        """Its delivery timeout is over."""
        if batch.done:
            return
        if batch.sequence >= 0:
            self._restart(batch.queue)
        text = f"{batch.queue.topic}-{batch.queue.partition}: not acknowledged in time"
        self._finish(batch, DeliveryTimeout(f"{text}; last: {reason}" if reason else text))
        batch.queue.drop_done()

    def _finish(self, batch: Batch, failure: ClientError | None) -> None:
        if batch.done:
            return
        batch.encoded = b""
        batch.finish(failure)
        self._done(batch)

    # --- identity

    async def obtain_identity(self, deadline: float) -> None:
        """Ask for a producer id. Raises Timeout, NotConnected, BrokerError."""
        backoff = self._cluster.backoff()
        request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
        while True:
            try:
                answer = await self._cluster.ask(None, request, InitProducerIdResponse, deadline)
                if answer.error_code:
                    raise BrokerError(answer.error_code, "InitProducerId")
                break
            except (BrokerError, NotConnected) as error:
                if not error.retriable:
                    raise
                await self._cluster.pause(backoff, deadline)
        self.identity = ProducerIdentity(answer.producer_id, answer.producer_epoch)

    def _restart(self, queue: PartitionQueue) -> None:
        """The partition shall begin at number 0, under an identity that is new to it."""
        queue.restart = True
        if queue.identity is not self.identity:
            return
        producer_id, epoch = self.identity
        if epoch < _MAX_EPOCH:
            self.identity = ProducerIdentity(producer_id, epoch + 1)
        elif self._renewing is None or self._renewing.done():
            self._renewing = self._cluster.scope.spawn(self._renew(), "another producer id")

    async def _renew(self) -> None:
        """All epochs of the id are used up."""
        while True:
            try:
                await self.obtain_identity(self._cluster.deadline())
                break
            except Timeout:
                continue  # batches expire meanwhile
        self.drain()

    # --- finding brokers

    def _connect(self, leader: int) -> None:
        """Open a channel to a leader; `drain` follows."""
        if leader in self._connecting or self._cluster.closed:
            return
        task = self._connecting[leader] = self._cluster.open_soon(leader)
        task.add_done_callback(lambda task: self._connected(leader, task))

    def _connected(self, leader: int, task: asyncio.Task[Channel]) -> None:
        del self._connecting[leader]
        if task.cancelled():
            return  # by the client's end
        if task.exception() is None:
            self.drain()
            return
        for queue in self.queues:
            if self._cluster.leader(queue.topic, queue.partition) == leader:
                self._seek(queue.topic)

    def _seek(self, stale_topic: str) -> None:
        """Ask for a topic's leaders after a back-off; `drain` follows."""
        self._stale[stale_topic] = None
        if (self._seeking is None or self._seeking.done()) and not self._cluster.closed:
            self._seeking = self._cluster.scope.spawn(self._find_leaders(), "find leaders")

    async def _find_leaders(self) -> None:
        backoff = self._cluster.backoff()
        while self._stale:
            await asyncio.sleep(backoff.next_delay_s())
            stale, self._stale = self._stale, {}
            # Without an answer, `drain` comes here again until the batches expire.
            with contextlib.suppress(NotConnected, Timeout):
                await self._cluster.refresh(stale, self._cluster.config.request_timeout_s)
            self.drain()


def _reason(answer: PartitionProduceResponse) -> str | None:
    if answer.error_message:
        return answer.error_message
    for each in answer.record_errors:
        if each.batch_index_error_message:
            return f"record {each.batch_index}: {each.batch_index_error_message}"
    return None
