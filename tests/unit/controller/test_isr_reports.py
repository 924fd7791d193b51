"""AlterPartition: what a leader may report, what it is refused for, what completes with it."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionRequestPartitionData,
    AlterPartitionRequestTopicData,
    BrokerState,
)
from minikafka.protocol.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)


def create(bench: Any, *replicas: int, name: str = "orders") -> None:
    topic = CreatableTopic(
        name=name,
        num_partitions=-1,
        replication_factor=-1,
        assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=list(replicas))],
    )
    (result,) = bench.take(
        bench.controller.create_topics(CreateTopicsRequest(topics=[topic]))
    ).topics
    assert result.error_code == 0, result.error_message


@pytest.fixture
def bench(make_bench: Any) -> Any:
    """Four brokers; a topic on three of them, of which two must be in sync."""
    made = make_bench(min_insync_replicas="2")
    made.activate()
    made.up(1, 2, 3, 4)
    create(made, 1, 2, 3)
    return made


def report(bench: Any, isr: list[int], *, version: int = 3, **fields: Any) -> Any:
    """What the leader reports of itself, but for `fields`; the partition's answer."""
    partition = bench.partition("orders")
    brokers = bench.image.brokers
    asked = AlterPartitionRequestPartitionData(
        leader_epoch=partition.leader_epoch, partition_epoch=partition.partition_epoch
    )
    if version < 3:
        asked.new_isr = isr
    else:
        asked.new_isr_with_epochs = [
            BrokerState(broker_id=i, broker_epoch=brokers[i].epoch) for i in isr
        ]
    sender = fields.pop("sender", partition.leader)
    topic_id = fields.pop("topic_id", bench.image.topics["orders"].topic_id)
    for name, value in fields.items():
        setattr(asked, name, value)
    request = AlterPartitionRequest(
        broker_id=sender,
        broker_epoch=brokers[sender].epoch,
        topics=[AlterPartitionRequestTopicData(topic_id=topic_id, partitions=[asked])],
    )
    (topic,) = bench.take(bench.controller.administer(request, version)).topics
    (answer,) = topic.partitions
    assert topic.topic_id == topic_id
    return answer


def refusal(bench: Any, isr: list[int], **fields: Any) -> int:
    before = len(bench.log)
    code: int = report(bench, isr, **fields).error_code
    assert len(bench.log) == before
    return code


def reassign(bench: Any, *replicas: int) -> None:
    partition = ReassignablePartition(partition_index=0, replicas=list(replicas))
    topic = ReassignableTopic(name="orders", partitions=[partition])
    response = bench.take(
        bench.controller.administer(AlterPartitionReassignmentsRequest(topics=[topic]), 1)
    )
    assert response.responses[0].partitions[0].error_code == 0


@pytest.mark.parametrize("version", [2, 3])
def test_an_isr_shrinks_and_grows_in_one_leader_epoch(bench: Any, version: int) -> None:
    shrunk = report(bench, [1, 3], version=version)
    assert (shrunk.error_code, shrunk.isr, shrunk.leader_id) == (0, [1, 3], 1)
    assert (shrunk.leader_epoch, shrunk.partition_epoch) == (0, 1)
    assert bench.partition("orders").elr == []
    grown = report(bench, [1, 3, 2], version=version)
    assert (grown.isr, grown.leader_epoch, grown.partition_epoch) == ([1, 3, 2], 0, 2)
    assert bench.partition("orders").isr == [1, 3, 2]


def test_below_the_minimum_who_leaves_stays_eligible(bench: Any) -> None:
    report(bench, [1, 2])
    report(bench, [1])
    assert (bench.partition("orders").isr, bench.partition("orders").elr) == ([1], [2])
    report(bench, [1, 3])
    assert bench.partition("orders").elr == []


def test_the_isr_as_it_is_changes_nothing(bench: Any) -> None:
    assert refusal(bench, [1, 2, 3]) == 0


def test_a_leader_with_another_epoch_is_refused(bench: Any) -> None:
    bench.heartbeat(1, want_fence=True)
    assert bench.partition("orders").leader_epoch == 1
    assert refusal(bench, [2], leader_epoch=0) == ErrorCode.FENCED_LEADER_EPOCH
    assert refusal(bench, [2], leader_epoch=2) == ErrorCode.NOT_CONTROLLER
    assert refusal(bench, [2], partition_epoch=0) == ErrorCode.INVALID_UPDATE_VERSION
    assert refusal(bench, [2], partition_epoch=9) == ErrorCode.NOT_CONTROLLER
    assert refusal(bench, [2, 3], sender=3) == ErrorCode.INVALID_REQUEST
    assert report(bench, [2]).error_code == 0


def test_an_isr_that_cannot_be_is_refused(bench: Any) -> None:
    assert refusal(bench, [2, 3]) == ErrorCode.INVALID_REQUEST
    assert refusal(bench, [1, 2, 2]) == ErrorCode.INVALID_REQUEST
    assert refusal(bench, [1, 4]) == ErrorCode.INVALID_REQUEST
    assert refusal(bench, [], version=2) == ErrorCode.INVALID_REQUEST


