"""CreateTopics and DeleteTopics, codes and texts as a real 4.3.0 gave them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicResult,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicState,
)
from minikafka.protocol.types import ZERO_UUID


def topic(
    name: str,
    partitions: int = 1,
    replication_factor: int = 1,
    *,
    configs: dict[str, str | None] | None = None,
    assignments: list[tuple[int, list[int]]] | None = None,
) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replication_factor,
        configs=[CreatableTopicConfig(name=k, value=v) for k, v in (configs or {}).items()],
        assignments=[
            CreatableReplicaAssignment(partition_index=index, broker_ids=ids)
            for index, ids in assignments or []
        ],
    )


def create(bench: Any, *topics: CreatableTopic, **fields: Any) -> list[CreatableTopicResult]:
    request = CreateTopicsRequest(topics=list(topics), **fields)
    return bench.take(bench.controller.create_topics(request)).topics  # type: ignore[no-any-return]


def delete(bench: Any, *topics: DeleteTopicState, version: int = 6) -> list[DeletableTopicResult]:
    request = DeleteTopicsRequest(topics=list(topics))
    return bench.take(  # type: ignore[no-any-return]
        bench.controller.delete_topics(request, version)
    ).responses


def test_a_topic_is_a_topic_record_configs_and_partitions(bench: Any) -> None:
    before = len(bench.log)
    (result,) = create(bench, topic("orders", 3, configs={"retention.ms": "1000"}))
    assert (result.error_code, result.error_message) == (0, None)
    assert (result.num_partitions, result.replication_factor) == (3, 1)
    assert [type(record).__name__ for record in bench.log[before:]] == [
        "TopicRecord",
        "ConfigRecord",
        *["PartitionRecord"] * 3,
    ]
    image = bench.image.topics["orders"]
    assert image.topic_id == result.topic_id != ZERO_UUID
    assert bench.image.topic_configs("orders") == {"retention.ms": "1000"}
    partition = bench.partition("orders", 2)
    assert (partition.replicas, partition.isr, partition.leader) == ([1], [1], 1)
    assert (partition.leader_epoch, partition.partition_epoch) == (0, 0)
    assert partition.directories == [UUID(int=1001)]


def test_the_answer_lists_every_config_with_its_source(bench: Any) -> None:
    (result,) = create(bench, topic("orders", configs={"retention.ms": "1000"}))
    configs = {config.name: config for config in result.configs or []}
    assert len(configs) == 33
    assert (configs["retention.ms"].value, configs["retention.ms"].config_source) == ("1000", 1)
    assert configs["cleanup.policy"].config_source == 5
    # Formatting with eligible leader replicas has made the minimum a config of the cluster.
    assert configs["min.insync.replicas"].config_source == 3


def test_a_minimum_of_in_sync_replicas_clears_what_was_eligible(bench: Any) -> None:
    create(bench, topic("strict", configs={"min.insync.replicas": "2"}))
    names = [type(record).__name__ for record in bench.log[-4:]]
    assert names == ["TopicRecord", "ConfigRecord", "ClearElrRecord", "PartitionRecord"]


@pytest.mark.parametrize(
    ("wanted", "code", "text"),
    [
        (topic(""), 17, "Topic name is invalid: the empty string is not allowed"),
        (topic("."), 17, "Topic name is invalid: '.' is not allowed"),
        (topic(".."), 17, "Topic name is invalid: '..' is not allowed"),
        (
            topic("a b"),
            17,
            "Topic name is invalid: 'a b' contains one or more characters other than ASCII "
            "alphanumerics, '.', '_' and '-'",
        ),
        (topic("orders"), 36, "Topic 'orders' already exists."),
        (topic("a_b"), 17, "Topic 'a_b' collides with existing topic: a.b"),
        (
            topic("__cluster_metadata"),
            42,
            "Creation of internal topic __cluster_metadata is prohibited.",
        ),
        (topic("z", 0), 37, "Number of partitions was set to an invalid non-positive value."),
        (topic("z", -2), 37, "Number of partitions was set to an invalid non-positive value."),
        (
            topic("z", 1, 0),
            38,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        ),
        (
            topic("z", 1, 2),
            38,
            "Unable to replicate the partition 2 time(s): The target replication factor of 2 "
            "cannot be reached because only 1 broker(s) are registered or some brokers have all "
            "their log directories cordoned.",
        ),
        (
            topic("z", 2, -1, assignments=[(0, [1])]),
            42,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        ),
        (
            topic("z", 1, 1, assignments=[(0, [1])]),
            42,
            "A manual partition assignment was specified, but replication factor was not set "
            "to -1.",
        ),
        (
            topic("z", -1, -1, assignments=[(0, [1, 1])]),
            39,
            "The manual partition assignment includes the broker 1 more than once.",
        ),
        (
            topic("z", -1, -1, assignments=[(0, [7])]),
            39,
            "The manual partition assignment includes broker 7, but no such broker is registered.",
        ),
        (
            topic("z", -1, -1, assignments=[(0, [1]), (2, [1])]),
            39,
            "partitions should be a consecutive 0-based integer sequence",
        ),
        (
            topic("z", -1, -1, assignments=[(0, [1]), (0, [1])]),
            39,
            "Found multiple manual partition assignments for partition 0",
        ),
        (
            topic("z", -1, -1, assignments=[(0, [])]),
            39,
            "The manual partition assignment includes an empty replica list.",
        ),
        (topic("z", configs={"foo": "bar"}), 40, "Unknown topic config name: foo"),
        (
            topic("z", configs={"retention.ms": "abc"}),
            40,
            "Invalid value abc for configuration retention.ms: Not a number of type LONG",
        ),
        (
            topic("z", configs={"retention.ms": None, "foo": None}),
            40,
            "Null value not supported for topic configs: retention.ms,foo",
        ),
        (
            topic("z", configs={"segment.bytes": "10"}),
            40,
            "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576",
        ),
        (topic("z", -7, configs={"foo": "x"}), 40, "Unknown topic config name: foo"),
        (topic("orders", -7, 0, configs={"foo": "x"}), 36, "Topic 'orders' already exists."),
    ],
)
def test_a_topic_that_may_not_be(bench: Any, wanted: CreatableTopic, code: int, text: str) -> None:
    create(bench, topic("orders"), topic("a.b"))
    before = len(bench.log)
    (result,) = create(bench, wanted)
    assert (result.error_code, result.error_message) == (code, text)
    assert (result.num_partitions, result.replication_factor) == (-1, -1)
    assert (result.topic_id, result.configs) == (ZERO_UUID, [])
    assert len(bench.log) == before


def test_a_name_has_at_most_249_characters(bench: Any) -> None:
    (fits,) = create(bench, topic("x" * 249))
    (long,) = create(bench, topic("x" * 250))
    assert fits.error_code == 0
    assert long.error_code == 17
    assert "is longer than the max allowed length 249" in (long.error_message or "")


def test_one_bad_topic_fails_alone_and_duplicates_come_last(bench: Any) -> None:
    results = create(bench, topic("dup"), topic("bad", 0), topic("dup", 2), topic("good", 2))
    assert [(r.name, r.error_code) for r in results] == [("bad", 37), ("good", 0), ("dup", 42)]
    assert results[2].error_message == "Duplicate topic name."
    assert list(bench.image.topics) == ["good"]


def test_names_that_collide_only_with_each_other_pass_as_in_kafka(bench: Any) -> None:
    assert [r.error_code for r in create(bench, topic("q.r"), topic("q_r"))] == [0, 0]


def test_a_name_is_free_again_once_its_rival_is_gone(bench: Any) -> None:
    create(bench, topic("q.r"))
    delete(bench, DeleteTopicState(name="q.r"))
    assert create(bench, topic("q_r"))[0].error_code == 0


def test_minus_one_means_the_cluster_defaults(make_bench: Any) -> None:
    bench = make_bench(num_partitions="4")
    bench.activate()
    bench.up(1)
    (result,) = create(bench, topic("orders", -1, -1))
    assert (result.num_partitions, result.replication_factor) == (4, 1)


def test_manual_assignments_in_any_order(bench: Any) -> None:
    bench.up(2)
    (result,) = create(bench, topic("m", -1, -1, assignments=[(1, [2, 1]), (0, [1, 2])]))
    assert (result.num_partitions, result.replication_factor) == (2, 2)
    assert bench.partition("m", 0).leader == 1
    assert bench.partition("m", 1).leader == 2


def test_validate_only_answers_and_writes_nothing(bench: Any) -> None:
    before = len(bench.log)
    (result,) = create(bench, topic("orders", 3), validate_only=True)
    assert (result.error_code, result.num_partitions) == (0, 3)
    assert result.topic_id != ZERO_UUID
    assert len(bench.log) == before


def test_replicas_that_are_down_are_placed_but_not_in_sync(bench: Any) -> None:
    bench.register(2)
    create(bench, topic("half", -1, -1, assignments=[(0, [2, 1])]))
    partition = bench.partition("half")
    assert (partition.replicas, partition.isr, partition.leader) == ([2, 1], [1], 1)


def test_no_broker_is_up(bench: Any) -> None:
    bench.register(2)
    bench.heartbeat(1, want_fence=True)
    (placed,) = create(bench, topic("a"))
    (assigned,) = create(bench, topic("b", -1, -1, assignments=[(0, [2])]))
    assert placed.error_code == ErrorCode.INVALID_REPLICATION_FACTOR
    assert assigned.error_code == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    assert assigned.error_message == (
        "All brokers specified in the manual partition assignment for partition 0 are fenced or "
        "in controlled shutdown."
    )


def test_ten_thousand_partitions_a_request(bench: Any) -> None:
    results = create(bench, topic("a", 10_000), topic("b", 1))
    assert [r.error_code for r in results] == [0, ErrorCode.POLICY_VIOLATION]


def test_deleting_takes_partitions_and_configs(bench: Any) -> None:
    (made,) = create(bench, topic("orders", 2, configs={"retention.ms": "1"}))
    (result,) = delete(bench, DeleteTopicState(name="orders"))
    assert (result.error_code, result.name, result.topic_id) == (0, "orders", made.topic_id)
    assert bench.image.topics == bench.image.topics_by_id == {}
    assert bench.image.topic_configs("orders") == {}


def test_deleting_by_id(bench: Any) -> None:
    (made,) = create(bench, topic("orders"))
    (result,) = delete(bench, DeleteTopicState(topic_id=made.topic_id))
    assert (result.error_code, result.name) == (0, "orders")


def test_deletions_that_are_refused(bench: Any) -> None:
    (made,) = create(bench, topic("orders"))
    stranger = UUID(int=99)
    results = delete(
        bench,
        DeleteTopicState(name="nosuch"),
        DeleteTopicState(topic_id=stranger),
        DeleteTopicState(name="orders", topic_id=made.topic_id),
        DeleteTopicState(),
    )
    assert [(r.error_code, r.error_message) for r in results] == [
        (3, "This server does not host this topic-partition."),
        (100, "This server does not host this topic ID."),
        (42, "You may not specify both topic name and topic id."),
        (42, "Neither topic name nor id were specified."),
    ]
    assert "orders" in bench.image.topics


def test_a_topic_named_twice_is_answered_once(bench: Any) -> None:
    (made,) = create(bench, topic("orders"))
    by_name = delete(bench, *[DeleteTopicState(name="orders")] * 2)
    assert [(r.error_code, r.error_message) for r in by_name] == [(42, "Duplicate topic name.")]
    by_id = delete(bench, *[DeleteTopicState(topic_id=made.topic_id)] * 2)
    assert [(r.error_code, r.error_message) for r in by_id] == [(42, "Duplicate topic id.")]


def test_a_name_and_its_id_are_the_same_topic(bench: Any) -> None:
    (made,) = create(bench, topic("orders"))
    results = delete(
        bench, DeleteTopicState(name="orders"), DeleteTopicState(topic_id=made.topic_id)
    )
    assert [r.error_code for r in results] == [42, 0]


def test_old_versions_name_topics_only(bench: Any) -> None:
    create(bench, topic("orders"), topic("twice"))
    request = DeleteTopicsRequest(topic_names=["orders", "twice", "twice", "nosuch"])
    responses = bench.take(bench.controller.delete_topics(request, 5)).responses
    assert [(r.name, r.error_code) for r in responses] == [
        ("orders", 0),
        ("twice", 42),
        ("nosuch", 3),
    ]


@pytest.mark.parametrize(
    ("version", "code"), [(2, ErrorCode.INVALID_REQUEST), (6, ErrorCode.TOPIC_DELETION_DISABLED)]
)
def test_deletion_may_be_disabled(make_bench: Any, version: int, code: ErrorCode) -> None:
    bench = make_bench(delete_topic_enable="false")
    bench.activate()
    with pytest.raises(KafkaError) as refused:
        bench.controller.delete_topics(DeleteTopicsRequest(), version)
    assert refused.value.code is code
