"""One partition as its broker sees it: who leads, what is committed, what may be read.

The *log end offset* is where the next record goes. The *high watermark* is the first offset that is
not yet on every replica of the ISR: consumers read below it, and a produce with acks=all is
answered when it has passed. The *last stable offset* is the first offset of the oldest open
transaction, or the high watermark: read_committed consumers stop there.

The leader may only propose another ISR; the controller decides. While a proposal is on its way the
high watermark waits for the *maximal ISR*, the members of either: whichever of the two the next
leader comes from, it has what was committed.

Nothing here does IO of its own or knows the time: the log is handed in, its host is `replicas`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from minikafka.metadata.image import PartitionImage
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import BatchHeader
from minikafka.records.validation import ProduceRules
from minikafka.replication.followers import NEVER_MS, Follower
from minikafka.replication.throttling import lists_replica
from minikafka.settings.kinds import LONG_MAX
from minikafka.settings.topic import TopicSettings

NO_LEADER = -1
NO_EPOCH = -1
NEVER_FLUSH = 2**63 - 1
"""The default of `flush.messages`: the page cache is enough."""


def produce_rules(settings: TopicSettings) -> ProduceRules:
    """The settings of a topic that decide over a produced batch."""
    return ProduceRules(
        max_message_bytes=settings.max_message_bytes,
        segment_bytes=settings.segment_bytes,
        compression_type=settings.compression_type,
        gzip_level=settings.compression_gzip_level,
        lz4_level=settings.compression_lz4_level,
        zstd_level=settings.compression_zstd_level,
        timestamp_type=settings.message_timestamp_type,
        before_max_ms=settings.message_timestamp_before_max_ms,
        after_max_ms=settings.message_timestamp_after_max_ms,
        compacted="compact" in settings.cleanup_policy,
    )


class Duplicate(Protocol):
    """A batch that the producer state already knows."""

    @property
    def base_offset(self) -> int:
        """Where its first copy lies."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds, of that copy."""
        ...


