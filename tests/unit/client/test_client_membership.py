"""A member and a coordinator that moves, is silent, or has thrown the member out."""

from collections.abc import Callable
from typing import Any

import pytest
from harness.scripted import TOPIC, ScriptedCluster, ScriptedNode

from minikafka.protocol.apis import ApiKey
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.fetch import FetchResponse
from minikafka.protocol.messages.find_coordinator import Coordinator, FindCoordinatorResponse
from minikafka.protocol.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from minikafka.protocol.messages.join_group import (
    JoinGroupRequest,
    JoinGroupResponse,
    JoinGroupResponseMember,
)
from minikafka.protocol.messages.leave_group import LeaveGroupResponse
from minikafka.protocol.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from minikafka.protocol.messages.offset_fetch import OffsetFetchResponse, OffsetFetchResponseGroup
from minikafka.protocol.messages.sync_group import SyncGroupRequest, SyncGroupResponse
from minikafka.protocol.types import Message
from minikafka_client import Consumer, TopicPartition

PLACE = TopicPartition(TOPIC, 0)


class ScriptedGroup:
    """A group of one member; `coordinator` is the node that answers for it."""

    def __init__(self, cluster: ScriptedCluster) -> None:
        self.coordinator = 0
        self.joined = 0
        self.thrown_out = False
        self.revoked: list[list[TopicPartition]] = []
        self._cluster = cluster
        of_group: dict[ApiKey, Callable[[Any], Message]] = {
            ApiKey.JOIN_GROUP: self._join,
            ApiKey.SYNC_GROUP: self._sync,
            ApiKey.HEARTBEAT: self._heartbeat,
            ApiKey.OFFSET_FETCH: lambda _: OffsetFetchResponse(
                groups=[OffsetFetchResponseGroup(group_id="g")]
            ),
            ApiKey.OFFSET_COMMIT: lambda _: _committed(ErrorCode.NONE),
            ApiKey.LEAVE_GROUP: lambda _: LeaveGroupResponse(),
        }
        for node in cluster.nodes:
            for key, answer in of_group.items():
                node.answers[key] = self._if_coordinator(node, key, answer)
            node.answers[ApiKey.FIND_COORDINATOR] = self._find
            node.answers[ApiKey.LIST_OFFSETS] = lambda _: _offset(0)
            node.answers[ApiKey.FETCH] = lambda _: FetchResponse()

    def heartbeats(self, node: int) -> int:
        return self._cluster.nodes[node].asked[ApiKey.HEARTBEAT]

    async def beats(self, node: int, count: int = 2) -> None:
        """Wait until a node has got some more heartbeats."""
        wanted = self.heartbeats(node) + count
        await self._cluster.until(lambda: self.heartbeats(node) >= wanted)

    async def on_revoked(self, places: list[TopicPartition]) -> None:
        self.revoked.append(places)

    def _if_coordinator(
        self, node: ScriptedNode, key: ApiKey, answer: Callable[[Any], Message]
    ) -> Callable[[Any], Message]:
        def decide(request: Any) -> Message:
            if node.node_id == self.coordinator:
                return answer(request)
            if key == ApiKey.OFFSET_COMMIT:
                return _committed(ErrorCode.NOT_COORDINATOR)
            assert key == ApiKey.HEARTBEAT, f"{key.name} of a member that has found the coordinator"
            return HeartbeatResponse(error_code=ErrorCode.NOT_COORDINATOR)

        return decide

    def _find(self, _: object) -> FindCoordinatorResponse:
        node = self._cluster.nodes[self.coordinator]
        found = Coordinator(key="g", node_id=node.node_id, host="127.0.0.1", port=node.port)
        return FindCoordinatorResponse(coordinators=[found])

    def _join(self, request: JoinGroupRequest) -> JoinGroupResponse:
        self.joined += 1
        (protocol,) = request.protocols
        member_id = request.member_id or f"member-{self.joined}"
        return JoinGroupResponse(
            generation_id=self.joined,
            protocol_name=protocol.name,
            leader=member_id,
            member_id=member_id,
            members=[JoinGroupResponseMember(member_id=member_id, metadata=protocol.metadata)],
        )

    def _sync(self, request: SyncGroupRequest) -> SyncGroupResponse:
        (share,) = request.assignments
        return SyncGroupResponse(assignment=share.assignment)

    def _heartbeat(self, request: HeartbeatRequest) -> HeartbeatResponse:
        if self.thrown_out:
            self.thrown_out = False
            return HeartbeatResponse(error_code=ErrorCode.UNKNOWN_MEMBER_ID)
        return HeartbeatResponse()


def _committed(code: ErrorCode) -> OffsetCommitResponse:
    partition = OffsetCommitResponsePartition(partition_index=0, error_code=code)
    topic = OffsetCommitResponseTopic(name=TOPIC, partitions=[partition])
    return OffsetCommitResponse(topics=[topic])


def _offset(offset: int) -> ListOffsetsResponse:
    partition = ListOffsetsPartitionResponse(partition_index=0, offset=offset)
    return ListOffsetsResponse(
        topics=[ListOffsetsTopicResponse(name=TOPIC, partitions=[partition])]
    )


@pytest.fixture
def group(scripted: ScriptedCluster) -> ScriptedGroup:
    return ScriptedGroup(scripted)


def member(scripted: ScriptedCluster, group: ScriptedGroup) -> Consumer:
    return Consumer(
        scripted.bootstrap,
        TOPIC,
        group="g",
        heartbeat_interval_ms=5,
        session_timeout_ms=60_000,
        retry_backoff_ms=5,
        reconnect_backoff_ms=5,
        auto_commit_ms=None,
        on_revoked=group.on_revoked,
    )


async def test_a_coordinator_that_moves_costs_no_rebalance(
    scripted: ScriptedCluster, group: ScriptedGroup
) -> None:
    async with member(scripted, group) as consumer:
        await group.beats(0)
        group.coordinator = 1
        await consumer.commit({PLACE: 5})
        assert scripted.nodes[1].asked[ApiKey.OFFSET_COMMIT] == 1
        await group.beats(1)
        # It dies; the group is loaded elsewhere.
        group.coordinator = 0
        await scripted.nodes[1].stop()
        await group.beats(0)
        assert (group.joined, group.revoked, consumer.assignment) == (1, [], [PLACE])
    assert group.revoked == [[PLACE]]


async def test_a_member_that_was_thrown_out_joins_again(
    scripted: ScriptedCluster, group: ScriptedGroup
) -> None:
    async with member(scripted, group) as consumer:
        await group.beats(0)
        group.thrown_out = True
        await scripted.until(lambda: group.joined == 2)
        await group.beats(0)
        assert group.revoked == [[PLACE]]
        assert consumer.assignment == [PLACE]
