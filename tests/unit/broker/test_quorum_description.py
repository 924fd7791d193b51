"""DescribeQuorum: what the leader of the quorum tells about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from minikafka.api.quorum import refuse_description
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.controller_registration import (
    ControllerRegistrationRequest,
    Listener,
)
from minikafka.protocol.messages.describe_quorum import (
    DescribeQuorumRequest,
    DescribeQuorumRequestPartitionData,
    DescribeQuorumRequestTopicData,
    DescribeQuorumResponse,
)

METADATA = "__cluster_metadata"


async def describe(node: Any, version: int, *partitions: tuple[str, int]) -> Any:
    topics: dict[str, DescribeQuorumRequestTopicData] = {}
    for topic, index in partitions:
        asked = topics.setdefault(topic, DescribeQuorumRequestTopicData(topic_name=topic))
        asked.partitions.append(DescribeQuorumRequestPartitionData(partition_index=index))
    request = DescribeQuorumRequest(topics=list(topics.values()))
    response = await node.host.handle(request, version, None)
    decoded, _ = decode(DescribeQuorumResponse, version, encode(response, version))
    return decoded


@pytest.mark.parametrize("version", range(3))
async def test_a_sole_voter_leads_and_is_caught_up(make_node: Any, version: int) -> None:
    node = await make_node()
    await node.register()
    await node.create("orders")
    answer = await describe(node, version, (METADATA, 0))
    (partition,) = answer.topics[0].partitions
    end_offset = node.quorum.log_end_offset
    assert end_offset > 5
    assert (partition.leader_id, partition.leader_epoch) == (1, 1)
    assert partition.high_watermark == end_offset
    (voter,) = partition.current_voters
    assert (voter.replica_id, voter.log_end_offset) == (1, end_offset)
    assert voter.replica_directory_id == UUID(int=0)
    assert partition.observers == []
    if version >= 1:
        assert 0 <= node.quorum.wall_ms() - voter.last_caught_up_timestamp < 10_000
        assert voter.last_fetch_timestamp == voter.last_caught_up_timestamp


async def test_nodes_are_where_they_registered_unless_the_voters_tell(make_node: Any) -> None:
    node = await make_node(controller_quorum_voters="1@localhost:0")
    listener = Listener(name="CONTROLLER", host="h", port=9093)
    request = ControllerRegistrationRequest(
        controller_id=1, incarnation_id=UUID(int=5), listeners=[listener]
    )
    await node.host.handle(request, 0, None)
    answer = await describe(node, 2, (METADATA, 0))
    (found,) = answer.nodes
    assert found.node_id == 1
    assert [(e.name, e.host, e.port) for e in found.listeners] == [("CONTROLLER", "h", 9093)]
    await node.stop()
    told = await make_node()
    (found,) = (await describe(told, 2, (METADATA, 0))).nodes
    assert [(e.host, e.port) for e in found.listeners] == [("localhost", 9093)]


@pytest.mark.parametrize("version", range(3))
async def test_no_other_partition_has_a_quorum(make_node: Any, version: int) -> None:
    node = await make_node()
    answer = await describe(node, version, (METADATA, 0), ("orders", 1))
    found = [
        (t.topic_name, p.partition_index, p.error_code) for t in answer.topics for p in t.partitions
    ]
    code = int(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert found == [(METADATA, 0, code), ("orders", 1, code)]
    assert (await describe(node, version)).topics == []


@pytest.mark.parametrize(
    ("index", "code"),
    [(0, ErrorCode.NOT_LEADER_OR_FOLLOWER), (1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)],
)
def test_who_does_not_lead_knows_which_partition_there_is(index: int, code: ErrorCode) -> None:
    asked = DescribeQuorumRequestTopicData(
        topic_name=METADATA,
        partitions=[DescribeQuorumRequestPartitionData(partition_index=index)],
    )
    request = DescribeQuorumRequest(topics=[asked])
    context: Any = None  # the answer is the same whoever asks
    refusal = refuse_description(context, request, KafkaError(ErrorCode.NOT_CONTROLLER))
    (partition,) = refusal.topics[0].partitions
    assert (partition.error_code, partition.error_message) == (code, code.message)
