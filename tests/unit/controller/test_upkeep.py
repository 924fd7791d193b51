"""What the active controller does as time goes by, and what it is told from outside."""

from __future__ import annotations

from typing import Any

import pytest

from minikafka.controller.decision import Decision
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreateTopicsRequest,
)
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from minikafka.protocol.records.metadata.no_op_record import NoOpRecord
from minikafka.protocol.records.metadata.partition_change_record import PartitionChangeRecord

SESSION_MS = 9_000


def create(bench: Any, name: str, *replicas: int) -> None:
    topic = CreatableTopic(
        name=name,
        num_partitions=-1,
        replication_factor=-1,
        assignments=[CreatableReplicaAssignment(partition_index=0, broker_ids=list(replicas))],
    )
    bench.take(bench.controller.create_topics(CreateTopicsRequest(topics=[topic])))


def come_into_sync(bench: Any, topic: str, *replicas: int) -> None:
    """What the leader reports when a follower has caught up."""
    topic_id = bench.image.topics[topic].topic_id
    record = PartitionChangeRecord(partition_id=0, topic_id=topic_id, isr=list(replicas))
    bench.take(Decision([record], None))


def allow_unclean(bench: Any, topic: str) -> None:
    config = AlterableConfig(name="unclean.leader.election.enable", value="true")
    resource = AlterConfigsResource(resource_type=2, resource_name=topic, configs=[config])
    request = IncrementalAlterConfigsRequest(resources=[resource])
    bench.take(bench.controller.incremental_alter_configs(request))


@pytest.fixture
def bench(make_bench: Any) -> Any:
    """A controller that is no broker, with three brokers."""
    made = make_bench(node_id="100", controller_quorum_voters="100@localhost:9093")
    made.activate()
    made.up(1, 2, 3)
    return made


def test_sessions_that_run_out_together_are_ended_one_by_one(bench: Any) -> None:
    create(bench, "orders", 1, 2, 3)
    bench.now_ms += 100
    bench.heartbeat(3)
    bench.now_ms += SESSION_MS - 100
    first = bench.controller.periodic(bench.now_ms, read_by_others=False)
    assert first.response
    bench.take(first)
    assert (bench.partition("orders").isr, bench.partition("orders").leader) == ([2, 3], 2)
    assert bench.periodic()
    assert (bench.partition("orders").isr, bench.partition("orders").leader) == ([3], 3)
    assert [b.fenced for b in bench.image.brokers.values()] == [True, True, False]
    assert bench.controller.next_due_ms(read_by_others=False) == SESSION_MS + 100


def test_a_new_active_controller_gives_everybody_a_full_session(bench: Any) -> None:
    bench.now_ms += 8_000
    bench.activate()
    bench.now_ms += SESSION_MS - 1
    assert not bench.periodic()
    bench.now_ms += 1
    assert bench.periodic()
    assert all(broker.fenced for broker in bench.image.brokers.values())


def test_a_process_that_is_gone_is_fenced_at_once_and_followed_at_once(bench: Any) -> None:
    create(bench, "orders", 1, 2)
    epoch = bench.image.brokers[1].epoch
    with pytest.raises(KafkaError) as refused:
        bench.register(1, incarnation=77)
    assert refused.value.code is ErrorCode.DUPLICATE_BROKER_REGISTRATION
    bench.take(bench.controller.broker_unreachable(1, epoch))
    assert bench.image.brokers[1].fenced
    assert bench.partition("orders").leader == 2
    assert bench.register(1, incarnation=77) > epoch
    bench.heartbeat(1)
    assert not bench.controller.broker_unreachable(1, epoch).records
    assert not bench.controller.broker_unreachable(9, 0).records
    assert bench.image.brokers[1].is_active


def test_who_was_let_go_need_not_be_waited_for(bench: Any) -> None:
    assert bench.heartbeat(1, want_shut_down=True).should_shut_down
    epoch = bench.image.brokers[1].epoch
    assert bench.register(1, incarnation=77, previous_epoch=epoch) > epoch


def test_who_was_fenced_and_is_gone_need_not_be_waited_for(bench: Any) -> None:
    bench.heartbeat(1, want_fence=True)
    epoch = bench.image.brokers[1].epoch
    assert not bench.controller.broker_unreachable(1, epoch).records
    assert bench.register(1, incarnation=77) > epoch


def test_who_leads_nothing_may_leave_at_once(bench: Any) -> None:
    create(bench, "orders", 1, 2)
    gone = bench.heartbeat(2, want_shut_down=True)
    assert (gone.should_shut_down, gone.is_fenced) == (True, True)
    assert bench.partition("orders").isr == [1]


def test_leadership_goes_back_to_preferred_replicas_in_sync(bench: Any) -> None:
    create(bench, "orders", 1, 2)
    create(bench, "late", 1, 2)
    bench.heartbeat(1, want_fence=True)
    bench.heartbeat(1)
    come_into_sync(bench, "orders", 2, 1)
    epoch = bench.partition("orders").leader_epoch
    while bench.now_ms < 300_000:
        assert (bench.partition("orders").leader, bench.partition("late").leader) == (2, 2)
        bench.now_ms += 6_000
        for broker_id in 1, 2, 3:
            bench.heartbeat(broker_id)
        bench.periodic()
    assert (bench.partition("orders").leader, bench.partition("late").leader) == (1, 2)
    assert bench.partition("orders").leader_epoch == epoch + 1
    assert bench.partition("orders").isr == [2, 1]


def test_how_often_is_configured(make_bench: Any) -> None:
    bench = make_bench(leader_imbalance_check_interval_seconds="7")
    bench.activate()
    assert bench.controller.next_due_ms(read_by_others=False) == 7_000
    never = make_bench(auto_leader_rebalance_enable="false", metadata_max_idle_interval_ms="0")
    never.activate()
    assert never.controller.next_due_ms(read_by_others=True) == 300_000


def test_an_unclean_leader_is_looked_for_when_it_has_been_allowed(bench: Any) -> None:
    create(bench, "orders", 1, 2)
    create(bench, "careful", 1, 2)
    for broker_id in 2, 1:
        bench.heartbeat(broker_id, want_fence=True)
    bench.heartbeat(2)
    assert bench.partition("orders").leader == bench.partition("careful").leader == -1
    allow_unclean(bench, "orders")
    while bench.partition("orders").leader < 0:
        assert bench.now_ms < 300_000
        bench.now_ms += 3_000
        bench.heartbeat(2)
        bench.heartbeat(3)
        bench.periodic()
    assert bench.now_ms == 300_000
    assert (bench.partition("orders").leader, bench.partition("orders").isr) == (2, [2])
    assert bench.partition("careful").leader == -1


def test_an_empty_record_now_and_then_if_somebody_reads_it(bench: Any) -> None:
    assert bench.controller.next_due_ms(read_by_others=True) == 500
    bench.now_ms = 499
    assert not bench.periodic(read_by_others=True)
    bench.now_ms = 500
    assert not bench.periodic()
    assert bench.periodic(read_by_others=True) == [NoOpRecord()]
    assert not bench.periodic(read_by_others=True)
    assert bench.controller.next_due_ms(read_by_others=True) == 1_000
