"""What a client knows of its cluster: brokers, topics, leaders, and an open channel to each broker.

Metadata comes from any broker, the bootstrap addresses first and again when all others are gone.
Callers that need metadata at the same time share one request. A broker that could not be reached is
left alone for a while that doubles (`reconnect_backoff_ms` to `reconnect_backoff_max_ms`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from minikafka.channel.backoff import Backoff
from minikafka.channel.channel import Channel, open_channel
from minikafka.channel.errors import ChannelError, RequestTimedOut, UnsupportedApi
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from minikafka.protocol.types import Message
from minikafka.runtime.entropy import random_source
from minikafka.runtime.tasks import Scope
from minikafka_client.config import ClientConfig
from minikafka_client.errors import BrokerError, ClientError, Closed, NotConnected, Timeout

R = TypeVar("R", bound=Message)

logger = logging.getLogger(__name__)

METADATA_AT_MOST = 12
"""Version 13 adds KIP-1102's request to bootstrap anew, which this client does by itself."""


_ANY = -1
"""In place of a node id: whichever broker could be reached without knowing the cluster."""
COORDINATOR = -1_000
"""`COORDINATOR - node_id` in place of a node id means a second connection to that broker."""


class Node(NamedTuple):
    """A broker as clients reach it."""

    node_id: int
    host: str
    port: int
    rack: str | None = None


class PartitionInfo(NamedTuple):
    """A partition; leader is -1 while there is none."""

    partition: int
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    offline_replicas: tuple[int, ...]


class TopicInfo(NamedTuple):
    """A topic; `error_code` is not 0 when the broker could not tell about it."""

    name: str
    topic_id: UUID
    is_internal: bool
    partitions: dict[int, PartitionInfo]
    error_code: ErrorCode