class Producer(Protocol):
    """One producer as it is described to administrators (KIP-664); -1 for what there is not."""

    producer_id: int
    epoch: int
    last_timestamp: int
    coordinator_epoch: int
    transaction_first_offset: int

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record of this epoch."""
        ...


class Producers(Protocol):
    """Producer state of a log: what an idempotent append is checked against (KIP-98)."""

    @property
    def entries(self) -> Mapping[int, Producer]:
        """Producer id to state, to be read."""
        ...

    def check(self, header: BatchHeader) -> Duplicate | None:
        """The cached batch if `header` repeats it; raises `KafkaError` 45 or 47."""
        ...


class LeaderEpochs(Protocol):
    """Which epoch began where (KIP-101)."""

    def truncate_from_end(self, end_offset: int) -> None:
        """Forget the epochs that began at `end_offset` or later."""
        ...


class Log(Protocol):
    """What a partition needs of its log."""

    log_start_offset: int
    log_end_offset: int
    recovery_point: int
    settings: TopicSettings

    @property
    def producers(self) -> Producers:
        """Producer state, one entry a producer id."""
        ...

    @property
    def leader_epochs(self) -> LeaderEpochs:
        """Which epoch began where."""
        ...

    @property
    def latest_epoch(self) -> int:
        """The newest leader epoch, -1 without any."""
        ...

    def append(
        self, batch: memoryview, header: BatchHeader, leader_epoch: int, wall_ms: int
    ) -> int:
        """Append one checked batch at the log end offset; returns its base offset."""
        ...

    def read(
        self,
        offset: int,
        max_bytes: int,
        *,
        max_offset: int,
        min_one_batch: bool,
        min_bytes: int = 0,
    ) -> Any:
        """A region of batches from the one that holds `offset`, below `max_offset`."""
        ...

    def read_now(
        self,
        offset: int,
        max_bytes: int,
        *,
        max_offset: int,
        min_bytes: int,
        at_most: int = LONG_MAX,
        region_from: int = LONG_MAX,
    ) -> Any:
        """The same as bytes, if one look at the file is enough; so many of them as a region."""
        ...

    def last_stable_offset(self, high_watermark: int) -> int:
        """First offset of an open transaction, at most `high_watermark`."""
        ...

    def aborted_transactions(self, from_offset: int, to_offset: int) -> list[Any]:
        """Aborted transactions (`producer_id`, `first_offset`) that overlap the range."""
        ...

    def advance_log_start(self, offset: int) -> None:
        """Records below `offset` are gone for readers."""
        ...

    def assign_leader_epoch(self, epoch: int) -> None:
        """This replica leads from the log end on, in `epoch`."""
        ...

    def end_offset_for_epoch(self, epoch: int) -> tuple[int, int]:
        """(largest known epoch ≤ `epoch`, its end offset), or (-1, -1)."""
        ...


class Appended(NamedTuple):
    """Where an append ended up.

    `log_append_time` is -1 unless the topic stamps records itself or the batch was a duplicate
    (then the first copy's timestamp, as Kafka answers). `required_offset` is the high watermark
    that acks=all waits for.
    """

    base_offset: int
    log_append_time: int
    required_offset: int


class Partition:
    """State of one replica of this broker; changed by metadata, by appends and by fetches.

    `isr` is what the controller decided, `pending_isr` what this leader has proposed to it.
    """

    __slots__ = (
        "counted",
        "effective_min_isr",
        "epoch_start_offset",
        "flush_messages",
        "flush_soon",
        "flush_to",
        "flushes",
        "followers",
        "high_watermark",
        "index",
        "is_eligible",
        "is_leader",
        "isr",
        "joining",
        "leader",
        "leader_epoch",
        "log",
        "node_id",
        "partition_epoch",
        "pending_isr",
        "replica_watchers",
        "replicas",
        "retired",
        "rules",
        "stamps_append_time",
        "throttled_as_follower",
        "throttled_as_leader",
        "topic",
        "topic_id",
        "waiting_deletions",
        "waiting_produces",
        "watchers",
    )

    def __init__(self, node_id: int, topic: str, topic_id: UUID, index: int, log: Log) -> None:
        self.node_id = node_id
        self.topic = topic
        self.topic_id = topic_id
        self.index = index
        self.log = log
        self.leader = NO_LEADER
        self.leader_epoch = NO_EPOCH
        self.partition_epoch = NO_EPOCH
        self.epoch_start_offset = 0
        self.is_leader = False
        self.retired = False
        self.replicas: tuple[int, ...] = ()
        self.isr: frozenset[int] = frozenset()
        self.pending_isr: frozenset[int] | None = None
        # Of a leader: its followers, those among them that may soon join the ISR, and those for
        # which the high watermark waits.
        self.followers: dict[int, Follower] = {}
        self.joining: frozenset[int] = frozenset()
        self.counted: tuple[Follower, ...] = ()
        # Whether a broker may join the ISR, by its id and the broker epoch that it fetches with.
        self.is_eligible: Callable[[int, int], bool] = _everyone_is_eligible
        self.high_watermark = log.log_start_offset
        # Fetches that want to hear of changes: interest -> its entry for this partition. Those of
        # consumers, and those of followers, whom only new data wakes.
        self.watchers: dict[Any, Any] = {}
        self.replica_watchers: dict[Any, Any] = {}
        # Produces with acks=all that wait for the high watermark, in order of arrival.
        self.waiting_produces: dict[Any, None] = {}
        # DeleteRecords that wait for followers.
        self.waiting_deletions: dict[Any, None] = {}
        # Up to here an fsync is due, and nobody who produced below it is answered before.
        self.flush_to = 0
        # How the host is asked for one.
        self.flush_soon: Callable[[Partition], None] = _nobody_flushes
        self.configure(log.settings)

    def __repr__(self) -> str:
        return f"<Partition {self.topic}-{self.index} leader {self.leader}>"

    def configure(self, settings: TopicSettings) -> None:
        """Take new topic settings; the next append is checked by them."""
        self.log.settings = settings
        self.rules = produce_rules(settings)
        self.stamps_append_time = settings.message_timestamp_type == "LogAppendTime"
        self.effective_min_isr = max(1, min(settings.min_insync_replicas, len(self.replicas) or 1))
        self.throttled_as_leader = self._is_listed(settings.leader_replication_throttled_replicas)
        self.throttled_as_follower = self._is_listed(
            settings.follower_replication_throttled_replicas
        )
        self.flush_messages = settings.flush_messages
        self.flushes = self.flush_messages != NEVER_FLUSH
        if self.flushes:
            self.flush_if_due()

    def _is_listed(self, throttled: tuple[str, ...]) -> bool:
        return lists_replica(throttled, self.index, self.node_id)

    # -- the role -----------------------------------------------------------------------------

    def apply(self, image: PartitionImage, now_ms: int = 0) -> None:
        """Take the role that the metadata gives: leader of a new epoch, or follower.

        What the controller has answered already (`decided`) may come a second time, or older.
        """
        if image.partition_epoch < self.partition_epoch:
            return
        was_leader = self.is_leader
        is_new_epoch = image.leader_epoch != self.leader_epoch
        self.leader = image.leader
        self.leader_epoch = image.leader_epoch
        self.is_leader = image.leader == self.node_id
        self.replicas = tuple(image.replicas)
        self.effective_min_isr = max(
            1, min(self.log.settings.min_insync_replicas, len(self.replicas))
        )
        self._take_isr(frozenset(image.isr), image.partition_epoch)
        if self.is_leader:
            if is_new_epoch or not was_leader:
                self._become_leader()
            self._know_followers(now_ms)
            self.advance_high_watermark()
        elif was_leader or is_new_epoch:
            self.followers, self.joining, self.counted = {}, frozenset(), ()
            self.pending_isr = None
            # Epochs assigned to this replica in which it wrote nothing are not its log's.
            self.log.leader_epochs.truncate_from_end(self.log.log_end_offset)

    def _become_leader(self) -> None:
        log = self.log
        log.assign_leader_epoch(self.leader_epoch)
        self.epoch_start_offset = log.log_end_offset
        # What followers have is unknown until they fetch in this epoch.
        self.followers = {}
        self.flush_to = 0
        self.flush_if_due()

    def _know_followers(self, now_ms: int) -> None:
        """Keep state of the other replicas; members of the ISR have until now been in sync."""
        known = self.followers
        self.followers = {
            replica_id: known.get(replica_id)
            or Follower(replica_id, now_ms if replica_id in self.isr else NEVER_MS)
            for replica_id in self.replicas
            if replica_id != self.node_id
        }
        self.joining = self.joining.intersection(self.followers)
        self.count_followers()

    def retire(self) -> None:
        """The replica leaves this broker; whoever holds the object must look it up again."""
        self.retired = True
        self.is_leader = False

    # -- the ISR ------------------------------------------------------------------------------

    @property
    def maximal_isr(self) -> frozenset[int]:
        """The ISR with what is proposed to join it; who is proposed to leave is still in."""
        return self.isr if self.pending_isr is None else self.isr | self.pending_isr

    def propose(self, isr: frozenset[int]) -> None:
        """Another ISR is on its way to the controller."""
        self.pending_isr = isr
        self.count_followers()

    def withdraw(self) -> None:
        """The proposal has not been taken up, and never will be."""
        self.pending_isr = None
        self.count_followers()

    def decided(self, isr: frozenset[int], partition_epoch: int) -> bool:
        """The controller's answer to a proposal; true if the high watermark moved."""
        self._take_isr(isr, partition_epoch)
        self.count_followers()
        return self.advance_high_watermark()

    def _take_isr(self, isr: frozenset[int], partition_epoch: int) -> None:
        if partition_epoch != self.partition_epoch:
            self.pending_isr = None
        self.partition_epoch = partition_epoch
        self.isr = isr

    def count_followers(self) -> None:
        """Work out for whom the high watermark waits: the maximal ISR, and who is about to join.

        (A follower that has caught up once could else never overtake a high watermark that runs
        ahead of it.)
        """
        counted = self.maximal_isr | self.joining
        self.counted = tuple(f for f in self.followers.values() if f.replica_id in counted)

    def follower_fetched(
        self,
        replica_id: int,
        fetch_offset: int,
        now_ms: int = 0,
        *,
        broker_epoch: int = NO_EPOCH,
        log_start_offset: int = 0,
    ) -> bool:
        """A replica has all below `fetch_offset`; true if that moved the high watermark."""
        follower = self.followers[replica_id]
        moved = fetch_offset != follower.end_offset
        follower.broker_epoch = broker_epoch
        follower.log_start_offset = log_start_offset
        follower.fetched(fetch_offset, self.log.log_end_offset, now_ms)
        return moved and self.advance_high_watermark()

    def check_epoch(self, current_leader_epoch: int) -> None:
        """Raises `KafkaError` 74 (the client's epoch is old), 75 (it is newer); -1 is no epoch."""
        if current_leader_epoch != NO_EPOCH and current_leader_epoch != self.leader_epoch:
            if current_leader_epoch < self.leader_epoch:
                raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
            raise KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH)

    def check_leader(self, current_leader_epoch: int = NO_EPOCH) -> None:
        """Refuse what only the leader of the client's epoch may serve.

        -1 stands for a client that knows none. Raises `KafkaError` 6 (not leader), 74, 75.
        """
        self.check_epoch(current_leader_epoch)
        if not self.is_leader:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    def append(
        self, batch: memoryview, header: BatchHeader, *, acks: int, wall_ms: int
    ) -> Appended:
        """Append a validated batch as the leader.

        Raises `KafkaError`: 19 below the minimum ISR with acks=all, 45 and 47 for the sequence.
        """
        if acks == -1 and len(self.isr) < self.effective_min_isr:
            raise KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
        log = self.log
        if header.producer_id >= 0:
            duplicate = log.producers.check(header)
            if duplicate is not None:
                end = duplicate.base_offset + header.last_offset_delta + 1
                return Appended(duplicate.base_offset, duplicate.timestamp, end)
        base_offset = log.append(batch, header, self.leader_epoch, wall_ms)
        if self.flushes:
            self.flush_if_due()
        self.advance_high_watermark()
        append_time = header.max_timestamp if self.stamps_append_time else -1
        return Appended(base_offset, append_time, log.log_end_offset)

    def flush_if_due(self) -> None:
        """Ask for an fsync if `flush.messages` records are without one."""
        log = self.log
        if log.log_end_offset - log.recovery_point >= self.flush_messages:
            self.flush_to = log.log_end_offset
            self.flush_soon(self)

    def is_acknowledged(self, end_offset: int, acks: int) -> bool:
        """Whether a produce up to `end_offset` may be answered: replicated, and flushed if due."""
        if acks == -1 and self.high_watermark < end_offset:
            return False
        return end_offset > self.flush_to or end_offset <= self.log.recovery_point

    def advance_high_watermark(self) -> bool:
        """Move a leader's high watermark to the smallest end of those counted; true if it moved.

        With `flush.messages=1` this replica counts only with what no loss of power can take back.
        Below the minimum ISR nothing is committed (KIP-966): who is elected next may lack it.
        """
        if not self.is_leader or len(self.isr) < self.effective_min_isr:
            return False
        log = self.log
        end = log.recovery_point if self.flush_messages == 1 else log.log_end_offset
        for follower in self.counted:
            if follower.end_offset < end:
                end = follower.end_offset
        if end <= self.high_watermark:
            return False
        self.high_watermark = end
        return True

    def follow_high_watermark(self, leaders: int) -> bool:
        """A follower's: the leader's, as far as its own log goes; true if it moved."""
        reached = min(leaders, self.log.log_end_offset)
        if reached <= self.high_watermark:
            return False
        self.high_watermark = reached
        return True

    def last_stable_offset(self) -> int:
        """Where a read_committed consumer stops."""
        return self.log.last_stable_offset(self.high_watermark)

    def delete_records(self, offset: int) -> int:
        """Advance the log start offset to `offset` (-1: the high watermark); the low watermark.

        Raises `KafkaError` 1 beyond the high watermark.
        """
        self.check_leader()
        if offset == -1:
            offset = self.high_watermark
        if offset < 0 or offset > self.high_watermark:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if offset > self.log.log_start_offset:
            self.log.advance_log_start(offset)
        return self.log.log_start_offset

    def diverges(self, fetch_offset: int, last_fetched_epoch: int) -> tuple[int, int] | None:
        """(epoch, end offset) where the fetcher's log parts from this one, or None (KIP-595).

        Raises `KafkaError` 1 when the fetcher's epoch is newer than any this log had, or its offset
        lies before the log start.
        """
        if last_fetched_epoch < 0:
            return None
        epoch, end = self.log.end_offset_for_epoch(last_fetched_epoch)
        if epoch == NO_EPOCH or fetch_offset < self.log.log_start_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if epoch < last_fetched_epoch or end < fetch_offset:
            return epoch, end
        return None


def _everyone_is_eligible(broker_id: int, broker_epoch: int) -> bool:
    """A partition that is not hosted yet."""
    return True


def _nobody_flushes(partition: Partition) -> None:
    """A partition that is not hosted yet; its host looks at what is due when it takes it over."""
