"""Groups by the bytes of their requests: one broker, a real log of __consumer_offsets."""

import uuid
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.create_topics import CreateTopicsRequest
from minikafka.protocol.messages.delete_groups import DeleteGroupsRequest
from minikafka.protocol.messages.describe_groups import DescribeGroupsRequest
from minikafka.protocol.messages.find_coordinator import FindCoordinatorRequest
from minikafka.protocol.messages.heartbeat import HeartbeatRequest
from minikafka.protocol.messages.join_group import JoinGroupRequest
from minikafka.protocol.messages.leave_group import LeaveGroupRequest
from minikafka.protocol.messages.list_groups import ListGroupsRequest
from minikafka.protocol.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from minikafka.protocol.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from minikafka.protocol.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from minikafka.protocol.messages.sync_group import SyncGroupRequest

OFFSETS = "__consumer_offsets"
STRANGE_ID = uuid.UUID(int=1 << 100)


def commit(**fields: Any) -> OffsetCommitRequest:
    """A commit of partition 0 of topic `t` by nobody's member."""
    partition = OffsetCommitRequestPartition(
        partition_index=fields.pop("partition", 0),
        committed_offset=fields.pop("offset", 5),
        committed_metadata=fields.pop("metadata", "m"),
    )
    topic_id = fields.pop("topic_id", None)
    name = {"name": fields.pop("topic", "t")} if topic_id is None else {"topic_id": topic_id}
    topics = [OffsetCommitRequestTopic(partitions=[partition], **name)]
    return OffsetCommitRequest(**({"group_id": "g", "topics": topics} | fields))


async def committing(cluster: Any, version: int, **fields: Any) -> ErrorCode:
    response = await cluster.ask(commit(**fields), version)
    (topic,) = response.topics
    (partition,) = topic.partitions
    return ErrorCode(partition.error_code)


@pytest.fixture
def ready(cluster: Any) -> Any:
    """A cluster with topic `t` of two partitions, and a coordinator."""
    cluster.add_topic("t", 2)
    cluster.add_topic(OFFSETS, 3)
    cluster.services.groups.start()
    return cluster


@pytest.mark.parametrize(
    "request_class",
    [JoinGroupRequest, SyncGroupRequest, HeartbeatRequest, LeaveGroupRequest, OffsetDeleteRequest],
)
async def test_a_group_has_a_name(cluster: Any, request_class: Any) -> None:
    """Also where there is no coordinator yet."""
    response = await cluster.ask(request_class(group_id=""), 0)
    assert response.error_code == ErrorCode.INVALID_GROUP_ID


async def test_who_asks_first_creates_the_offsets_topic(cluster: Any) -> None:
    first = await cluster.ask(FindCoordinatorRequest(coordinator_keys=["g"]), 4)
    (found,) = first.coordinators
    assert found.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert (found.node_id, found.host, found.port) == (-1, "", -1)
    created = await cluster.controller.arrivals.get()
    assert isinstance(created, CreateTopicsRequest)
    assert [topic.name for topic in created.topics] == [OFFSETS]
    await cluster.settle()
    (found,) = (await cluster.ask(FindCoordinatorRequest(coordinator_keys=["g"]), 4)).coordinators
    assert (found.error_code, found.node_id, found.port) == (0, 1, 9092)


@pytest.mark.parametrize(("version", "message"), [(0, ""), (1, "NONE"), (3, "NONE")])
async def test_one_coordinator(ready: Any, version: int, message: str) -> None:
    found = await ready.ask(FindCoordinatorRequest(key="g"), version)
    assert (found.error_code, found.error_message, found.node_id) == (0, message, 1)


async def test_keys_of_a_strange_type_are_refused(ready: Any) -> None:
    request = FindCoordinatorRequest(coordinator_keys=["g"], key_type=7)
    (found,) = (await ready.ask(request, 4)).coordinators
    assert found.error_code == ErrorCode.INVALID_REQUEST
    assert found.error_message
    share = FindCoordinatorRequest(coordinator_keys=["g"], key_type=2)
    (found,) = (await ready.ask(share, 6)).coordinators
    assert found.error_code == ErrorCode.INVALID_REQUEST


async def test_without_a_topic_there_is_no_coordinator(cluster: Any) -> None:
    response = await cluster.ask(HeartbeatRequest(group_id="g", member_id="m"), 4)
    assert response.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


async def test_a_group_that_is_led_elsewhere(cluster: Any) -> None:
    cluster.add_topic(OFFSETS, 1, replicas=(2,))
    response = await cluster.ask(HeartbeatRequest(group_id="g", member_id="m"), 4)
    assert response.error_code == ErrorCode.NOT_COORDINATOR


