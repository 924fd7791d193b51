"""The quorum's requests and answers, each about the one partition `__cluster_metadata-0`."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages import (
    add_raft_voter,
    begin_quorum_epoch,
    end_quorum_epoch,
    fetch,
    fetch_snapshot,
    remove_raft_voter,
    update_raft_voter,
    vote,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minikafka.raft.voters import ReplicaKey, Voter, VoterEndpoint

METADATA_TOPIC: Final = "__cluster_metadata"
METADATA_TOPIC_ID: Final = UUID(int=1)
_PARTITION: Final = 0
_REPLICA_STATE_SINCE: Final = 15


class LeaderAndEpoch(NamedTuple):
    """What every answer of the quorum tells: the epoch of who answers, and its leader or -1.

    `endpoint` is (host, port) of the leader where it is known.
    """

    leader_id: int
    epoch: int
    endpoint: tuple[str, int] | None = None


# --- Vote


def vote_request(
    cluster_id: str | None,
    candidate: ReplicaKey,
    voter: ReplicaKey,
    *,
    epoch: int,
    last_epoch: int,
    end_offset: int,
    pre_vote: bool,
) -> vote.VoteRequest:
    """Ask `voter` for its vote; `epoch` is the candidate's own, not yet raised in a pre-vote."""
    data = vote.VoteRequestPartitionData(
        partition_index=_PARTITION,
        replica_epoch=epoch,
        replica_id=candidate[0],
        replica_directory_id=candidate[1],
        voter_directory_id=voter[1],
        last_offset_epoch=last_epoch,
        last_offset=end_offset,
        pre_vote=pre_vote,
    )
    return vote.VoteRequest(
        cluster_id=cluster_id,
        voter_id=voter[0],
        topics=[vote.VoteRequestTopicData(topic_name=METADATA_TOPIC, partitions=[data])],
    )


def vote_response(
    leader: LeaderAndEpoch, error: ErrorCode = ErrorCode.NONE, *, granted: bool = False
) -> vote.VoteResponse:
    data = vote.VoteResponsePartitionData(
        partition_index=_PARTITION,
        error_code=error,
        leader_id=leader.leader_id,
        leader_epoch=leader.epoch,
        vote_granted=granted,
    )
    return vote.VoteResponse(
        topics=[vote.VoteResponseTopicData(topic_name=METADATA_TOPIC, partitions=[data])],
        node_endpoints=[
            vote.NodeEndpoint(node_id=node_id, host=host, port=port)
            for node_id, host, port in _endpoints(leader)
        ],
    )


# --- BeginQuorumEpoch and EndQuorumEpoch


def begin_request(
    cluster_id: str | None, leader: LeaderAndEpoch, voter: ReplicaKey, at: Iterable[VoterEndpoint]
) -> begin_quorum_epoch.BeginQuorumEpochRequest:
    """Tell a voter who leads, and where it listens."""
    data = begin_quorum_epoch.BeginQuorumEpochRequestPartitionData(
        partition_index=_PARTITION,
        voter_directory_id=voter[1],
        leader_id=leader.leader_id,
        leader_epoch=leader.epoch,
    )
    topic = begin_quorum_epoch.BeginQuorumEpochRequestTopicData(
        topic_name=METADATA_TOPIC, partitions=[data]
    )
    return begin_quorum_epoch.BeginQuorumEpochRequest(
        cluster_id=cluster_id,
        voter_id=voter[0],
        topics=[topic],
        leader_endpoints=[
            begin_quorum_epoch.LeaderEndpoint(name=name, host=host, port=port)
            for name, host, port in at
        ],
    )


def begin_response(
    leader: LeaderAndEpoch, error: ErrorCode = ErrorCode.NONE
) -> begin_quorum_epoch.BeginQuorumEpochResponse:
    data = begin_quorum_epoch.BeginQuorumEpochResponsePartitionData(
        partition_index=_PARTITION,
        error_code=error,
        leader_id=leader.leader_id,
        leader_epoch=leader.epoch,
    )
    topic = begin_quorum_epoch.BeginQuorumEpochResponseTopicData(
        topic_name=METADATA_TOPIC, partitions=[data]
    )
    return begin_quorum_epoch.BeginQuorumEpochResponse(
        topics=[topic],
        node_endpoints=[
            begin_quorum_epoch.NodeEndpoint(node_id=node_id, host=host, port=port)
            for node_id, host, port in _endpoints(leader)
        ],
    )


