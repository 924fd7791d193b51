"""One follower's connection to one leader: fetch, append, fetch again.

The next request is the acknowledgement of what the last answer brought. So it leaves when that is
in the log, and on disk where the topic is flushed record by record (`flush.messages`).

Batches are appended as they came: the leader has given them offsets and epochs. Where the two logs
part, the follower cuts its own (`cutting`). A partition with an error pauses and stays out
of the session meanwhile; where to fetch from is only ever learned from the metadata.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from minikafka.channel.backoff import Backoff
from minikafka.channel.channel import Channel, open_channel
from minikafka.channel.errors import ChannelError, ConnectFailed
from minikafka.log.errors import BatchAroundStartError, OffsetGapError
from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode, error_code
from minikafka.protocol.messages.fetch import FetchRequest, FetchResponse, PartitionData
from minikafka.records.errors import CorruptRecordError
from minikafka.replication.cutting import begin_at, cut, find_range, note_gaps, part
from minikafka.replication.leader_session import (
    Followed,
    Key,
    LeaderSession,
    request_from,
)
from minikafka.replication.partition import NO_EPOCH, Partition
from minikafka.replication.surroundings import Surroundings
from minikafka.replication.usual_fetch import FIRST_VERSION

if TYPE_CHECKING:
    from minikafka.runtime.buffers import Buffer

logger = logging.getLogger("minikafka.replicas")

_CONNECT_TIMEOUT_S = 10.0
_RETRY_MS = 20
"""The first pause after an error: most often the leader hears of its role a moment later."""


class ReplicaFetcher:
    """Fetches some partitions from the broker that leads them, as long as there are any."""

    def __init__(self, leader_id: int, number: int, around: Surroundings) -> None:
        self._leader_id = leader_id
        self._around = around
        settings = around.settings
        self._client_id = f"broker-{settings.node_id}-fetcher-{number}"
        self._loop = asyncio.get_running_loop()
        self._backoff = Backoff(around.random, _RETRY_MS, settings.replica_fetch_backoff_ms)
        self._session = LeaderSession()
        self._partitions: dict[Key, Followed] = {}
        # Of these: what must be cut or flushed before it is fetched (again), and what pauses.
        self._unready: dict[Key, Followed] = {}
        self._paused: dict[Key, Followed] = {}
        self._channel: Channel | None = None
        self._wake = asyncio.Event()
        self._is_running = False
        self._is_out_of_reach = False

    def __len__(self) -> int:
        return len(self._partitions)

    def follow(self, partition: Partition) -> None:
        """Fetch a partition in its present leader epoch from now on."""
        self.leave(partition)
        followed = Followed(partition)
        self._partitions[followed.key] = self._unready[followed.key] = followed
        self._wake.set()
        if not self._is_running:
            self._is_running = True
            self._around.scope.spawn(self._run(), f"fetch from broker {self._leader_id}")

    def leave(self, partition: Partition) -> None:
        """Fetch a partition no more."""
        key = (partition.topic_id, partition.index)
        followed = self._partitions.pop(key, None)
        if followed is not None:
            followed.is_left = True
            self._unready.pop(key, None)
            self._paused.pop(key, None)
            self._session.drop(key)
            self._wake.set()

    def hurry(self) -> None:
        """The leader may be somewhere else, or be back: do not wait to try."""
        self._wake.set()

    # -- the loop -----------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while self._partitions:
                try:
                    await self._round()
                except ChannelError as error:
                    self._lost(error)
                    await self._rest(self._backoff.next_delay_s())
        finally:
            self._is_running = False
            self._disconnect()

    async def _round(self) -> None:
        """One fetch with all that goes before and behind it. Raises ChannelError."""
        await self._make_ready()
        self._resume()
        self._hold_back()
        if not self._session.followed:
            await self._rest(self._until_resumed_s())
            return
        channel = self._channel or await self._connect()
        if channel is None:
            await self._rest(None)
            return
        settings = self._around.settings
        request = request_from(settings.node_id, self._around.broker_epoch())
        resumed_s = self._until_resumed_s()
        request.max_wait_ms = settings.replica_fetch_wait_max_ms
        if resumed_s is not None:
            request.max_wait_ms = min(request.max_wait_ms, int(resumed_s * 1000))
        request.min_bytes = settings.replica_fetch_min_bytes
        request.max_bytes = settings.replica_fetch_response_max_bytes
        response = await self._ask(channel, request)
        self._session.answered(response)
        if response.error_code:
            logger.info("%s: %s", self._client_id, error_code(response.error_code).name)
            await self._rest(self._backoff.next_delay_s())
            return
        self._backoff.reset()
        for topic in response.responses:
            for data in topic.partitions:
                followed = self._session.followed.get((topic.topic_id, data.partition_index))
                if followed is not None and followed.asked is not None and followed.is_wanted:
                    await self._take(followed, data, channel)

    def _ask(self, channel: Channel, request: FetchRequest) -> Awaitable[FetchResponse]:
        """Send the request with what has changed since the last one. Raises ChannelError."""
        settings = self._around.settings
        max_bytes = settings.replica_fetch_max_bytes
        timeout_s = settings.replica_socket_timeout_ms / 1000
        version = channel.version_of(request.api_key)
        if version >= FIRST_VERSION:
            usual = self._session.usual(request, max_bytes)
            if usual is not None:
                body = (usual.encode(),)
                return channel.call_encoded(ApiKey.FETCH, version, body, FetchResponse, timeout_s)
        self._session.fill(request, max_bytes)
        return channel.call_version(request, FetchResponse, version, timeout_s)

    async def _rest(self, seconds: float | None) -> None:
        """Wait, but no longer than until something changes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def _connect(self) -> Channel | None:
        """A connection; None while the metadata know no address. Raises ConnectFailed."""
        around = self._around
        broker = around.image.brokers.get(self._leader_id)
        name = around.settings.inter_broker_listener_name
        endpoint = None if broker is None else broker.endpoint(name)
        if endpoint is None:
            return None
        try:
            channel = await open_channel(
                endpoint.host,
                endpoint.port,
                client_id=self._client_id,
                timeout_s=_CONNECT_TIMEOUT_S,
            )
        except ConnectFailed as error:
            if not self._is_out_of_reach:
                self._is_out_of_reach = True
                logger.warning("%s: leader %d: %s", self._client_id, self._leader_id, error)
            raise
        self._is_out_of_reach = False
        self._channel = channel
        return channel

    def _lost(self, error: ChannelError) -> None:
        logger.debug("%s: leader %d: %s", self._client_id, self._leader_id, error)
        self._disconnect()

    def _disconnect(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()
        self._session.reset()

    # -- before a fetch -----------------------------------------------------------------------

    async def _make_ready(self) -> None:
        """Cut and flush what must be; then it may be fetched, and so acknowledged."""
        for key, followed in list(self._unready.items()):
            if not followed.is_wanted:
                continue
            partition = followed.partition
            log: Any = partition.log
            try:
                if not followed.is_checked:
                    followed.is_checked = True
                    if log.latest_epoch == NO_EPOCH and log.log_end_offset:
                        # No leader can tell what of this is its own.
                        await cut(self._around, followed, partition.high_watermark)
                partition.flush_if_due()
                if partition.flush_to > log.recovery_point:
                    await log.flush()
            except OSError as error:
                self._failed(followed, error)
                continue
            if not followed.is_left:
                del self._unready[key]
                self._session.put(followed)

    def _resume(self) -> None:
        now_ms = self._now_ms()
        for key, followed in list(self._paused.items()):
            if followed.resume_ms <= now_ms:
                del self._paused[key]
                self._session.put(followed)

    def _hold_back(self) -> None:
        """Leave out throttled partitions that are behind, once too much has come for such."""
        quota, now_ms = self._around.quota, self._now_ms()
        wait_ms = quota.free_in_ms(now_ms)
        if not wait_ms:
            return
        for key, followed in list(self._session.followed.items()):
            if followed.partition.throttled_as_follower and not followed.is_in_sync:
                followed.resume_ms = now_ms + wait_ms
                self._session.drop(key)
                self._paused[key] = followed

    def _until_resumed_s(self) -> float | None:
        """Seconds until the first partition has paused long enough; None when none pauses."""
        if not self._paused:
            return None
        first_ms = min(followed.resume_ms for followed in self._paused.values())
        return max(1, first_ms - self._now_ms()) / 1000

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)

    # -- behind a fetch -----------------------------------------------------------------------

    async def _take(self, followed: Followed, data: PartitionData, channel: Channel) -> None:
        """What the leader has answered for one partition. Raises ChannelError."""
        try:
            diverging = data.diverging_epoch
            if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
                if await find_range(self._around, followed, channel):
                    self._fetch_on(followed)
                else:
                    self._pause(followed)
            elif data.error_code:
                self._refused(followed, error_code(data.error_code))
            elif diverging is not None and diverging.end_offset >= 0:
                if await part(self._around, followed, diverging):
                    self._fetch_on(followed)
                else:
                    self._pause(followed)
            else:
                try:
                    self._append(followed, data)
                except OffsetGapError:
                    await note_gaps(self._around, followed)
                    if followed.is_wanted:
                        self._append(followed, data)
                except BatchAroundStartError as found:
                    await begin_at(self._around, followed, found.base_offset)
                    if followed.is_wanted:
                        self._append(followed, data)
        except OSError as error:
            self._failed(followed, error)

    def _append(self, followed: Followed, data: PartitionData) -> None:
        """Append what has come, and follow the leader's high watermark and log start.

        Raises OSError; and nothing is done: OffsetGapError if offsets are missing for the first
        time, BatchAroundStartError if the log, empty so far, has to begin earlier.
        """
        partition = followed.partition
        log: Any = partition.log
        records = cast("Buffer", data.records)
        if records:
            try:
                wall_ms = self._around.wall_clock.now_ms()
                log.append_replicated(records, wall_ms, may_have_gaps=log.may_have_gaps)
            except CorruptRecordError as error:
                logger.error("%r: leader %d sent %s", partition, self._leader_id, error)
                self._pause(followed)
                return
            followed.failures = 0
            if partition.throttled_as_follower:
                self._around.quota.record(len(records), self._now_ms())
            self._fetch_on(followed)
        followed.is_in_sync = log.log_end_offset >= data.high_watermark
        if partition.follow_high_watermark(data.high_watermark):
            self._around.purgatory.committed(partition)
        if log.log_start_offset < data.log_start_offset <= partition.high_watermark:
            log.advance_log_start(data.log_start_offset)
            self._around.purgatory.committed(partition)
            self._fetch_on(followed)

    def _fetch_on(self, followed: Followed) -> None:
        """Its log has changed: the next request says so, once it is on disk if it has to be."""
        if followed.is_left:
            return
        if followed.partition.flushes:
            self._unready[followed.key] = followed
        else:
            self._session.put(followed)

    def _refused(self, followed: Followed, code: ErrorCode) -> None:
        if followed.failures == 0:
            # Who leads changes for many at a time, and the metadata tell of it.
            level = logging.DEBUG if code.refreshes_metadata else logging.INFO
            partition, leader_id = followed.partition, self._leader_id
            logger.log(level, "%r: leader %d answers %s", partition, leader_id, code.name)
        self._pause(followed)

    def _pause(self, followed: Followed) -> None:
        if followed.is_left:
            return
        followed.pause(self._now_ms(), _RETRY_MS, self._around.settings.replica_fetch_backoff_ms)
        self._session.drop(followed.key)
        self._paused[followed.key] = followed

    def _failed(self, followed: Followed, error: OSError) -> None:
        """Its log cannot be written: the directory is offline now, or full."""
        self._around.logs.storage_failed(followed.partition, error)
        if not followed.is_left:
            self._unready.pop(followed.key, None)
            self._pause(followed)