def test_what_does_not_exist(bench: Any) -> None:
    unknown = bench.controller.state.new_uuid()
    assert refusal(bench, [1], topic_id=unknown) == ErrorCode.UNKNOWN_TOPIC_ID
    assert refusal(bench, [1], partition_index=1) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_replicas_that_may_not_be_in_sync(bench: Any) -> None:
    report(bench, [1])
    stale = [BrokerState(broker_id=i, broker_epoch=e) for i, e in ((1, -1), (2, 3))]
    assert refusal(bench, [1, 2], new_isr_with_epochs=stale) == ErrorCode.INELIGIBLE_REPLICA
    create(bench, 2, name="led-by-2")
    bench.heartbeat(2, want_shut_down=True)
    assert bench.image.brokers[2].in_controlled_shutdown
    assert refusal(bench, [1, 2]) == ErrorCode.INELIGIBLE_REPLICA
    bench.heartbeat(3, want_fence=True)
    assert refusal(bench, [1, 3]) == ErrorCode.INELIGIBLE_REPLICA
    bench.heartbeat(3)
    assert report(bench, [1, 3], version=2).error_code == 0


def test_a_restarted_leader_is_told_so(bench: Any) -> None:
    request = AlterPartitionRequest(
        broker_id=1,
        broker_epoch=bench.image.brokers[1].epoch - 1,
        topics=[AlterPartitionRequestTopicData()],
    )
    with pytest.raises(KafkaError) as refused:
        bench.controller.administer(request, 3)
    assert refused.value.code is ErrorCode.STALE_BROKER_EPOCH


def test_a_reassignment_is_complete_and_moves_the_leader(bench: Any) -> None:
    """As in the exchange of a real cluster: done, and an error for the one who asked."""
    reassign(bench, 4, 2)
    begun = bench.partition("orders")
    assert (begun.replicas, begun.adding_replicas) == ([4, 2, 1, 3], [4])
    assert begun.removing_replicas == [1, 3]
    assert report(bench, [1, 2, 3]).error_code == 0
    answer = report(bench, [1, 2, 3, 4])
    assert (answer.error_code, answer.leader_id, answer.isr) == (
        ErrorCode.NEW_LEADER_ELECTED,
        0,
        [],
    )
    done = bench.partition("orders")
    assert (done.replicas, done.isr, done.leader, done.leader_epoch) == ([4, 2], [2, 4], 4, 1)
    assert [d.int for d in done.directories] == [1004, 1002]
    assert not done.is_reassigning


def test_a_reassignment_that_keeps_the_leader_begins_an_epoch_for_who_is_dropped(
    bench: Any,
) -> None:
    reassign(bench, 1, 2, 4)
    assert bench.partition("orders").replicas == [1, 2, 4, 3]
    answer = report(bench, [1, 2, 4])
    assert (answer.error_code, answer.isr, answer.leader_epoch) == (0, [1, 2, 4], 1)
    assert bench.partition("orders").replicas == [1, 2, 4]


def test_more_replicas_need_no_new_epoch(bench: Any) -> None:
    reassign(bench, 1, 2, 3, 4)
    answer = report(bench, [1, 2, 3, 4])
    assert (answer.error_code, answer.leader_epoch) == (0, 0)
    assert not bench.partition("orders").is_reassigning


def test_fewer_replicas_wait_for_all_that_remain(bench: Any) -> None:
    report(bench, [1, 3])
    reassign(bench, 1, 2)
    waiting = bench.partition("orders")
    assert (waiting.replicas, waiting.removing_replicas, waiting.isr) == ([1, 2, 3], [3], [1, 3])
    report(bench, [1, 2, 3])
    done = bench.partition("orders")
    assert (done.replicas, done.isr, done.removing_replicas) == ([1, 2], [1, 2], [])


def test_who_is_dropped_is_not_eligible(bench: Any) -> None:
    report(bench, [1])
    assert bench.partition("orders").elr == [2, 3]
    reassign(bench, 4, 1)
    report(bench, [1, 4])
    assert (bench.partition("orders").isr, bench.partition("orders").elr) == ([1, 4], [])


def test_another_target_while_one_is_pursued(bench: Any) -> None:
    reassign(bench, 4, 2)
    reassign(bench, 4, 3)
    changed = bench.partition("orders")
    assert (changed.replicas, changed.adding_replicas) == ([4, 3, 1, 2], [4])
    assert changed.removing_replicas == [1, 2]
    reassign(bench, 1, 2, 3)
    assert bench.partition("orders").replicas == [1, 2, 3]
    assert not bench.partition("orders").is_reassigning


def test_the_same_target_again_waits_on(bench: Any) -> None:
    reassign(bench, 4, 2)
    before = len(bench.log)
    reassign(bench, 4, 2)
    assert len(bench.log) == before


def test_a_leader_that_recovers_is_alone_until_it_has(make_bench: Any) -> None:
    bench = make_bench(unclean_leader_election_enable="true")
    bench.activate()
    bench.up(1, 2)
    create(bench, 1, 2)
    report(bench, [1])
    bench.heartbeat(1, want_fence=True)
    lost = bench.partition("orders")
    assert (lost.leader, lost.isr, lost.elr, lost.leader_recovery_state) == (2, [2], [], 1)
    bench.heartbeat(1)
    assert refusal(bench, [2, 1], leader_recovery_state=1) == ErrorCode.INVALID_REQUEST
    recovered = report(bench, [2, 1])
    assert (recovered.error_code, recovered.leader_recovery_state) == (0, 0)
    assert refusal(bench, [2], leader_recovery_state=1) == ErrorCode.INVALID_REQUEST