def end_request(
    cluster_id: str | None, leader: LeaderAndEpoch, successors: Sequence[ReplicaKey]
) -> end_quorum_epoch.EndQuorumEpochRequest:
    """The leader goes; `successors` should stand for election in this order."""
    data = end_quorum_epoch.EndQuorumEpochRequestPartitionData(
        partition_index=_PARTITION,
        leader_id=leader.leader_id,
        leader_epoch=leader.epoch,
        preferred_successors=[node_id for node_id, _ in successors],
        preferred_candidates=[
            end_quorum_epoch.ReplicaInfo(candidate_id=node_id, candidate_directory_id=directory_id)
            for node_id, directory_id in successors
        ],
    )
    topic = end_quorum_epoch.EndQuorumEpochRequestTopicData(
        topic_name=METADATA_TOPIC, partitions=[data]
    )
    return end_quorum_epoch.EndQuorumEpochRequest(cluster_id=cluster_id, topics=[topic])


def end_response(
    leader: LeaderAndEpoch, error: ErrorCode = ErrorCode.NONE
) -> end_quorum_epoch.EndQuorumEpochResponse:
    data = end_quorum_epoch.EndQuorumEpochResponsePartitionData(
        partition_index=_PARTITION,
        error_code=error,
        leader_id=leader.leader_id,
        leader_epoch=leader.epoch,
    )
    topic = end_quorum_epoch.EndQuorumEpochResponseTopicData(
        topic_name=METADATA_TOPIC, partitions=[data]
    )
    return end_quorum_epoch.EndQuorumEpochResponse(
        topics=[topic],
        node_endpoints=[
            end_quorum_epoch.NodeEndpoint(node_id=node_id, host=host, port=port)
            for node_id, host, port in _endpoints(leader)
        ],
    )


# --- Fetch


def fetch_request(
    cluster_id: str | None,
    replica: ReplicaKey,
    *,
    epoch: int,
    offset: int,
    last_epoch: int,
    high_watermark: int,
    max_wait_ms: int,
    max_bytes: int,
) -> fetch.FetchRequest:
    """Ask for what follows `offset`; it also tells that everything below is on disk here."""
    partition = fetch.FetchPartition(
        partition=_PARTITION,
        current_leader_epoch=epoch,
        fetch_offset=offset,
        last_fetched_epoch=last_epoch,
        partition_max_bytes=max_bytes,
        replica_directory_id=replica[1],
        high_watermark=high_watermark,
    )
    return fetch.FetchRequest(
        cluster_id=cluster_id,
        replica_state=fetch.ReplicaState(replica_id=replica[0]),
        max_wait_ms=max_wait_ms,
        max_bytes=max_bytes,
        topics=[
            fetch.FetchTopic(
                topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=[partition]
            )
        ],
    )


def fetch_request_in(request: fetch.FetchRequest, version: int) -> fetch.FetchRequest:
    """The same request for a version: where the node id stands has changed with 15."""
    state = request.replica_state
    if version >= _REPLICA_STATE_SINCE or state is None:
        return request
    older = copy(request)
    older.replica_id = state.replica_id
    older.replica_state = fetch.ReplicaState()
    return older


def fetch_response(
    leader: LeaderAndEpoch,
    error: ErrorCode = ErrorCode.NONE,
    *,
    high_watermark: int = -1,
    log_start_offset: int = 0,
    diverging: tuple[int, int] | None = None,
    snapshot: tuple[int, int] | None = None,
) -> fetch.FetchResponse:
    """An answer without records; `diverging` is (epoch, end offset), `snapshot` (end offset,
    epoch).
    """
    data = fetch.PartitionData(
        partition_index=_PARTITION,
        error_code=error,
        high_watermark=high_watermark,
        log_start_offset=log_start_offset,
        current_leader=fetch.LeaderIdAndEpoch(
            leader_id=leader.leader_id, leader_epoch=leader.epoch
        ),
        records=b"",
    )
    if diverging is not None:
        data.diverging_epoch = fetch.EpochEndOffset(epoch=diverging[0], end_offset=diverging[1])
    if snapshot is not None:
        data.snapshot_id = fetch.SnapshotId(end_offset=snapshot[0], epoch=snapshot[1])
    topic = fetch.FetchableTopicResponse(
        topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=[data]
    )
    return fetch.FetchResponse(
        responses=[topic],
        node_endpoints=[
            fetch.NodeEndpoint(node_id=node_id, host=host, port=port)
            for node_id, host, port in _endpoints(leader)
        ],
    )


def fetching_replica(request: fetch.FetchRequest) -> ReplicaKey:
    """Who fetches; the node id has moved into `replica_state` with version 15."""
    state = request.replica_state
    node_id = state.replica_id if state is not None and state.replica_id >= 0 else None
    partition = request.topics[0].partitions[0]
    return (request.replica_id if node_id is None else node_id), partition.replica_directory_id


