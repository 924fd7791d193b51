"""The state of one shard of the group coordinator: its groups, their offsets, their deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from minikafka.coordinators.group.classic_group import ClassicGroup
from minikafka.coordinators.group.timers import Timers
from minikafka.protocol.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from random import Random

    from minikafka.coordinators.decision import Record
    from minikafka.coordinators.group.member import Member
    from minikafka.protocol.records.group.offset_commit_value import OffsetCommitValue
    from minikafka.settings.broker import BrokerSettings

Offsets = dict[str, "dict[int, OffsetCommitValue]"]
"""Committed offsets of a group, by topic and partition."""

SESSION = "session"
JOIN = "join"
SYNC = "sync"


class GroupsState:
    """Owned by one `GroupCoordinator`; commands read it, replay and the rebalance change it."""

    __slots__ = ("groups", "offsets", "pending_offsets", "random", "settings", "timers")

    def __init__(self, settings: BrokerSettings, random: Random) -> None:
        self.settings = settings
        self.random = random
        self.groups: dict[str, ClassicGroup] = {}
        self.offsets: dict[str, Offsets] = {}
        self.pending_offsets: dict[int, list[Record]] = {}
        """Offsets in open transactions, by producer id; they count once a marker commits them."""
        self.timers = Timers()

    def group(self, group_id: str) -> ClassicGroup:
        """The group. Raises KafkaError 25: nobody can be a member of a group that is not there."""
        group = self.groups.get(group_id)
        if group is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return group

    def new_member_id(self, prefix: str) -> str:
        """`prefix` is the client id, or the instance id of a static member."""
        return f"{prefix}-{UUID(int=self.random.getrandbits(128), version=4)}"

    def extend_session(self, group: ClassicGroup, member: Member, now_ms: int) -> None:
        """The member has shown that it lives."""
        self.timers.set(
            (SESSION, group.group_id, member.member_id), now_ms + member.session_timeout_ms
        )

    def end_session(self, group: ClassicGroup, member_id: str) -> None:
        """Nobody waits for this member any more."""
        self.timers.cancel((SESSION, group.group_id, member_id))
