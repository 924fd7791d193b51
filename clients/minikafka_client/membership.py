"""A member of a classic consumer group: joins, shares partitions out, heartbeats, leaves.

    joining ──JoinGroup, SyncGroup──> stable ──27, 22, 25 or metadata changed──> joining

With eager assignors a member gives up everything before it joins; with cooperative-sticky alone it
keeps consuming, gives up what it is told to, and joins again so that others may have it (KIP-429).
The hooks are awaited: `on_revoked` before a partition may go to somebody else, `on_assigned` before
its first record. When the group has thrown the member out, nothing can be committed any more, and
`on_lost` is awaited instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from struct import Struct
from struct import error as struct_error
from typing import Final

from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode, ProtocolError
from minikafka.protocol.messages import consumer_protocol_assignment as assignment_schema
from minikafka.protocol.messages import consumer_protocol_subscription as subscription_schema
from minikafka.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from minikafka.protocol.messages.join_group import (
    JoinGroupRequest,
    JoinGroupRequestProtocol,
    JoinGroupResponse,
)
from minikafka.protocol.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberIdentity,
)
from minikafka.protocol.messages.sync_group import (
    SyncGroupRequest,
    SyncGroupRequestAssignment,
    SyncGroupResponse,
)
from minikafka_client.assignors import ASSIGNORS, Subscription
from minikafka_client.cluster import Cluster
from minikafka_client.errors import BrokerError, NotConnected, Timeout
from minikafka_client.fetched import TopicPartition
from minikafka_client.group_coordinator import GroupCoordinator

COOPERATIVE: Final = "cooperative-sticky"
_PROTOCOL_TYPE: Final = "consumer"
_VERSION: Final = Struct(">h")
_SUBSCRIPTION_VERSION: Final = 3
_ASSIGNMENT_VERSION: Final = 1
_JOIN_SLACK_S: Final = 5.0
_REJOIN: Final = (ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.MEMBER_ID_REQUIRED)
_THROWN_OUT: Final = (ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION)

Hook = Callable[[list[TopicPartition]], Awaitable[None]]


class GroupSettings:
    """What a member tells its group, and how often it does; times in ms."""

    __slots__ = (
        "assignors",
        "heartbeat_interval_ms",
        "instance_id",
        "rebalance_timeout_ms",
        "session_timeout_ms",
    )

    def __init__(
        self,
        *,
        assignors: Sequence[str],
        session_timeout_ms: int,
        rebalance_timeout_ms: int,
        heartbeat_interval_ms: int,
        instance_id: str | None,
    ) -> None:
        self.assignors = tuple(assignors)
        self.session_timeout_ms = session_timeout_ms
        self.rebalance_timeout_ms = rebalance_timeout_ms
        self.heartbeat_interval_ms = heartbeat_interval_ms
        self.instance_id = instance_id


class Membership:
    """Owns what the member holds: `owned`. The consumer's hooks do the rest."""

    def __init__(
        self,
        cluster: Cluster,
        coordinator: GroupCoordinator,
        topics: Sequence[str],
        settings: GroupSettings,
        *,
        assigned: Hook,
        revoked: Hook,
        lost: Hook,
        failed: Callable[[BrokerError], None],
    ) -> None:
        self.owned: list[TopicPartition] = []
        self.cooperative = settings.assignors == (COOPERATIVE,)
        self._cluster = cluster
        self._coordinator = coordinator
        self._topics = tuple(topics)
        self._settings = settings
        self._assigned, self._revoked, self._lost = assigned, revoked, lost
        self._failed = failed
        self._counts: dict[str, int] = {}
        self._claimed: list[TopicPartition] = []  # given up only to get it again, by sticky
        coordinator.instance_id = settings.instance_id

    async def run(self) -> None:
        """Be a member until cancelled, or until the group refuses for good."""
        backoff = self._cluster.backoff()
        while True:
            try:
                if await self._join():
                    backoff.reset()
                    await self._stay()
            except BrokerError as error:
                if error.code in _THROWN_OUT:
                    await self._forget(keep_id=error.code != ErrorCode.UNKNOWN_MEMBER_ID)
                elif error.code not in _REJOIN and not error.retriable:
                    self._failed(error)
                    return
            except (NotConnected, Timeout):
                pass  # the session may last; if not, the coordinator will say so
            else:
                continue
            await asyncio.sleep(backoff.next_delay_s())

    async def leave(self, deadline: float) -> None:
        """Tell the group; static members keep their place for the session's time."""
        coordinator = self._coordinator
        if not coordinator.member_id or self._settings.instance_id is not None:
            return
        member = MemberIdentity(member_id=coordinator.member_id, reason="the consumer is closed")
        request = LeaveGroupRequest(group_id=coordinator.group_id, members=[member])
        await coordinator.ask(request, LeaveGroupResponse, deadline, 5)
        coordinator.member_id, coordinator.generation = "", -1

    # --- joining

    async def _join(self) -> bool:
        """Join and get an assignment; False when it has to be done once more."""
        if not self.cooperative and self.owned:
            self._claimed = self.owned
            await self._give_up(self.owned)
        coordinator, settings = self._coordinator, self._settings
        timeout_s = settings.rebalance_timeout_ms / 1000 + _JOIN_SLACK_S
        request = JoinGroupRequest(
            group_id=coordinator.group_id,
            session_timeout_ms=settings.session_timeout_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            member_id=coordinator.member_id,
            group_instance_id=settings.instance_id,
            protocol_type=_PROTOCOL_TYPE,
            protocols=[
                JoinGroupRequestProtocol(name=name, metadata=self._subscription())
                for name in settings.assignors
            ],
        )
        deadline = self._cluster.deadline(timeout_s)
        answer = await coordinator.ask(
            request, JoinGroupResponse, deadline, 9, patience_s=timeout_s
        )
        if answer.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            coordinator.member_id = answer.member_id
            return False
        coordinator.check(answer.error_code)
        coordinator.member_id, coordinator.generation = answer.member_id, answer.generation_id
        shares: list[SyncGroupRequestAssignment] = []
        if answer.leader == answer.member_id and not answer.skip_assignment:
            shares = await self._share_out(answer)
        return await self._sync(answer.protocol_name or "", shares)

    def _subscription(self) -> bytes:
        owned: dict[str, list[int]] = {}
        for topic, partition in self.owned or self._claimed:
            owned.setdefault(topic, []).append(partition)
        subscription = subscription_schema.ConsumerProtocolSubscription(
            topics=sorted(self._topics),
            owned_partitions=[
                subscription_schema.TopicPartition(topic=topic, partitions=each)
                for topic, each in owned.items()
            ],
            generation_id=self._coordinator.generation if owned else -1,
        )
        return _VERSION.pack(_SUBSCRIPTION_VERSION) + encode(subscription, _SUBSCRIPTION_VERSION)

    async def _share_out(self, answer: JoinGroupResponse) -> list[SyncGroupRequestAssignment]:
        """The leader's work."""
        members = {}
        for each in answer.members:
            members[each.member_id] = _read_subscription(each.metadata, each.group_instance_id)
        topics = sorted({topic for each in members.values() for topic in each.topics})
        await self._cluster.refresh(topics, self._cluster.config.request_timeout_s)
        self._counts = self._count(topics)
        assign = ASSIGNORS[answer.protocol_name or ""]
        return [
            SyncGroupRequestAssignment(member_id=member, assignment=_write_assignment(places))
            for member, places in assign(members, self._counts).items()
        ]

    async def _sync(self, protocol: str, shares: list[SyncGroupRequestAssignment]) -> bool:
        coordinator, settings = self._coordinator, self._settings
        request = SyncGroupRequest(
            group_id=coordinator.group_id,
            generation_id=coordinator.generation,
            member_id=coordinator.member_id,
            group_instance_id=settings.instance_id,
            protocol_type=_PROTOCOL_TYPE,
            protocol_name=protocol,
            assignments=shares,
        )
        timeout_s = settings.rebalance_timeout_ms / 1000 + _JOIN_SLACK_S
        deadline = self._cluster.deadline(timeout_s)
        answer = await coordinator.ask(
            request, SyncGroupResponse, deadline, 5, patience_s=timeout_s
        )
        coordinator.check(answer.error_code)
        wanted = read_assignment(answer.assignment)
        gone = [place for place in self.owned if place not in wanted]
        new = [place for place in wanted if place not in self.owned]
        if gone:
            await self._give_up(gone)
        await self._assigned(new)
        self._claimed = []
        self.owned += new
        return not gone  # else they wait for us to join again without them

    # --- being a member

    async def _stay(self) -> None:
        """Heartbeat until the group rebalances or a topic has grown.

        A coordinator that has moved or does not answer takes no partitions away: the next one knows
        the group. Raises BrokerError when it has thrown us out.
        """
        interval_s = self._settings.heartbeat_interval_ms / 1000
        next_look = self._cluster.deadline(self._cluster.config.metadata_max_age_ms / 1000)
        backoff = self._cluster.backoff()
        delay_s = interval_s
        while True:
            await asyncio.sleep(delay_s)
            try:
                if await self._heartbeat() == ErrorCode.REBALANCE_IN_PROGRESS:
                    return
            except (NotConnected, Timeout, BrokerError) as error:
                if not error.retriable:
                    raise
                delay_s = min(interval_s, backoff.next_delay_s())
                continue
            backoff.reset()
            delay_s = interval_s
            if self._counts and self._cluster.deadline(0) > next_look:
                next_look = self._cluster.deadline(self._cluster.config.metadata_max_age_ms / 1000)
                topics = sorted(self._counts)
                with contextlib.suppress(NotConnected, Timeout):  # another time, then
                    await self._cluster.refresh(topics, self._cluster.config.request_timeout_s)
                if self._count(topics) != self._counts:
                    return

    async def _heartbeat(self) -> int:
        """REBALANCE_IN_PROGRESS or NONE. Raises BrokerError, NotConnected, Timeout."""
        coordinator = self._coordinator
        request = HeartbeatRequest(
            group_id=coordinator.group_id,
            generation_id=coordinator.generation,
            member_id=coordinator.member_id,
            group_instance_id=self._settings.instance_id,
        )
        # One that does not answer is given up while there is time to find another.
        deadline = self._cluster.deadline(self._settings.session_timeout_ms / 3000)
        answer = await coordinator.ask(request, HeartbeatResponse, deadline, 4)
        if answer.error_code != ErrorCode.REBALANCE_IN_PROGRESS:
            coordinator.check(answer.error_code)
        return answer.error_code

    def _count(self, topics: Sequence[str]) -> dict[str, int]:
        known = self._cluster.topics
        return {topic: len(known[topic].partitions) for topic in topics if topic in known}

    async def _give_up(self, places: list[TopicPartition]) -> None:
        gone = list(places)
        try:
            await self._revoked(gone)
        finally:
            self.owned = [place for place in self.owned if place not in gone]

    async def _forget(self, keep_id: bool) -> None:
        """The group goes on without us: what we owned may be somebody else's already."""
        coordinator = self._coordinator
        coordinator.generation = -1
        if not keep_id:
            coordinator.member_id = ""
        gone, self.owned, self._claimed = self.owned, [], []
        if gone:
            await self._lost(gone)


