"""DescribeQuorum (55), answered by the node that leads the quorum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikafka.metadata.topic_names import METADATA_TOPIC
from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumResponsePartitionData,
    DescribeQuorumResponseTopicData,
    Listener,
    Node,
    ReplicaState,
)
from minikafka.raft.progress import ReplicaProgress

if TYPE_CHECKING:
    from minikafka.metadata.image import MetadataImage
    from minikafka.raft.node import RaftNode
    from minikafka.raft.voters import Voter

_METADATA_PARTITION: Final = 0
_WITH_NODES: Final = 2
_UNKNOWN: Final = -1
OBSERVER_SESSION_MS: Final = 300_000
"""An observer that has not fetched for so long is not listed any more."""


def describe_quorum(
    request: DescribeQuorumRequest,
    version: int,
    *,
    node: RaftNode,
    image: MetadataImage,
    log_end_offset: int,
    wall_ms: int,
    now_ms: int,
) -> DescribeQuorumResponse:
    """The state of the one partition that has a quorum; 3 for all others.

    `image` knows where controllers listen; `wall_ms` is the time, and `now_ms` the same moment by
    the clock that fetches are timed by.
    """
    asked = [(t.topic_name, p.partition_index) for t in request.topics for p in t.partitions]
    if asked != [(METADATA_TOPIC, _METADATA_PARTITION)]:
        return _unknown_partitions(request) if asked else _nothing_asked(request)
    replicas = _Replicas(node, log_end_offset, wall_ms=wall_ms, behind_ms=wall_ms - now_ms)
    with_directory = version >= _WITH_NODES
    partition = DescribeQuorumResponsePartitionData(
        partition_index=_METADATA_PARTITION,
        leader_id=node.leader_id,
        leader_epoch=node.epoch,
        high_watermark=node.high_watermark,
        current_voters=[replicas.voter(v, with_directory=with_directory) for v in node.voters],
        observers=replicas.observers(now_ms, with_directory=with_directory),
    )
    return DescribeQuorumResponse(
        topics=[DescribeQuorumResponseTopicData(topic_name=METADATA_TOPIC, partitions=[partition])],
        nodes=[_node(voter, image) for voter in node.voters] if version >= _WITH_NODES else [],
    )


class _Replicas:
    """How far each replica is, as the leader knows it."""

    def __init__(
        self, node: RaftNode, log_end_offset: int, *, wall_ms: int, behind_ms: int
    ) -> None:
        self._node = node
        self._log_end_offset = log_end_offset
        self._wall_ms = wall_ms
        self._behind_ms = behind_ms
        progress = node.progress
        self._known = [] if progress is None else list(progress)

    def voter(self, voter: Voter, *, with_directory: bool) -> ReplicaState:
        """A voter; where its directory is not part of who it is, the one last heard of."""
        if voter.node_id == self._node.node_id:
            state = ReplicaState(
                replica_id=voter.node_id,
                log_end_offset=self._log_end_offset,
                last_fetch_timestamp=self._wall_ms,
                last_caught_up_timestamp=self._wall_ms,
            )
        else:
            lives = [
                replica
                for (node_id, directory_id), replica in self._known
                if node_id == voter.node_id and self._node.voters.is_voter(node_id, directory_id)
            ]
            found = max(lives, key=lambda replica: replica.fetched_ms, default=ReplicaProgress())
            state = self._state(voter.node_id, found)
        if with_directory:
            state.replica_directory_id = voter.directory_id
        return state

    def observers(self, now_ms: int, *, with_directory: bool) -> list[ReplicaState]:
        """Who fetches and does not vote, and was heard of lately."""
        found = []
        for (node_id, directory_id), replica in self._known:
            is_lost = replica.fetched_ms < now_ms - OBSERVER_SESSION_MS
            if is_lost or self._node.voters.is_voter(node_id, directory_id):
                continue
            state = self._state(node_id, replica)
            if with_directory:
                state.replica_directory_id = directory_id
            found.append(state)
        return found

    def _state(self, node_id: int, replica: ReplicaProgress) -> ReplicaState:
        return ReplicaState(
            replica_id=node_id,
            log_end_offset=replica.end_offset,
            last_fetch_timestamp=self._timestamp(replica.fetched_ms),
            last_caught_up_timestamp=self._timestamp(replica.caught_up_ms),
        )

    def _timestamp(self, at_ms: int) -> int:
        return _UNKNOWN if at_ms < 0 else at_ms + self._behind_ms


def _node(voter: Voter, image: MetadataImage) -> Node:
    """Where a voter listens: as the voters' record says, else as it has registered itself."""
    endpoints = list(voter.endpoints)
    registered = image.controllers.get(voter.node_id)
    if not endpoints and registered is not None:
        endpoints = [(found.name, found.host, found.port) for found in registered.endpoints]
    return Node(
        node_id=voter.node_id,
        listeners=[Listener(name=name, host=host, port=port) for name, host, port in endpoints],
    )


def _nothing_asked(request: DescribeQuorumRequest) -> DescribeQuorumResponse:
    topics = [DescribeQuorumResponseTopicData(topic_name=t.topic_name) for t in request.topics]
    return DescribeQuorumResponse(topics=topics)


def _unknown_partitions(request: DescribeQuorumRequest) -> DescribeQuorumResponse:
    code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return DescribeQuorumResponse(
        topics=[
            DescribeQuorumResponseTopicData(
                topic_name=topic.topic_name,
                partitions=[
                    DescribeQuorumResponsePartitionData(
                        partition_index=partition.partition_index,
                        error_code=code,
                        error_message=code.message,
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )
