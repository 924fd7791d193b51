"""ElectLeaders: the preferred replica leads again, or anybody where nobody does."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.controller.decision import Decision
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    TopicPartitions,
)
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

PREFERRED, UNCLEAN = 0, 1


def create(bench: Any, name: str, *replicas: int, **configs: str) -> None:
    topic = CreatableTopic(
        name=name,
        num_partitions=-1,
        replication_factor=-1,
        assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=list(replicas))],
        configs=[
            CreatableTopicConfig(name=key.replace("_", "."), value=value)
            for key, value in configs.items()
        ],
    )
    answer = bench.take(bench.controller.create_topics(CreateTopicsRequest(topics=[topic])))
    assert answer.topics[0].error_code == 0, answer


def elect(bench: Any, kind: int, *partitions: tuple[str, int]) -> list[tuple[str, int, int]]:
    """(topic, partition, error code) of each answer; no partitions asks for all."""
    request = ElectLeadersRequest(
        election_type=kind,
        topic_partitions=[TopicPartitions(topic=t, partitions=[p]) for t, p in partitions] or None,
    )
    response = bench.take(bench.controller.administer(request, 2))
    return [
        (topic.topic, result.partition_id, result.error_code)
        for topic in response.replica_election_results
        for result in topic.partition_result
    ]


def come_into_sync(bench: Any, topic: str, *replicas: int) -> None:
    """What the leader reports when a follower has caught up, or has fallen behind."""
    record = PartitionChangeRecord(
        partition_id=0, topic_id=bench.image.topics[topic].topic_id, isr=list(replicas)
    )
    bench.take(Decision([record], None))


@pytest.fixture
def bench(make_bench: Any) -> Any:
    """Three brokers, and a topic on all of them whose first replica was away for a moment."""
    made = make_bench()
    made.activate()
    made.up(1, 2, 3)
    create(made, "orders", 2, 1)
    made.heartbeat(2, want_fence=True)
    assert made.partition("orders").leader == 1
    made.heartbeat(2)
    return made


def test_a_right_leader_needs_no_election(bench: Any) -> None:
    create(bench, "right", 3)
    assert elect(bench, PREFERRED, ("right", 0)) == [("right", 0, ErrorCode.ELECTION_NOT_NEEDED)]
    assert elect(bench, UNCLEAN, ("right", 0)) == [("right", 0, ErrorCode.ELECTION_NOT_NEEDED)]


def test_the_preferred_replica_leads_when_it_is_in_sync(bench: Any) -> None:
    not_yet = elect(bench, PREFERRED, ("orders", 0))
    assert not_yet == [("orders", 0, ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)]
    come_into_sync(bench, "orders", 1, 2)
    epoch = bench.partition("orders").leader_epoch
    assert elect(bench, PREFERRED, ("orders", 0)) == [("orders", 0, 0)]
    assert bench.partition("orders").leader == 2
    assert bench.partition("orders").leader_epoch == epoch + 1


def test_of_all_partitions_only_those_that_need_it_are_told(bench: Any) -> None:
    create(bench, "right", 3)
    come_into_sync(bench, "orders", 1, 2)
    assert elect(bench, PREFERRED) == [("orders", 0, 0)]
    assert elect(bench, PREFERRED) == []


def test_a_partition_named_twice_is_elected_once(bench: Any) -> None:
    come_into_sync(bench, "orders", 1, 2)
    before = len(bench.log)
    answers = elect(bench, PREFERRED, ("orders", 0), ("orders", 0))
    assert [code for _, _, code in answers] == [0, ErrorCode.ELECTION_NOT_NEEDED]
    assert len(bench.log) == before + 1


def test_an_unclean_leader_is_a_last_resort(bench: Any) -> None:
    create(bench, "lost", 3, 2)
    come_into_sync(bench, "lost", 3)
    bench.heartbeat(3, want_fence=True)
    assert bench.partition("lost").leader == -1
    assert elect(bench, PREFERRED, ("lost", 0))[0][2] == ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE
    assert elect(bench, UNCLEAN) == [("lost", 0, 0)]
    elected = bench.partition("lost")
    assert (elected.leader, elected.isr, elected.leader_recovery_state) == (2, [2], 1)


def test_nobody_can_lead_when_all_are_away(bench: Any) -> None:
    create(bench, "lost", 3)
    bench.heartbeat(3, want_fence=True)
    answer = elect(bench, UNCLEAN, ("lost", 0))
    assert answer == [("lost", 0, ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)]


def test_what_does_not_exist_is_named(bench: Any) -> None:
    request = ElectLeadersRequest(
        topic_partitions=[
            TopicPartitions(topic="nope", partitions=[0]),
            TopicPartitions(topic="orders", partitions=[9]),
        ]
    )
    response = bench.take(bench.controller.administer(request, 2))
    results = [topic.partition_result[0] for topic in response.replica_election_results]
    assert [(r.error_code, r.error_message) for r in results] == [
        (3, "No such topic as nope"),
        (3, "No such partition as orders-9"),
    ]


def test_an_unknown_type_is_refused_unless_nothing_is_asked(bench: Any) -> None:
    request = ElectLeadersRequest(election_type=2, topic_partitions=None)
    with pytest.raises(KafkaError, match="Unknown election type 2"):
        bench.controller.administer(request, 2)
    request.topic_partitions = []
    assert bench.controller.administer(request, 2).response == ElectLeadersResponse()