@pytest.mark.parametrize(
    ("version", "fields", "code"),
    [
        (9, {}, ErrorCode.NONE),
        (9, {"offset": -5}, ErrorCode.NONE),
        (8, {"metadata": None}, ErrorCode.NONE),
        (8, {"metadata": "x" * 4096}, ErrorCode.NONE),
        (8, {"metadata": "x" * 4097}, ErrorCode.OFFSET_METADATA_TOO_LARGE),
        (8, {"topic": "no"}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (8, {"partition": 9}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (10, {"topic_id": STRANGE_ID}, ErrorCode.UNKNOWN_TOPIC_ID),
        (
            9,
            {"generation_id_or_member_epoch": 3, "member_id": "m"},
            ErrorCode.GROUP_ID_NOT_FOUND,
        ),
        (
            8,
            {"generation_id_or_member_epoch": 3, "member_id": "m"},
            ErrorCode.ILLEGAL_GENERATION,
        ),
        (3, {"retention_time_ms": 1000}, ErrorCode.NONE),
    ],
)
async def test_a_commit(ready: Any, version: int, fields: dict[str, Any], code: ErrorCode) -> None:
    assert await committing(ready, version, **fields) is code


async def test_offsets_come_back_by_name_and_by_id(ready: Any) -> None:
    topic_id = ready.image.topics["t"].topic_id
    assert await committing(ready, 10, topic_id=topic_id, offset=7) is ErrorCode.NONE
    by_name = OffsetFetchRequest(
        group_id="g", topics=[OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])]
    )
    for version in (1, 5, 7):
        (topic,) = (await ready.ask(by_name, version)).topics
        assert [p.committed_offset for p in topic.partitions] == [7, -1]
        assert [p.metadata for p in topic.partitions] == ["m", ""]
    wanted = [
        OffsetFetchRequestTopics(topic_id=topic_id, partition_indexes=[0]),
        OffsetFetchRequestTopics(topic_id=STRANGE_ID, partition_indexes=[0]),
    ]
    by_id = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=wanted)])
    (group,) = (await ready.ask(by_id, 10)).groups
    found = {
        topic.topic_id: (topic.partitions[0].committed_offset, topic.partitions[0].error_code)
        for topic in group.topics
    }
    assert found == {topic_id: (7, 0), STRANGE_ID: (-1, ErrorCode.UNKNOWN_TOPIC_ID)}


async def test_several_groups_and_all_their_topics(ready: Any) -> None:
    await committing(ready, 9, group_id="one", offset=1)
    await committing(ready, 9, group_id="two", offset=2, partition=1)
    names = ("one", "two", "never heard of")
    request = OffsetFetchRequest(
        groups=[OffsetFetchRequestGroup(group_id=name, topics=None) for name in names]
    )
    groups = (await ready.ask(request, 9)).groups
    told = {
        group.group_id: [
            (topic.name, p.partition_index, p.committed_offset)
            for topic in group.topics
            for p in topic.partitions
        ]
        for group in groups
    }
    assert told == {"one": [("t", 0, 1)], "two": [("t", 1, 2)], "never heard of": []}


async def test_offsets_are_deleted_and_groups_as_well(ready: Any) -> None:
    await committing(ready, 9)
    partitions = [OffsetDeleteRequestPartition(partition_index=index) for index in (0, 9)]
    request = OffsetDeleteRequest(
        group_id="g", topics=[OffsetDeleteRequestTopic(name="t", partitions=partitions)]
    )
    (topic,) = (await ready.ask(request, 0)).topics
    codes = {p.partition_index: p.error_code for p in topic.partitions}
    assert codes == {0: 0, 9: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}
    everything = OffsetFetchRequest(group_id="g", topics=None)
    assert (await ready.ask(everything, 7)).topics == []
    deletion = DeleteGroupsRequest(groups_names=["g", "no"])
    results = (await ready.ask(deletion, 2)).results
    assert {each.group_id: each.error_code for each in results} == {
        "g": 0,
        "no": ErrorCode.GROUP_ID_NOT_FOUND,
    }
    request.group_id = "no"
    assert (await ready.ask(request, 0)).error_code == ErrorCode.GROUP_ID_NOT_FOUND


async def test_listing_filters_in_any_case(ready: Any) -> None:
    await committing(ready, 9, group_id="one")
    await committing(ready, 9, group_id="two")

    async def names(version: int = 5, **filters: list[str]) -> list[str]:
        response = await ready.ask(ListGroupsRequest(**filters), version)
        return sorted(group.group_id for group in response.groups)

    assert await names(0) == ["one", "two"]
    assert await names(states_filter=["eMPTY", "bogus"]) == ["one", "two"]
    assert await names(states_filter=["Stable"]) == []
    assert await names(types_filter=["Classic"]) == ["one", "two"]
    assert await names(types_filter=["consumer"]) == []


async def test_an_unknown_group_is_dead(ready: Any) -> None:
    request = DescribeGroupsRequest(groups=["no"])
    (older,) = (await ready.ask(request, 5)).groups
    assert (older.error_code, older.group_state) == (0, "Dead")
    (newer,) = (await ready.ask(request, 6)).groups
    assert (newer.error_code, newer.group_state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")
    assert newer.error_message == "Group no not found."


async def test_a_sync_of_v5_names_its_protocol(ready: Any) -> None:
    request = SyncGroupRequest(group_id="g", member_id="m")
    assert (await ready.ask(request, 5)).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    assert (await ready.ask(request, 3)).error_code == ErrorCode.UNKNOWN_MEMBER_ID