def _read_subscription(data: bytes, instance_id: str | None) -> Subscription:
    """Raises BrokerError for what is none."""
    cls = subscription_schema.ConsumerProtocolSubscription
    try:
        version = min(max(_VERSION.unpack_from(data)[0], 0), cls.versions[1])
        found = decode(cls, version, data, 2)[0]
    except (ProtocolError, struct_error) as error:
        raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, message=str(error)) from error
    owned = [
        TopicPartition(each.topic, number)
        for each in found.owned_partitions
        for number in each.partitions
    ]
    return Subscription(found.topics, owned, found.generation_id, instance_id)


def _write_assignment(places: Sequence[TopicPartition]) -> bytes:
    topics: dict[str, list[int]] = {}
    for topic, partition in places:
        topics.setdefault(topic, []).append(partition)
    assignment = assignment_schema.ConsumerProtocolAssignment(
        assigned_partitions=[
            assignment_schema.TopicPartition(topic=topic, partitions=sorted(each))
            for topic, each in sorted(topics.items())
        ]
    )
    return _VERSION.pack(_ASSIGNMENT_VERSION) + encode(assignment, _ASSIGNMENT_VERSION)


def read_assignment(data: bytes) -> list[TopicPartition]:
    """An empty one is empty bytes as well: a member that the leader has not heard of."""
    if not data:
        return []
    cls = assignment_schema.ConsumerProtocolAssignment
    version = min(max(_VERSION.unpack_from(data)[0], 0), cls.versions[1])
    found = decode(cls, version, data, 2)[0]
    return [
        TopicPartition(each.topic, number)
        for each in found.assigned_partitions
        for number in each.partitions
    ]
