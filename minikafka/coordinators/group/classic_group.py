"""A classic group: members, generation, protocol, leader, and the state it is in.

    Empty               no members; offsets may be kept
    PreparingRebalance  members are called to join; ends when all have, or the time is over
    CompletingRebalance a generation has begun; its leader owes the assignment
    Stable              everybody has an assignment

A generation is one agreement on who takes part. Each rebalance begins the next.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from minikafka.coordinators.group.subscriptions import subscribed_topics
from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from minikafka.coordinators.decision import Waiter
    from minikafka.coordinators.group.member import Member, Protocols

CONSUMER_PROTOCOL_TYPE = "consumer"


class GroupState(Enum):
    """The state of a group, by the name that clients are told."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"


class ClassicGroup:
    """The state of one group. `timestamp` (wall ms) is when it came into its state."""

    __slots__ = (
        "_supporters",
        "_topics",
        "generation",
        "group_id",
        "is_initial_rebalance",
        "joined_count",
        "leader",
        "member_was_added",
        "members",
        "pending_members",
        "pending_syncs",
        "protocol",
        "protocol_type",
        "remaining_delay_ms",
        "state",
        "static_members",
        "timestamp",
    )

    def __init__(self, group_id: str, wall_ms: int) -> None:
        self.group_id = group_id
        self.state = GroupState.EMPTY
        self.timestamp = wall_ms
        self.generation = 0
        self.protocol_type: str | None = None
        self.protocol: str | None = None
        self.leader: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}
        """Member id by instance id."""
        self.pending_members: dict[str, None] = {}
        """Member ids given out with MEMBER_ID_REQUIRED and not joined with yet (KIP-394)."""
        self.pending_syncs: dict[str, None] = {}
        """Members of this generation whose SyncGroup has not come yet."""
        self.joined_count = 0
        self.is_initial_rebalance = False
        self.member_was_added = False
        self.remaining_delay_ms = 0
        """How much longer a new group may wait because somebody came."""
        self._supporters: dict[str, int] = {}
        self._topics: frozenset[str] | None = frozenset()

    # -- states -----------------------------------------------------------------------------------

    def enter(self, state: GroupState, wall_ms: int) -> None:
        """Go to `state`."""
        self.state = state
        self.timestamp = wall_ms

    @property
    def is_preparing(self) -> bool:
        """Whether members are being called to join."""
        return self.state is GroupState.PREPARING_REBALANCE

    @property
    def everybody_joined(self) -> bool:
        """Whether each known member has a JoinGroup parked, and nobody else is on the way."""
        return self.joined_count == len(self.members) and not self.pending_members

    @property
    def rebalance_timeout_ms(self) -> int:
        """How long the slowest member may take to join."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    # -- members ----------------------------------------------------------------------------------

    def add(self, member: Member, protocol_type: str) -> None:
        """Take a member in; the first one leads and decides the protocol type."""
        if not self.members:
            self.protocol_type = protocol_type
        if self.leader is None:
            self.leader = member.member_id
        self.members[member.member_id] = member
        self.pending_members.pop(member.member_id, None)
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.member_id
        self._count(member.protocols, 1)

    def remove(self, member_id: str) -> Member | None:
        """Let a member go, with whatever it has parked; returns it."""
        self.pending_members.pop(member_id, None)
        self.pending_syncs.pop(member_id, None)
        member = self.members.pop(member_id, None)
        if member is None:
            return None
        self._count(member.protocols, -1)
        if member.instance_id is not None:
            self.static_members.pop(member.instance_id, None)
        if member.join_waiter is not None:
            self.joined_count -= 1
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)
        return member

    def rename(self, member: Member, member_id: str) -> None:
        """A static member has come back under a new member id; it keeps place and leadership."""
        assert member.instance_id is not None
        self.members = {
            (member_id if each is member else each.member_id): each
            for each in self.members.values()
        }
        if self.leader == member.member_id:
            self.leader = member_id
        if member.member_id in self.pending_syncs:
            del self.pending_syncs[member.member_id]
            self.pending_syncs[member_id] = None
        self.static_members[member.instance_id] = member_id
        member.member_id = member_id

    def set_protocols(self, member: Member, protocols: Protocols) -> None:
        """A member joins again and says what it supports now."""
        self._count(member.protocols, -1)
        member.protocols = protocols
        self._count(protocols, 1)

    def park_join(self, member: Member, waiter: Waiter) -> None:
        """Keep a member's JoinGroup until the generation begins."""
        if member.join_waiter is None:
            self.joined_count += 1
        member.join_waiter = waiter

    def take_join(self, member: Member) -> Waiter | None:
        """The parked JoinGroup of a member, about to be answered."""
        waiter, member.join_waiter = member.join_waiter, None
        if waiter is not None:
            self.joined_count -= 1
        return waiter

    def waiters(self) -> Iterator[Waiter]:
        """Every request that is parked here."""
        for member in self.members.values():
            for waiter in (member.join_waiter, member.sync_waiter):
                if waiter is not None:
                    yield waiter

    def check_member(self, member_id: str, instance_id: str | None) -> Member:
        """The member that a request names.

        Raises KafkaError: 25 unknown, 82 when the instance id belongs to another member by now.
        """
        if instance_id is not None:
            owner = self.static_members.get(instance_id)
            if owner is None:
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
            if owner != member_id:
                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID)
        member = self.members.get(member_id)
        if member is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return member

    def check_generation(self, generation: int) -> None:
        """Raises KafkaError 22 unless the request is of the present generation."""
        if generation != self.generation:
            raise KafkaError(ErrorCode.ILLEGAL_GENERATION)

    # -- protocols --------------------------------------------------------------------------------

    def _count(self, protocols: Protocols, by: int) -> None:
        for name in {name for name, _ in protocols}:
            self._supporters[name] = self._supporters.get(name, 0) + by

    def candidates(self) -> set[str]:
        """The protocols that every member supports."""
        everybody = len(self.members)
        return {name for name, supporters in self._supporters.items() if supporters == everybody}

    def accepts(self, protocol_type: str, names: Iterable[str]) -> bool:
        """Whether somebody with these protocols can take part."""
        if not self.members:
            return bool(protocol_type) and any(True for _ in names)
        return self.protocol_type == protocol_type and not self.candidates().isdisjoint(names)

    def elect_protocol(self) -> str:
        """The protocol with the most votes among those that all support."""
        candidates = self.candidates()
        votes: dict[str, int] = {}
        for member in self.members.values():
            choice = member.vote(candidates)
            votes[choice] = votes.get(choice, 0) + 1
        return max(votes, key=lambda name: votes[name])

    # -- generations ------------------------------------------------------------------------------

    def begin_generation(self, wall_ms: int) -> None:
        """The next generation, of those that are members now."""
        self.generation += 1
        self.pending_syncs = {}
        self.is_initial_rebalance = False
        if self.members:
            self.protocol = self.elect_protocol()
            self.enter(GroupState.COMPLETING_REBALANCE, wall_ms)
        else:
            self.protocol = None
            self.leader = None
            self.enter(GroupState.EMPTY, wall_ms)
        self.note_subscriptions()

    def note_subscriptions(self) -> None:
        """Read from the members' metadata which topics the group reads."""
        self._topics = None
        if not self.members:
            self._topics = frozenset()
        elif self.protocol_type == CONSUMER_PROTOCOL_TYPE and self.protocol is not None:
            self._topics = subscribed_topics(
                member.metadata(self.protocol) for member in self.members.values()
            )

    def subscribed_topics(self) -> frozenset[str] | None:
        """The topics that members of a consumer group read; None when nobody can tell."""
        return self._topics

    def reads(self, topic: str) -> bool:
        """Whether offsets of `topic` are in use by members."""
        if self.protocol_type != CONSUMER_PROTOCOL_TYPE:
            return False
        return self._topics is None or topic in self._topics
