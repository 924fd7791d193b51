"""DescribeTopicPartitions: topics by pages."""

import uuid
from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode
from minikafka.protocol.messages.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    TopicRequest,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

Page = tuple[list[tuple[str, int, list[int]]], tuple[str, int] | None]


async def describe(
    cluster: Any, names: list[str], limit: int = 2000, cursor: tuple[str, int] | None = None
) -> Page:
    request = DescribeTopicPartitionsRequest(
        topics=[TopicRequest(name=name) for name in names], response_partition_limit=limit
    )
    if cursor is not None:
        request.cursor = Cursor(topic_name=cursor[0], partition_index=cursor[1])
    answer = await cluster.ask(request, 0)
    following = answer.next_cursor
    return (
        [
            (topic.name, topic.error_code, [p.partition_index for p in topic.partitions])
            for topic in answer.topics
        ],
        None if following is None else (following.topic_name, following.partition_index),
    )


@pytest.fixture
async def topics(cluster: Any) -> Any:
    for name in ("tc", "ta", "tb"):
        cluster.add_topic(name, partitions=3)
    return cluster


async def test_topics_come_by_name_and_once(topics: Any) -> None:
    assert await describe(topics, ["tc", "nope", "ta", "ta"]) == (
        [("nope", 3, []), ("ta", 0, [0, 1, 2]), ("tc", 0, [0, 1, 2])],
        None,
    )


async def test_no_names_means_all(topics: Any) -> None:
    described, following = await describe(topics, [])
    assert [name for name, _, _ in described] == ["ta", "tb", "tc"]
    assert following is None


@pytest.mark.parametrize(
    ("limit", "expected", "following"),
    [
        (4, [("ta", 0, [0, 1, 2]), ("tc", 0, [0])], ("tc", 1)),
        (3, [("ta", 0, [0, 1, 2])], ("tc", 0)),
        (1, [("ta", 0, [0])], ("ta", 1)),
        (0, [("ta", 0, [0])], ("ta", 1)),
        (-1, [("ta", 0, [0])], ("ta", 1)),
        (6, [("ta", 0, [0, 1, 2]), ("tc", 0, [0, 1, 2])], None),
    ],
)
async def test_a_page_ends_at_the_limit(
    topics: Any, limit: int, expected: Any, following: Any
) -> None:
    assert await describe(topics, ["tc", "ta"], limit) == (expected, following)


async def test_the_brokers_limit_counts_as_well(make_cluster: Any) -> None:
    cluster = make_cluster(max_request_partition_size_limit="2")
    cluster.add_broker(1, "PLAINTEXT://127.0.0.1:9092")
    cluster.add_topic("a", partitions=3)
    assert await describe(cluster, ["a"]) == ([("a", 0, [0, 1])], ("a", 2))


async def test_unknown_topics_cost_nothing_of_the_limit(topics: Any) -> None:
    assert await describe(topics, ["nope", "nope2", "ta", "zz"], 3) == (
        [("nope", 3, []), ("nope2", 3, []), ("ta", 0, [0, 1, 2])],
        ("zz", 0),
    )


async def test_pages_together_are_everything(topics: Any) -> None:
    seen: list[tuple[str, int]] = []
    cursor = None
    while True:
        described, cursor = await describe(topics, [], 2, cursor)
        seen += [(name, index) for name, _, indexes in described for index in indexes]
        if cursor is None:
            break
    assert seen == [(name, index) for name in ("ta", "tb", "tc") for index in range(3)]


async def test_a_cursor_begins_within_its_topic(topics: Any) -> None:
    assert await describe(topics, ["tc", "ta"], cursor=("ta", 1)) == (
        [("ta", 0, [1, 2]), ("tc", 0, [0, 1, 2])],
        None,
    )
    assert await describe(topics, ["tc", "ta"], cursor=("ta", 9)) == (
        [("ta", 0, []), ("tc", 0, [0, 1, 2])],
        None,
    )
    assert await describe(topics, ["nope", "ta"], cursor=("nope", 0)) == (
        [("nope", 3, []), ("ta", 0, [0, 1, 2])],
        None,
    )
    assert await describe(topics, [], cursor=("zzz", 0)) == ([], None)


@pytest.mark.parametrize("cursor", [("tb", 1), ("ta", -1)])
async def test_a_cursor_elsewhere_is_refused(topics: Any, cursor: tuple[str, int]) -> None:
    code = int(ErrorCode.INVALID_REQUEST)
    assert await describe(topics, ["tc", "ta"], cursor=cursor) == (
        [("tc", code, []), ("ta", code, [])],
        None,
    )


async def test_an_illegal_name_fails_alone(topics: Any) -> None:
    assert await describe(topics, ["ta", "a/b"]) == ([("a/b", 17, []), ("ta", 0, [0, 1, 2])], None)


async def test_eligible_leaders_are_told_and_no_leader_is_no_error(cluster: Any) -> None:
    topic_id = cluster.add_topic("a")
    cluster.replay(
        PartitionChangeRecord(
            partition_id=0,
            topic_id=topic_id,
            leader=-1,
            isr=[],
            eligible_leader_replicas=[1],
            last_known_elr=[1],
        )
    )
    request = DescribeTopicPartitionsRequest(topics=[TopicRequest(name="a")])
    (topic,) = (await cluster.ask(request, 0)).topics
    assert (topic.topic_id, topic.topic_authorized_operations) == (topic_id, 3576)
    (partition,) = topic.partitions
    assert (partition.error_code, partition.leader_id, partition.leader_epoch) == (0, -1, 1)
    assert (partition.eligible_leader_replicas, partition.last_known_elr) == ([1], [1])
    assert topic.topic_id != uuid.UUID(int=0)
