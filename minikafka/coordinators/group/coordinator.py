"""The group coordinator of one partition of `__consumer_offsets`, as a machine.

Commands fill a `Decision`; `replay` takes records in, when loading and after each append. Deadlines
are commands as well: the host says when time has passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minikafka.coordinators.decision import Decision, Moment, Record, Waiter
from minikafka.coordinators.group import (
    commits,
    descriptions,
    expiry,
    joining,
    membership,
    offset_fetches,
    rebalance,
    replay,
    syncing,
)
from minikafka.coordinators.group.state import JOIN, SESSION, SYNC, GroupsState
from minikafka.protocol.coordinator_records import GROUP
from minikafka.protocol.messages.delete_groups import DeletableGroupResult

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from random import Random

    from minikafka.coordinators.group.member import Client
    from minikafka.protocol.messages.describe_groups import DescribedGroup
    from minikafka.protocol.messages.heartbeat import HeartbeatRequest
    from minikafka.protocol.messages.join_group import JoinGroupRequest
    from minikafka.protocol.messages.leave_group import LeaveGroupRequest
    from minikafka.protocol.messages.list_groups import ListedGroup
    from minikafka.protocol.messages.offset_commit import OffsetCommitRequest
    from minikafka.protocol.messages.offset_delete import OffsetDeleteRequest
    from minikafka.protocol.messages.offset_fetch import (
        OffsetFetchRequestGroup,
        OffsetFetchResponseGroup,
    )
    from minikafka.protocol.messages.sync_group import SyncGroupRequest
    from minikafka.settings.broker import BrokerSettings


class GroupCoordinator:
    """Commands raise KafkaError when a request is refused as a whole; then nothing has changed."""

    __slots__ = ("state",)

    schemas = GROUP

    def __init__(self, settings: BrokerSettings, random: Random) -> None:
        self.state = GroupsState(settings, random)

    # -- the log ----------------------------------------------------------------------------------

    def replay(self, record: Record, wall_ms: int) -> None:
        """Take a committed or just appended record in; `wall_ms` is its timestamp."""
        replay.replay(self.state, record, wall_ms)

    def replay_in_transaction(self, producer_id: int, record: Record) -> None:
        """Keep a record of an open transaction back until its marker."""
        self.state.pending_offsets.setdefault(producer_id, []).append(record)

    def end_transaction(self, producer_id: int, wall_ms: int, *, committed: bool) -> None:
        """The marker of a transaction has come."""
        for record in self.state.pending_offsets.pop(producer_id, []):
            if committed:
                self.replay(record, wall_ms)

    def activate(self, now: Moment) -> None:
        """All is loaded: from now on members must show that they live."""
        for group in self.state.groups.values():
            for member in group.members.values():
                self.state.extend_session(group, member, now.now_ms)

    def waiters(self) -> Iterator[Waiter]:
        """Every parked request."""
        for group in self.state.groups.values():
            yield from group.waiters()

    # -- time -------------------------------------------------------------------------------------

    def next_look_ms(self) -> int | None:
        """When `time_passed` should be called at the latest, in loop time."""
        return self.state.timers.next_look_ms()

    def time_passed(self, decision: Decision, now: Moment) -> None:
        """Do what is due."""
        state = self.state
        while (key := state.timers.take_due(now.now_ms)) is not None:
            group = state.groups.get(key[1])
            if group is None:
                continue
            if key[0] == SESSION:
                membership.session_is_over(state, group, key[2], decision, now)
            elif key[0] == JOIN:
                rebalance.join_time_is_over(state, group, decision, now)
            else:
                assert key[0] == SYNC, key
                rebalance.sync_time_is_over(state, group, decision, now)

    def age(self, decision: Decision, now: Moment) -> None:
        """Expire offsets; called every `offsets.retention.check.interval.ms`."""
        expiry.expire_offsets(self.state, decision, now)

    # -- membership -------------------------------------------------------------------------------

    def join(
        self,
        request: JoinGroupRequest,
        client: Client,
        waiter: Waiter,
        decision: Decision,
        now: Moment,
    ) -> None:
        """JoinGroup."""
        joining.join(self.state, request, client, waiter, decision, now)

    def sync(
        self,
        request: SyncGroupRequest,
        version: int,
        waiter: Waiter,
        decision: Decision,
        now: Moment,
    ) -> None:
        """SyncGroup."""
        syncing.sync(self.state, request, version, waiter, decision, now)

    def heartbeat(
        self, request: HeartbeatRequest, waiter: Waiter, decision: Decision, now: Moment
    ) -> None:
        """Heartbeat."""
        membership.heartbeat(self.state, request, waiter, decision, now)

    def leave(
        self,
        request: LeaveGroupRequest,
        version: int,
        waiter: Waiter,
        decision: Decision,
        now: Moment,
    ) -> None:
        """LeaveGroup."""
        membership.leave(self.state, request, version, waiter, decision, now)

    # -- offsets ----------------------------------------------------------------------------------

    def commit(
        self,
        request: OffsetCommitRequest,
        version: int,
        waiter: Waiter,
        decision: Decision,
        now: Moment,
    ) -> None:
        """OffsetCommit, of topics that exist."""
        commits.commit(self.state, request, version, waiter, decision, now)

    def delete_offsets(
        self, request: OffsetDeleteRequest, waiter: Waiter, decision: Decision
    ) -> None:
        """OffsetDelete, of partitions that exist."""
        commits.delete(self.state, request, waiter, decision)

    def fetch_offsets(
        self, request: OffsetFetchRequestGroup, *, require_stable: bool
    ) -> OffsetFetchResponseGroup:
        """OffsetFetch of one group."""
        return offset_fetches.fetch(self.state, request, require_stable=require_stable)

    # -- groups -----------------------------------------------------------------------------------

    def describe(self, group_id: str, version: int) -> DescribedGroup:
        """DescribeGroups of one group."""
        return descriptions.describe(self.state, group_id, version)

    def list_groups(self, states: Collection[str], types: Collection[str]) -> list[ListedGroup]:
        """ListGroups of this shard."""
        return descriptions.list_groups(self.state, states, types)

    def delete_group(self, group_id: str, waiter: Waiter, decision: Decision) -> None:
        """DeleteGroups of one group."""
        expiry.delete_group(self.state, group_id, decision)
        decision.answer(waiter, DeletableGroupResult(group_id=group_id))
