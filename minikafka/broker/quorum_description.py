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

if TYPE_CHECKING:
    from minikafka.metadata.image import MetadataImage
    from minikafka.raft.node import RaftNode
    from minikafka.raft.voters import Voter

_METADATA_PARTITION: Final = 0
_WITH_NODES: Final = 2
_UNKNOWN: Final = -1


def describe_quorum(
    request: DescribeQuorumRequest,
    version: int,
    *,
    node: RaftNode,
    image: MetadataImage,
    log_end_offset: int,
    wall_ms: int,
) -> DescribeQuorumResponse:
    """The state of the one partition that has a quorum; 3 for all others.

    `image` knows where controllers listen, `wall_ms` is the time that the leader reports for
    itself.
    """
    asked = [(t.topic_name, p.partition_index) for t in request.topics for p in t.partitions]
    if asked != [(METADATA_TOPIC, _METADATA_PARTITION)]:
        return _unknown_partitions(request) if asked else _nothing_asked(request)
    voters = [
        _replica_state(voter, node, log_end_offset, wall_ms, with_directory=version >= _WITH_NODES)
        for voter in node.voters
    ]
    partition = DescribeQuorumResponsePartitionData(
        partition_index=_METADATA_PARTITION,
        leader_id=node.leader_id,
        leader_epoch=node.epoch,
        high_watermark=node.high_watermark,
        current_voters=voters,
    )
    return DescribeQuorumResponse(
        topics=[DescribeQuorumResponseTopicData(topic_name=METADATA_TOPIC, partitions=[partition])],
        nodes=[_node(voter, image) for voter in node.voters] if version >= _WITH_NODES else [],
    )


def _replica_state(
    voter: Voter, node: RaftNode, log_end_offset: int, wall_ms: int, *, with_directory: bool
) -> ReplicaState:
    is_leader = voter.node_id == node.node_id
    state = ReplicaState(
        replica_id=voter.node_id,
        log_end_offset=log_end_offset if is_leader else _UNKNOWN,
        last_fetch_timestamp=wall_ms if is_leader else _UNKNOWN,
        last_caught_up_timestamp=wall_ms if is_leader else _UNKNOWN,
    )
    if with_directory:
        state.replica_directory_id = voter.directory_id
    return state


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