class Cluster:
    """Shared by the parts of one client; `start` before use, `close` after."""

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self.random = random_source()
        self.nodes: dict[int, Node] = {}
        self.topics: dict[str, TopicInfo] = {}
        self.cluster_id: str | None = None
        self.controller_id = -1
        self.closed = False
        self.scope = Scope("minikafka-client", self._task_failed)
        self._channels: dict[int, Channel] = {}
        self._opening: dict[int, asyncio.Task[Channel]] = {}
        self._backoffs: dict[int, tuple[Backoff, float]] = {}
        self._refreshing: dict[frozenset[str] | None, asyncio.Task[None]] = {}
        self._addresses = config.bootstrap
        self._loop = asyncio.get_running_loop()

    # --- life

    async def start(self, timeout_s: float) -> None:
        """Find the cluster. Raises NotConnected or Timeout."""
        await self.refresh([], timeout_s)

    async def close(self) -> None:
        """Close every connection and end every task; takes no time to speak of."""
        if self.closed:
            return
        self.closed = True
        for channel in self._channels.values():
            channel.close()
        await self.scope.close()
        for channel in self._channels.values():
            channel.close()  # one that had just come about

    def _task_failed(self, name: str, failure: BaseException) -> None:
        # What a client may expect is told to whoever waits for it.
        if not isinstance(failure, ClientError):
            logger.error("%s failed", name, exc_info=failure)

    # --- asking

    async def ask(
        self,
        node_id: int | None,
        request: Message,
        response: type[R],
        deadline: float,
        *,
        at_most: int | None = None,
        patience_s: float | None = None,
    ) -> R:
        """One question to a broker (None: any), tried once. `deadline` is in loop time.

        After `patience_s` without an answer the connection is given up, by default the config's
        request timeout. Raises NotConnected, Timeout, BrokerError(UNSUPPORTED_VERSION).
        """
        remaining = self.remaining(deadline)
        try:
            async with asyncio.timeout(remaining):
                channel = await (
                    self.any_channel(remaining)
                    if node_id is None
                    else self.channel(node_id, remaining)
                )
                patience_s = patience_s or self.config.request_timeout_s
                answer_within = min(patience_s, self.remaining(deadline))
                return await channel.call(request, response, answer_within, at_most=at_most)
        except (TimeoutError, RequestTimedOut) as error:
            raise Timeout(f"{type(request).__name__}: no answer in time") from error
        except UnsupportedApi as error:
            raise BrokerError(ErrorCode.UNSUPPORTED_VERSION, message=str(error)) from None
        except ChannelError as error:
            raise NotConnected(str(error)) from error

    def remaining(self, deadline: float) -> float:
        """Seconds until the deadline. Raises Timeout when it has passed, Closed."""
        if self.closed:
            raise Closed("the client is closed")
        left = deadline - self._loop.time()
        if left <= 0.0005:
            raise Timeout("no time left")
        return left

    def deadline(self, timeout_s: float | None = None) -> float:
        """Loop time after `timeout_s`, by default the config's timeout of a whole call."""
        return self._loop.time() + (self.config.api_timeout_s if timeout_s is None else timeout_s)

    def backoff(self) -> Backoff:
        """For one call's attempts."""
        return Backoff(self.random, self.config.retry_backoff_ms, self.config.retry_backoff_max_ms)

    async def pause(self, backoff: Backoff, deadline: float) -> None:
        """Wait before the next attempt. Raises Timeout instead when there is no time for it."""
        delay = backoff.next_delay_s()
        if self.remaining(deadline) <= delay:
            await asyncio.sleep(self.remaining(deadline))
            raise Timeout("no time left for another attempt")
        await asyncio.sleep(delay)

    # --- metadata

    async def refresh(self, topics: Iterable[str] | None, timeout_s: float) -> None:
        """Ask for brokers and these topics (None: all of them). Raises NotConnected, Timeout."""
        wanted = None if topics is None else frozenset(topics)
        task = self._refreshing.get(wanted)
        if task is None or task.done():
            if self.closed:
                raise Closed("the client is closed")
            coroutine = self._refresh(wanted, self.deadline(timeout_s))
            task = self._refreshing[wanted] = self.scope.spawn(coroutine, "metadata")
            task.add_done_callback(lambda _: self._refreshing.pop(wanted, None))
        await self._shared(task, timeout_s)

    async def _refresh(self, topics: frozenset[str] | None, deadline: float) -> None:
        backoff = self.backoff()
        asked = None if topics is None else [MetadataRequestTopic(name=t) for t in sorted(topics)]
        request = MetadataRequest(
            topics=asked, allow_auto_topic_creation=self.config.allow_auto_create_topics
        )
        while True:
            try:
                attempt = min(deadline, self.deadline(self.config.request_timeout_s))
                answer = await self.ask(
                    None, request, MetadataResponse, attempt, at_most=METADATA_AT_MOST
                )
            except (NotConnected, Timeout):
                await self.pause(backoff, deadline)
                continue
            self._adopt(answer, topics)
            return

    def _adopt(self, answer: MetadataResponse, asked: frozenset[str] | None) -> None:
        if not answer.brokers:
            return  # a broker that has not joined its cluster yet knows nothing
        self.nodes = {
            each.node_id: Node(each.node_id, each.host, each.port, each.rack)
            for each in answer.brokers
        }
        for key in [known for known in self._channels if known != _ANY]:
            if _node_id(key) not in self.nodes:
                self._channels.pop(key).close("no longer in the cluster")
        self.cluster_id = answer.cluster_id
        self.controller_id = answer.controller_id
        if asked is None:
            self.topics = {}
        for topic in answer.topics:
            if topic.name is not None:
                self.topics[topic.name] = _topic_info(topic, self.topics.get(topic.name))

    def leader(self, topic: str, partition: int) -> int:
        """The leader's node id as far as known, else -1."""
        info = self.topics.get(topic)
        if info is None:
            return -1
        found = info.partitions.get(partition)
        return -1 if found is None else found.leader

    def note_leader_epoch(self, topic: str, partition: int, epoch: int) -> None:
        """A record or an offset has shown that somebody has led in this epoch.

        Who tells of an older leader is behind, and what that leader misses is not gone: until
        somebody tells of a leader since there is none (KIP-320).
        """
        info = self.topics.get(topic)
        known = None if info is None else info.partitions.get(partition)
        if info is not None and known is not None and known.leader_epoch < epoch:
            info.partitions[partition] = known._replace(leader=-1, leader_epoch=epoch)

    # --- channels

    def connected(self, node_id: int) -> Channel | None:
        """The open channel to a broker, if there is one; for those who cannot wait."""
        channel = self._channels.get(node_id)
        return channel if channel is not None and channel.closed is None else None

    async def channel(self, node_id: int, timeout_s: float) -> Channel:
        """An open channel to a broker. Raises NotConnected, Timeout, Closed."""
        channel = self.connected(node_id)
        if channel is not None:
            return channel
        opened: Channel = await self._shared(self.open_soon(node_id), timeout_s)
        return opened

    def open_soon(self, node_id: int) -> asyncio.Task[Channel]:
        """The task that connects to a broker; there is one for all who want it. Raises Closed."""
        task = self._opening.get(node_id)
        if task is None or task.done():
            if self.closed:
                raise Closed("the client is closed")
            opening = self._open_any() if node_id == _ANY else self._open(node_id)
            task = self._opening[node_id] = self.scope.spawn(opening, f"connect to {node_id}")
        return task

    async def _open(self, node_id: int) -> Channel:
        node = self.nodes.get(_node_id(node_id))
        if node is None:
            raise NotConnected(f"no broker {_node_id(node_id)} in the cluster")
        backoff, not_before = self._backoffs.get(node_id, (self._reconnect_backoff(), 0.0))
        now = self._loop.time()
        if not_before > now:
            await asyncio.sleep(not_before - now)
        try:
            channel = await self._connect(node.host, node.port)
        except NotConnected:
            self._backoffs[node_id] = (backoff, self._loop.time() + backoff.next_delay_s())
            raise
        self._backoffs.pop(node_id, None)
        self._channels[node_id] = channel
        return channel

    def _reconnect_backoff(self) -> Backoff:
        config = self.config
        return Backoff(self.random, config.reconnect_backoff_ms, config.reconnect_backoff_max_ms)

    async def any_channel(self, timeout_s: float) -> Channel:
        """An open channel to some broker that owes us no answer, or else one of its own.

        A broker answers in order: behind a fetch that waits for records, or a produce that waits
        for a replica that is gone, a question would wait as well. Raises NotConnected, Timeout,
        Closed.
        """
        connected = [
            channel
            for node_id in (*self.nodes, _ANY)
            if (channel := self.connected(node_id)) is not None
        ]
        if connected:
            idlest = min(connected, key=_in_flight)
            if not idlest.in_flight or self.connected(_ANY) is not None:
                return idlest
        return await self.channel(_ANY, timeout_s)

    async def _open_any(self) -> Channel:
        """Try those that are connected first, and of them who owes us the fewest answers."""
        failure: NotConnected | None = None
        connected = [each for node in self.nodes if (each := self.connected(node)) is not None]
        likely = [channel.address for channel in sorted(connected, key=_in_flight)]
        known = [(node.host, node.port) for node in self.nodes.values()]
        for host, port in dict.fromkeys((*likely, *self._addresses, *known)):
            try:
                channel = self._channels[_ANY] = await self._connect(host, port)
            except NotConnected as error:
                failure = error
                continue
            return channel
        assert failure is not None, "there is at least one address"
        raise failure

    async def _connect(self, host: str, port: int) -> Channel:
        try:
            return await open_channel(
                host,
                port,
                client_id=self.config.client_id,
                timeout_s=self.config.connect_timeout_s,
                software=("minikafka-client", "0.1"),
                ssl=self.config.ssl,
            )
        except ChannelError as error:
            raise NotConnected(str(error)) from error

    async def _shared(self, task: asyncio.Task[Any], timeout_s: float) -> Any:
        """The result of a task that others may wait for as well."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wait([task])
        except TimeoutError:
            raise Timeout(f"{task.get_name()}: not in {timeout_s:.3g} s") from None
        if task.cancelled():
            raise Closed("the client was closed")
        return task.result()


def _in_flight(channel: Channel) -> int:
    return channel.in_flight


def _node_id(key: int) -> int:
    return COORDINATOR - key if key <= COORDINATOR else key


def _topic_info(topic: MetadataResponseTopic, known: TopicInfo | None) -> TopicInfo:
    """What the broker says; partitions of a leader epoch older than known stay as known.

    A broker that does not know a topic (any more, or not yet again) may be wrong: its partitions
    stay, without leaders.
    """
    partitions = {}
    if topic.error_code and known is not None:
        partitions = {number: each._replace(leader=-1) for number, each in known.partitions.items()}
    same = known is not None and known.topic_id == topic.topic_id
    for each in topic.partitions:
        info = PartitionInfo(
            each.partition_index,
            each.leader_id,
            each.leader_epoch,
            tuple(each.replica_nodes),
            tuple(each.isr_nodes),
            tuple(each.offline_replicas),
        )
        before = known.partitions.get(info.partition) if same and known is not None else None
        newer = before is not None and before.leader_epoch > info.leader_epoch >= 0
        partitions[info.partition] = before if newer and before is not None else info
    return TopicInfo(
        topic.name or "",
        topic.topic_id,
        topic.is_internal,
        dict(sorted(partitions.items())),
        ErrorCode(topic.error_code),
    )
