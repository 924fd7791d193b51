"""The leader's side of replication: what followers have, who is in sync, what is proposed.

A follower's Fetch acknowledges all below its offset. What that moves is settled here: the high
watermark and who waits for it, and the ISR. Changes of ISRs are proposed to the controller
(AlterPartition), all that have come up in one request and one request at a time, again and again
until it answers.

A follower that has not fetched a partition in its leader's epoch is *expected*: it has to hear of
the leader first, and then its running fetch has to come back. So as long as it is expected, for
some seconds, its fetches are not parked for longer than a moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Protocol

from minikafka.channel.backoff import Backoff
from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.protocol.errors import ErrorCode, KafkaError, error_code
from minikafka.protocol.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionRequestTopicData,
    AlterPartitionResponse,
    AlterPartitionResponsePartitionData,
)
from minikafka.protocol.types import Message
from minikafka.replication.fetch_session import Waiting
from minikafka.replication.isr import (
    Outcome,
    Proposal,
    look_for_joining,
    outcome_of,
    propose_expansion,
    propose_shrinking,
    take_answer,
    to_request,
)
from minikafka.replication.partition import NO_EPOCH, Partition
from minikafka.replication.purgatory import Purgatory
from minikafka.replication.throttling import ReplicationQuota
from minikafka.runtime.tasks import Scope
from minikafka.settings.broker import BrokerSettings

if TYPE_CHECKING:
    from uuid import UUID

logger = logging.getLogger("minikafka.replicas")

_ALTER_PARTITION_VERSION = 3
_RETRY_MS, _RETRY_MAX_MS = 20, 200
EXPECTED_FOR_MS = 5000
EXPECTED_WAIT_MS = 20
_TOLD = 5
"""So many partitions are named in one line of the log."""


class Gateway(Protocol):
    """The way to the active controller."""

    async def handle(self, request: Message, version: int, client_id: str | None) -> Message:
        """Decide `request`; raises `KafkaError` when it is refused as a whole."""
        ...


class Leading:
    """Follows the followers of every partition that this broker leads."""

    def __init__(
        self, *, settings: BrokerSettings, image: MetadataImage, purgatory: Purgatory
    ) -> None:
        self._node_id = settings.node_id
        self._lag_max_ms = settings.replica_lag_time_max_ms
        # What may be sent to throttled replicas.
        self.quota = ReplicationQuota(
            settings.replication_quota_window_num,
            settings.replication_quota_window_size_seconds * 1000,
        )
        self._image = image
        self._purgatory = purgatory
        self._loop = asyncio.get_running_loop()
        self._led: dict[Partition, None] = {}
        # Follower -> partitions that it has yet to fetch in this epoch, and until when it is
        # expected; and its fetches that are parked.
        self._expected: dict[int, dict[Partition, int]] = {}
        self._parked: dict[int, dict[Waiting, None]] = {}
        self._proposals: dict[Partition, Proposal] = {}
        self._is_sending = False
        self._controller: Gateway | None = None
        self._broker_epoch: Callable[[], int] = lambda: NO_EPOCH
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self, controller: Gateway, broker_epoch: Callable[[], int], scope: Scope, random: Random
    ) -> None:
        """Propose changes from now on; `broker_epoch` tells this broker's."""
        self._controller = controller
        self._broker_epoch = broker_epoch
        self._scope = scope
        self._backoff = Backoff(random, _RETRY_MS, _RETRY_MAX_MS)
        self._check()

    def reconfigure(self, settings: BrokerSettings) -> None:
        """Take another limit."""
        self.quota.limit = settings.leader_replication_throttled_rate

    def stop(self) -> None:
        """Propose nothing more."""
        self._controller = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def now_ms(self) -> int:
        """The loop's time, by which lag is measured."""
        return int(self._loop.time() * 1000)

    # -- roles --------------------------------------------------------------------------------

    def role_taken(self, partition: Partition) -> None:
        """A partition has taken what the metadata say, or has left this broker."""
        if not partition.is_leader:
            self._led.pop(partition, None)
            for expected in self._expected.values():
                expected.pop(partition, None)
            return
        self._led[partition] = None
        partition.is_eligible = self.is_eligible
        now_ms = self.now_ms()
        for follower in partition.followers.values():
            if follower.end_offset < 0:
                self._expect(follower.replica_id, partition, now_ms)
        self._look(partition)

    def publish(self, image: MetadataImage, delta: MetadataDelta) -> None:
        """Brokers have come, gone, been fenced or unfenced."""
        if not delta.changed_brokers:
            return
        for partition in self._led:
            if not delta.changed_brokers.isdisjoint(partition.followers):
                self._look(partition)
                self._purgatory.deleted(partition)

    def is_eligible(self, broker_id: int, broker_epoch: int) -> bool:
        """Whether a broker may join an ISR, if it is the one with that epoch (-1: any)."""
        broker = self._image.brokers.get(broker_id)
        return broker is not None and broker.is_active and broker_epoch in (NO_EPOCH, broker.epoch)

    def rack_of(self, broker_id: int) -> str | None:
        """The rack of a broker that is alive."""
        broker = self._image.brokers.get(broker_id)
        return None if broker is None or broker.fenced else broker.rack

    # -- fetches ------------------------------------------------------------------------------

    def admit(self, partition: Partition, replica_id: int, broker_epoch: int, epoch: int) -> None:
        """Let nobody but the present incarnation of an assigned replica fetch as one.

        `epoch` is the leader epoch that it knows. Raises `KafkaError` 6, 75.
        """
        if replica_id not in partition.followers:
            # One that knows our epoch may know of a reassignment that we have not heard of yet.
            raise KafkaError(
                ErrorCode.UNKNOWN_LEADER_EPOCH if epoch >= 0 else ErrorCode.NOT_LEADER_OR_FOLLOWER
            )
        broker = self._image.brokers.get(replica_id)
        if broker is not None and NO_EPOCH != broker_epoch < broker.epoch:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    def fetched(
        self,
        partition: Partition,
        replica_id: int,
        fetch_offset: int,
        *,
        broker_epoch: int,
        log_start_offset: int,
    ) -> None:
        """A follower has all below `fetch_offset`."""
        expected = self._expected.get(replica_id)
        if expected:
            expected.pop(partition, None)
        moved = partition.follower_fetched(
            replica_id,
            fetch_offset,
            self.now_ms(),
            broker_epoch=broker_epoch,
            log_start_offset=log_start_offset,
        )
        if moved:
            self._purgatory.committed(partition)
        if partition.waiting_deletions:
            self._purgatory.deleted(partition)
        if replica_id not in partition.isr:
            self._look(partition)

    def holds_back(self, partition: Partition, replica_id: int) -> bool:
        """Whether a follower gets nothing of a partition for now, because it is throttled."""
        return (
            partition.throttled_as_leader
            and replica_id not in partition.isr
            and self.quota.is_exceeded(self.now_ms())
        )

    def sent(self, partition: Partition, size: int) -> None:
        """So many bytes of a partition go to a follower."""
        if partition.throttled_as_leader:
            self.quota.record(size, self.now_ms())

    def _look(self, partition: Partition) -> None:
        """Whether somebody can join the ISR, and for whom the high watermark waits meanwhile."""
        if len(partition.isr) > len(partition.followers):
            return
        now_ms = self.now_ms()
        if look_for_joining(partition, now_ms, self._lag_max_ms):
            self._purgatory.committed(partition)
        if self._controller is not None:
            self._send(propose_expansion(partition, now_ms, self._lag_max_ms))

    # -- followers that are expected ----------------------------------------------------------

    def _expect(self, replica_id: int, partition: Partition, now_ms: int) -> None:
        self._expected.setdefault(replica_id, {})[partition] = now_ms + EXPECTED_FOR_MS
        for waiting in self._parked.get(replica_id, ()):
            self._purgatory.hurry(waiting)

    def longest_wait_ms(self, replica_id: int, wait_ms: int) -> int:
        """How long a follower's fetch may be parked: a moment, while it is expected elsewhere."""
        expected = self._expected.get(replica_id)
        if not expected:
            return wait_ms
        now_ms = self.now_ms()
        while expected:
            partition, until_ms = next(iter(expected.items()))
            if until_ms > now_ms:
                return min(wait_ms, EXPECTED_WAIT_MS)
            del expected[partition]
        return wait_ms

    def parked(self, replica_id: int, waiting: Waiting) -> None:
        """A follower's fetch waits for data."""
        self._parked.setdefault(replica_id, {})[waiting] = None

    def unparked(self, replica_id: int, waiting: Waiting) -> None:
        """It waits no more."""
        self._parked.get(replica_id, {}).pop(waiting, None)

    def hurry(self, partition: Partition) -> None:
        """Let followers know at once what they learn with the next answer to a fetch."""
        for replica_id in partition.followers:
            for waiting in self._parked.get(replica_id, ()):
                self._purgatory.hurry(waiting)

    # -- the ISR ------------------------------------------------------------------------------

    def _check(self) -> None:
        """Every half of `replica.lag.time.max.ms`: who has fallen behind?"""
        self._timer = self._loop.call_later(max(1, self._lag_max_ms // 2) / 1000, self._check)
        now_ms = self.now_ms()
        for partition in self._led:
            if partition.followers:
                self._look(partition)
                self._send(propose_shrinking(partition, now_ms, self._lag_max_ms))

    def _send(self, proposal: Proposal | None) -> None:
        if proposal is None:
            return
        partition = proposal.partition
        self._proposals[partition] = proposal
        if not self._is_sending:
            self._is_sending = True
            self._scope.spawn(self._send_all(), "alter partitions")

    async def _send_all(self) -> None:
        """Send what there is until the controller has answered all of it."""
        try:
            while self._controller is not None:
                proposals = [p for p in self._proposals.values() if p.is_current]
                self._proposals.clear()
                if not proposals:
                    return
                logger.info("proposes the ISR of %s", _in_short(proposals))
                try:
                    left = await self._ask(self._controller, proposals)
                except KafkaError as error:
                    logger.info("the controller has not altered partitions yet: %s", error)
                    left = proposals
                if left:
                    self._proposals.update((p.partition, p) for p in left if p.is_current)
                    await asyncio.sleep(self._backoff.next_delay_s())
                else:
                    self._backoff.reset()
        finally:
            self._is_sending = False

    async def _ask(self, controller: Gateway, proposals: list[Proposal]) -> list[Proposal]:
        """One request; returns the proposals that it leaves open. Raises `KafkaError`."""
        own_epoch = self._broker_epoch()
        topics: dict[UUID, AlterPartitionRequestTopicData] = {}
        for proposal in proposals:
            topic_id = proposal.partition.topic_id
            topic = topics.get(topic_id)
            if topic is None:
                topic = topics[topic_id] = AlterPartitionRequestTopicData(
                    topic_id=topic_id, partitions=[]
                )
            topic.partitions.append(to_request(proposal, own_epoch))
        request = AlterPartitionRequest(
            broker_id=self._node_id, broker_epoch=own_epoch, topics=list(topics.values())
        )
        response = await controller.handle(request, _ALTER_PARTITION_VERSION, None)
        assert isinstance(response, AlterPartitionResponse)
        if response.error_code:
            raise KafkaError(error_code(response.error_code))
        answers = {
            (topic.topic_id, answer.partition_index): answer
            for topic in response.topics
            for answer in topic.partitions
        }
        left = []
        for proposal in proposals:
            key = (proposal.partition.topic_id, proposal.partition.index)
            if self._settle(proposal, answers.get(key)) is Outcome.RETRY:
                left.append(proposal)
        return left

    def _settle(
        self, proposal: Proposal, answer: AlterPartitionResponsePartitionData | None
    ) -> Outcome:
        if answer is None:
            return Outcome.RETRY
        partition = proposal.partition
        code = error_code(answer.error_code)
        outcome = outcome_of(code)
        if outcome is Outcome.TAKEN:
            take_answer(proposal, answer)
            self._purgatory.committed(partition)
            if partition.is_leader:
                self._look(partition)
            return outcome
        logger.debug(
            "%s-%d: the ISR %s is not taken up: %s",
            partition.topic,
            partition.index,
            sorted(proposal.isr),
            code.name,
        )
        if outcome is Outcome.WITHDRAWN and proposal.is_current:
            partition.withdraw()
            if partition.advance_high_watermark():
                self._purgatory.committed(partition)
        return outcome


def _in_short(proposals: list[Proposal]) -> str:
    """One line for all that goes with one request: the first few, and how many more."""
    told = [
        f"{proposal.partition.topic}-{proposal.partition.index} as {sorted(proposal.isr)} "
        f"instead of {sorted(proposal.partition.isr)}"
        for proposal in proposals[:_TOLD]
    ]
    more = len(proposals) - len(told)
    return ", ".join(told) + (f" and of {more} more" if more else "")
