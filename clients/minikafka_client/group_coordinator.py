"""Requests to the broker that coordinates a group, over a connection of their own.

Answers of a connection come in order, and JoinGroup may take minutes: fetches must not wait behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from minikafka.protocol.errors import ErrorCode, error_code
from minikafka.protocol.messages.find_coordinator import (
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from minikafka.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
)
from minikafka.protocol.types import Message
from minikafka_client.cluster import COORDINATOR, Cluster
from minikafka_client.errors import BrokerError, NotConnected, Timeout
from minikafka_client.fetched import TopicPartition

R = TypeVar("R", bound=Message)

_NAMES_AT_MOST: Final = 9
"""Later versions of OffsetCommit and OffsetFetch name topics by id."""
_FIND_AT_MOST: Final = 4
_GROUP_KEY: Final = 0
_MOVED: Final = (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE)


class GroupCoordinator:
    """The coordinator of one group: found when first asked, and again when it has moved."""

    def __init__(self, cluster: Cluster, group_id: str) -> None:
        self.group_id = group_id
        self.member_id = ""
        self.instance_id: str | None = None
        self.generation = -1
        self._cluster = cluster
        self._node: int | None = None

    async def ask(
        self,
        request: Message,
        response: type[R],
        deadline: float,
        at_most: int | None = None,
        *,
        patience_s: float | None = None,
    ) -> R:
        """One question, tried once. Raises NotConnected, Timeout, BrokerError."""
        if self._node is None:
            self._node = await self._find(deadline)
        try:
            node = COORDINATOR - self._node
            return await self._cluster.ask(
                node, request, response, deadline, at_most=at_most, patience_s=patience_s
            )
        except (NotConnected, Timeout):
            self._node = None
            raise

    async def _find(self, deadline: float) -> int:
        request = FindCoordinatorRequest(coordinator_keys=[self.group_id], key_type=_GROUP_KEY)
        answer = await self._cluster.ask(
            None, request, FindCoordinatorResponse, deadline, at_most=_FIND_AT_MOST
        )
        (found,) = answer.coordinators
        self.check(found.error_code, found.error_message)
        if found.node_id not in self._cluster.nodes:
            await self._cluster.refresh([], self._cluster.remaining(deadline))
        return found.node_id

    def check(self, code: int, message: str | None = None) -> None:
        """Raises BrokerError for a code; forgets the coordinator when it has moved."""
        if code:
            if code in _MOVED:
                self._node = None
            raise BrokerError(code, f"group {self.group_id}", message)

    async def commit(
        self,
        offsets: Mapping[TopicPartition, int],
        epochs: Mapping[TopicPartition, int],
        deadline: float,
    ) -> None:
        """Store offsets for the group, with the leader epochs they were reached in, as far as
        known. Raises BrokerError, Timeout."""
        topics: dict[str, list[OffsetCommitRequestPartition]] = {}
        for place, offset in offsets.items():
            wanted = OffsetCommitRequestPartition(
                partition_index=place[1],
                committed_offset=offset,
                committed_leader_epoch=epochs.get(place, -1),
                committed_metadata="",
            )
            topics.setdefault(place[0], []).append(wanted)
        backoff = self._cluster.backoff()
        while True:
            request = OffsetCommitRequest(
                group_id=self.group_id,
                generation_id_or_member_epoch=self.generation,
                member_id=self.member_id,
                group_instance_id=self.instance_id,
                topics=[
                    OffsetCommitRequestTopic(name=name, partitions=each)
                    for name, each in topics.items()
                ],
            )
            try:
                answer = await self.ask(request, OffsetCommitResponse, deadline, _NAMES_AT_MOST)
                for answered in answer.topics:
                    for each in answered.partitions:
                        self.check(each.error_code)
                return
            except (NotConnected, BrokerError) as error:
                if not error.retriable:
                    raise
                await self._cluster.pause(backoff, deadline)

    async def committed(
        self, places: list[TopicPartition] | None, deadline: float
    ) -> dict[TopicPartition, int]:
        """The group's offsets (None: all); partitions without are left out.

        Raises BrokerError, Timeout.
        """
        topics: dict[str, list[int]] = {}
        for topic, partition in places or ():
            topics.setdefault(topic, []).append(partition)
        asked = [
            OffsetFetchRequestTopics(name=name, partition_indexes=each)
            for name, each in topics.items()
        ]
        group = OffsetFetchRequestGroup(
            group_id=self.group_id, topics=None if places is None else asked
        )
        request = OffsetFetchRequest(groups=[group], require_stable=True)
        backoff = self._cluster.backoff()
        while True:
            try:
                answer = await self.ask(request, OffsetFetchResponse, deadline, _NAMES_AT_MOST)
                return self._committed(answer)
            except (NotConnected, BrokerError) as error:
                if not error.retriable:
                    raise
                await self._cluster.pause(backoff, deadline)

    def _committed(self, answer: OffsetFetchResponse) -> dict[TopicPartition, int]:
        (group,) = answer.groups
        self.check(group.error_code)
        found = {}
        for topic in group.topics:
            for each in topic.partitions:
                if error_code(each.error_code) != ErrorCode.NONE:
                    raise BrokerError(each.error_code, f"{topic.name}-{each.partition_index}")
                if each.committed_offset >= 0:
                    place = TopicPartition(topic.name, each.partition_index)
                    found[place] = each.committed_offset
                    self._cluster.note_leader_epoch(*place, each.committed_leader_epoch)
        return found