def is_for_metadata(request: fetch.FetchRequest) -> bool:
    """Whether it asks for the one partition of the quorum by its id, and nothing else.

    (So versions that name topics get INVALID_REQUEST, as from Apache Kafka.)
    """
    if len(request.topics) != 1 or len(request.topics[0].partitions) != 1:
        return False
    topic = request.topics[0]
    return topic.topic_id == METADATA_TOPIC_ID and topic.partitions[0].partition == _PARTITION


# --- FetchSnapshot and UpdateRaftVoter


def snapshot_request(
    cluster_id: str | None,
    replica: ReplicaKey,
    *,
    epoch: int,
    snapshot: tuple[int, int],
    position: int,
    max_bytes: int,
) -> fetch_snapshot.FetchSnapshotRequest:
    """Ask for bytes of the snapshot (end offset, epoch) from `position` on."""
    partition = fetch_snapshot.FetchSnapshotRequestPartitionSnapshot(
        partition=_PARTITION,
        current_leader_epoch=epoch,
        snapshot_id=fetch_snapshot.SnapshotId(end_offset=snapshot[0], epoch=snapshot[1]),
        position=position,
        replica_directory_id=replica[1],
    )
    topic = fetch_snapshot.FetchSnapshotRequestTopicSnapshot(
        name=METADATA_TOPIC, partitions=[partition]
    )
    return fetch_snapshot.FetchSnapshotRequest(
        cluster_id=cluster_id, replica_id=replica[0], max_bytes=max_bytes, topics=[topic]
    )


def snapshot_response(
    leader: LeaderAndEpoch, error: ErrorCode = ErrorCode.NONE
) -> fetch_snapshot.FetchSnapshotResponse:
    """An answer without bytes; the host that holds the file adds them."""
    data = fetch_snapshot.FetchSnapshotResponsePartitionSnapshot(
        index=_PARTITION,
        error_code=error,
        current_leader=fetch_snapshot.LeaderIdAndEpoch(
            leader_id=leader.leader_id, leader_epoch=leader.epoch
        ),
    )
    topic = fetch_snapshot.FetchSnapshotResponseTopicSnapshot(
        name=METADATA_TOPIC, partitions=[data]
    )
    return fetch_snapshot.FetchSnapshotResponse(
        topics=[topic],
        node_endpoints=[
            fetch_snapshot.NodeEndpoint(node_id=node_id, host=host, port=port)
            for node_id, host, port in _endpoints(leader)
        ],
    )


def update_voter_request(
    cluster_id: str | None, epoch: int, voter: Voter
) -> update_raft_voter.UpdateRaftVoterRequest:
    """Tell the leader where this voter listens by now, and what it supports."""
    lowest, highest = voter.kraft_versions
    return update_raft_voter.UpdateRaftVoterRequest(
        cluster_id=cluster_id,
        current_leader_epoch=epoch,
        voter_id=voter.node_id,
        voter_directory_id=voter.directory_id,
        listeners=[
            update_raft_voter.Listener(name=name, host=host, port=port)
            for name, host, port in voter.endpoints
        ],
        kraft_version_feature=update_raft_voter.KRaftVersionFeature(
            min_supported_version=lowest, max_supported_version=highest
        ),
    )


def add_voter_request(
    cluster_id: str | None, voter: Voter, timeout_ms: int
) -> add_raft_voter.AddRaftVoterRequest:
    """Ask to vote; answered before that is committed, for the answer tells the voter nothing."""
    return add_raft_voter.AddRaftVoterRequest(
        cluster_id=cluster_id,
        timeout_ms=timeout_ms,
        voter_id=voter.node_id,
        voter_directory_id=voter.directory_id,
        listeners=[
            add_raft_voter.Listener(name=name, host=host, port=port)
            for name, host, port in voter.endpoints
        ],
        ack_when_committed=False,
    )


def remove_voter_request(
    cluster_id: str | None, voter: ReplicaKey
) -> remove_raft_voter.RemoveRaftVoterRequest:
    """Ask that this voter votes no more."""
    node_id, directory_id = voter
    return remove_raft_voter.RemoveRaftVoterRequest(
        cluster_id=cluster_id, voter_id=node_id, voter_directory_id=directory_id
    )


def update_voter_response(
    leader: LeaderAndEpoch, error: ErrorCode = ErrorCode.NONE
) -> update_raft_voter.UpdateRaftVoterResponse:
    host, port = leader.endpoint or ("", 0)
    return update_raft_voter.UpdateRaftVoterResponse(
        error_code=error,
        current_leader=update_raft_voter.CurrentLeader(
            leader_id=leader.leader_id, leader_epoch=leader.epoch, host=host, port=port
        ),
    )


def _endpoints(leader: LeaderAndEpoch) -> list[tuple[int, str, int]]:
    if leader.leader_id < 0 or leader.endpoint is None:
        return []
    return [(leader.leader_id, *leader.endpoint)]
