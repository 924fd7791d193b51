"""What a foreign node hears from the controllers' listener, measured with Apache Kafka 4.3."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from unit.broker.controller_stage import ControllerStage

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.add_raft_voter import AddRaftVoterRequest, AddRaftVoterResponse
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumRequestPartitionData,
    DescribeQuorumRequestTopicData,
    DescribeQuorumResponse,
)
from minikafka.protocol.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ReplicaState,
)
from minikafka.protocol.messages.remove_raft_voter import (
    RemoveRaftVoterRequest,
    RemoveRaftVoterResponse,
)

METADATA_ID = UUID(int=1)
STRANGER = UUID("5f4b3f2e-8a57-4ff8-9d5b-0a1b2c3d4e5f")
ELSEWHERE = "XXXXXXXXXXXXXXXXXXXXXX"


@pytest.fixture
async def stage(make_node: Any) -> AsyncIterator[ControllerStage]:
    stage = await ControllerStage(await make_node()).start()
    yield stage
    await stage.stop()


def fetch(
    version: int, epoch: int, offset: int = 0, last_epoch: int = 0, **fields: Any
) -> FetchRequest:
    partition = FetchPartition(
        partition=0,
        current_leader_epoch=epoch,
        fetch_offset=offset,
        last_fetched_epoch=last_epoch,
        log_start_offset=-1,
        partition_max_bytes=1 << 20,
        replica_directory_id=STRANGER,
    )
    who = {"replica_state": ReplicaState(replica_id=77)} if version >= 15 else {"replica_id": 77}
    fields = who | fields
    topic = FetchTopic(topic="__cluster_metadata", topic_id=METADATA_ID, partitions=[partition])
    return FetchRequest(max_bytes=1 << 20, topics=[topic], **fields)


@pytest.mark.parametrize("version", [13, 15, 17, 18])
@pytest.mark.parametrize(
    ("epochs_on", "offset", "last_epoch", "code"),
    [
        (-1, 0, 0, ErrorCode.FENCED_LEADER_EPOCH),
        (3, 0, 0, ErrorCode.UNKNOWN_LEADER_EPOCH),
        (0, -1, 0, ErrorCode.INVALID_REQUEST),
        (0, 1, -5, ErrorCode.INVALID_REQUEST),
        (0, 1, 99, ErrorCode.INVALID_REQUEST),
        (None, 0, 0, ErrorCode.INVALID_REQUEST),
    ],
)
async def test_a_fetch_that_is_refused_tells_no_high_watermark(
    stage: ControllerStage,
    version: int,
    epochs_on: int | None,
    offset: int,
    last_epoch: int,
    code: ErrorCode,
) -> None:
    raft = stage.node.quorum.node
    epoch = -1 if epochs_on is None else raft.epoch + epochs_on
    channel = await stage.connect()
    request = fetch(version, epoch, offset, last_epoch)
    answer = await channel.call_version(request, FetchResponse, version, 30)
    (data,) = answer.responses[0].partitions
    assert (data.error_code, data.high_watermark) == (code, -1)
    assert data.current_leader.leader_epoch == raft.epoch


async def test_a_consumer_of_metadata_is_no_observer(stage: ControllerStage) -> None:
    channel = await stage.connect()
    epoch = stage.node.quorum.node.epoch
    for fields in ({}, {"replica_state": None}):
        answer = await channel.call_version(fetch(17, epoch, **fields), FetchResponse, 17, 30)
        (data,) = answer.responses[0].partitions
        assert data.error_code == ErrorCode.NONE
    topic = DescribeQuorumRequestTopicData(
        topic_name="__cluster_metadata", partitions=[DescribeQuorumRequestPartitionData()]
    )
    request = DescribeQuorumRequest(topics=[topic])
    described = await channel.call(request, DescribeQuorumResponse, 30)
    (partition,) = described.topics[0].partitions
    assert [observer.replica_id for observer in partition.observers] == [77]


async def test_versions_that_name_topics_are_refused(stage: ControllerStage) -> None:
    channel = await stage.connect()
    request = fetch(12, stage.node.quorum.node.epoch)
    answer = await channel.call_version(request, FetchResponse, 12, 30)
    assert (answer.error_code, answer.responses) == (ErrorCode.INVALID_REQUEST, [])


@pytest.mark.parametrize(
    ("request_class", "response_class"),
    [
        (AddRaftVoterRequest, AddRaftVoterResponse),
        (RemoveRaftVoterRequest, RemoveRaftVoterResponse),
    ],
)
async def test_who_changes_another_clusters_voters_is_told_both_ids(
    stage: ControllerStage, request_class: Any, response_class: Any
) -> None:
    request = request_class(cluster_id=ELSEWHERE, voter_id=77, voter_directory_id=STRANGER)
    answer = await (await stage.connect()).call(request, response_class, 30)
    own = stage.node.storage.cluster_id
    text = f'The given id "{ELSEWHERE}" doesn\'t match the cluster id "{own}"'
    assert (answer.error_code, answer.error_message) == (
        ErrorCode.INCONSISTENT_CLUSTER_ID,
        text,
    )
