"""Registration, fencing, controlled shutdown, restarts; and blocks of producer ids."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from minikafka.metadata.record_versions import record_version
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.protocol.messages.allocate_producer_ids import AllocateProducerIdsRequest
from minikafka.protocol.messages.broker_heartbeat import BrokerHeartbeatRequest
from minikafka.protocol.messages.broker_registration import Feature
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.records.metadata.broker_registration_change_record import (
    BrokerRegistrationChangeRecord,
)
from minikafka.protocol.records.metadata.partition_record import PartitionRecord
from minikafka.protocol.records.metadata.register_broker_record import RegisterBrokerRecord
from minikafka.protocol.records.metadata.topic_record import TopicRecord
from minikafka.protocol.types import Message


def create_topic(bench: Any, name: str, partitions: int = 1, factor: int = 1) -> None:
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=factor)
    request = CreateTopicsRequest(topics=[topic])
    (result,) = bench.take(bench.controller.create_topics(request)).topics
    assert result.error_code == 0, result.error_message


def test_the_broker_epoch_is_the_offset_of_the_registration(make_bench: Any) -> None:
    bench = make_bench()
    bench.activate()
    assert bench.register(1) == bench.image.offset
    broker = bench.image.brokers[1]
    assert broker.fenced
    assert broker.endpoint("PLAINTEXT").port == 9001
    assert broker.features["metadata.version"] == (7, 30)
    assert broker.log_dirs == [UUID(int=1001)]


def test_it_is_up_once_it_has_applied_its_own_registration(make_bench: Any) -> None:
    bench = make_bench()
    bench.activate()
    epoch = bench.register(1)
    behind = bench.heartbeat(1, offset=epoch - 1)
    assert (behind.is_caught_up, behind.is_fenced) == (False, True)
    waiting = bench.heartbeat(1, offset=epoch, want_fence=True)
    assert (waiting.is_caught_up, waiting.is_fenced) == (True, True)
    ready = bench.heartbeat(1, offset=epoch, cordoned_log_dirs=[])
    assert (ready.is_caught_up, ready.is_fenced, ready.should_shut_down) == (True, False, False)
    assert [(r.fenced, r.cordoned_log_dirs) for r in bench.log[-2:]] == [(-1, None), (0, [])]
    assert bench.image.brokers[1].is_active
    before = len(bench.log)
    assert not bench.heartbeat(1, cordoned_log_dirs=[]).is_fenced
    assert len(bench.log) == before


def foo(lowest: int, highest: int) -> Feature:
    """A feature that nobody has finalised."""
    return Feature(name="foo", min_supported_version=lowest, max_supported_version=highest)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cluster_id": "other"}, ErrorCode.INCONSISTENT_CLUSTER_ID),
        ({"log_dirs": []}, ErrorCode.INVALID_REGISTRATION),
        ({"log_dirs": [UUID(int=1)]}, ErrorCode.INVALID_REGISTRATION),
        ({"log_dirs": [UUID(int=500)] * 2}, ErrorCode.INVALID_REGISTRATION),
        ({"log_dirs": [UUID(int=1001)]}, ErrorCode.INVALID_REGISTRATION),
        ({"features": []}, ErrorCode.INVALID_REGISTRATION),
        (
            {"features": [Feature(name="foo", max_supported_version=2)]},
            ErrorCode.INVALID_REGISTRATION,
        ),
        ({"features": [foo(1, 2)]}, ErrorCode.UNSUPPORTED_VERSION),
        ({"is_migrating_zk_broker": True}, ErrorCode.BROKER_ID_NOT_REGISTERED),
    ],
)
def test_registrations_that_are_refused(
    bench: Any, change: dict[str, Any], code: ErrorCode
) -> None:
    with pytest.raises(KafkaError) as refused:
        bench.register(2, **change)
    assert refused.value.code is code
    assert 2 not in bench.image.brokers


def test_a_finalised_feature_must_be_supported(bench: Any) -> None:
    request = bench.registration(2, None, -1, None)
    request.features = [f for f in request.features if f.name == "metadata.version"]
    with pytest.raises(KafkaError) as refused:
        bench.controller.register_broker(request, 0)
    assert refused.value.code is ErrorCode.UNSUPPORTED_VERSION
    assert refused.value.message == (
        "Unable to register because the broker does not support finalized version 1 of "
        "eligible.leader.replicas.version. The broker wants a version between 0 and 0, inclusive."
    )


def test_two_processes_with_one_id(bench: Any) -> None:
    bench.up(2)
    with pytest.raises(KafkaError) as refused:
        bench.register(2, incarnation=77)
    assert refused.value.code is ErrorCode.DUPLICATE_BROKER_REGISTRATION
    bench.now_ms += 9_000
    epoch = bench.register(2, incarnation=77)
    assert bench.image.brokers[2].epoch == epoch == bench.image.offset


def test_a_process_without_a_heartbeat_gives_way_to_another(bench: Any) -> None:
    bench.register(2, incarnation=77)
    assert bench.register(2, incarnation=78) == bench.image.offset
    bench.heartbeat(2, offset=0)
    with pytest.raises(KafkaError) as refused:
        bench.register(2, incarnation=77)
    assert refused.value.code is ErrorCode.DUPLICATE_BROKER_REGISTRATION


def test_the_controllers_own_broker_need_not_wait(bench: Any) -> None:
    """Its former process was the former controller's: it is dead if this one lives."""
    bench.controller.state.sessions.begin(bench.image.brokers.values(), 0)
    assert bench.register(1, incarnation=77) == bench.image.offset


def test_a_new_controller_has_heard_of_no_process_yet(bench: Any) -> None:
    """All nodes have died and come back: nobody waits for the session of a former self."""
    bench.up(2)
    bench.controller.state.sessions.begin(bench.image.brokers.values(), bench.now_ms)
    epoch = bench.register(2, incarnation=77)
    assert bench.image.brokers[2].epoch == epoch == bench.image.offset


def test_the_same_process_amends_its_registration(bench: Any) -> None:
    epoch = bench.register(2, incarnation=77)
    bench.heartbeat(2)
    assert bench.register(2, incarnation=77, rack="r2") == epoch
    assert (bench.image.brokers[2].rack, bench.image.brokers[2].fenced) == ("r2", False)


def test_a_former_process_is_told_so(bench: Any) -> None:
    request = BrokerHeartbeatRequest(broker_id=1, broker_epoch=0)
    with pytest.raises(KafkaError) as stale:
        bench.controller.broker_heartbeat(request, 0)
    assert stale.value.code is ErrorCode.STALE_BROKER_EPOCH
    with pytest.raises(KafkaError) as unknown:
        bench.controller.broker_heartbeat(BrokerHeartbeatRequest(broker_id=9), 0)
    assert unknown.value.code is ErrorCode.STALE_BROKER_EPOCH


def test_a_clean_stop_and_start_of_a_sole_broker(bench: Any) -> None:
    """As a real 4.3.0 wrote it: the leader goes, stays eligible, and comes back: two epochs."""
    create_topic(bench, "orders", 2)
    assert not bench.heartbeat(1, want_shut_down=True).should_shut_down
    assert bench.image.brokers[1].in_controlled_shutdown
    stopped = bench.partition("orders")
    assert (stopped.isr, stopped.leader, stopped.leader_epoch) == ([], -1, 1)
    assert (stopped.elr, stopped.last_known_elr) == ([1], [1])
    assert bench.heartbeat(1, want_shut_down=True).should_shut_down
    assert bench.image.brokers[1].fenced
    old_epoch = bench.image.brokers[1].epoch

    bench.register(1, previous_epoch=old_epoch)
    assert bench.partition("orders").elr == [1]
    bench.heartbeat(1)
    for index in 0, 1:
        back = bench.partition("orders", index)
        assert (back.isr, back.leader, back.leader_epoch) == ([1], 1, 2)
        assert (back.elr, back.last_known_elr, back.leader_recovery_state) == ([], [], 0)


def test_a_kill_and_restart_of_a_sole_broker(bench: Any) -> None:
    create_topic(bench, "orders")
    bench.register(1, previous_epoch=-1)
    lost = bench.partition("orders")
    assert (lost.isr, lost.elr, lost.last_known_elr, lost.leader) == ([], [], [1], -1)
    bench.heartbeat(1)
    back = bench.partition("orders")
    assert (back.isr, back.leader, back.leader_epoch) == ([1], 1, 2)
    assert back.leader_recovery_state == 1


def test_a_session_that_runs_out_fences(bench: Any) -> None:
    bench.up(2)
    create_topic(bench, "orders", 2, 2)
    bench.now_ms += 8_999
    assert bench.controller.next_due_ms(read_by_others=False) == bench.now_ms + 1
    assert not bench.periodic()
    bench.now_ms += 1
    assert bench.periodic()
    assert bench.image.brokers[2].fenced
    assert not bench.image.brokers[1].fenced, "the controller's own broker has no session"
    for index in 0, 1:
        assert (bench.partition("orders", index).isr, bench.partition("orders", index).leader) == (
            [1],
            1,
        )
    assert not bench.periodic()


def test_a_broker_may_leave_when_the_others_know(bench: Any) -> None:
    bench.up(2)
    create_topic(bench, "orders", 4, 2)
    seen = bench.image.offset
    assert not bench.heartbeat(2, want_shut_down=True).should_shut_down
    assert all(bench.partition("orders", i).isr == [1] for i in range(4))
    bench.heartbeat(1, offset=seen)
    assert not bench.heartbeat(2, want_shut_down=True).should_shut_down
    bench.heartbeat(1)
    gone = bench.heartbeat(2, want_shut_down=True)
    assert (gone.should_shut_down, gone.is_fenced) == (True, True)
    assert bench.heartbeat(2, want_shut_down=True).should_shut_down


def test_a_failed_directory_takes_its_partitions_out(bench: Any) -> None:
    good, bad = UUID(int=2001), UUID(int=2002)
    bench.register(2, log_dirs=[good, bad])
    bench.heartbeat(2)
    create_topic(bench, "orders", 20, 2)
    lost = [i for i in range(20) if bench.partition("orders", i).directory_of(2) == bad]
    assert 0 < len(lost) < 20
    bench.heartbeat(2, offline_log_dirs=[bad])
    assert bench.image.brokers[2].log_dirs == [good]
    for index in range(20):
        partition = bench.partition("orders", index)
        assert (2 in partition.isr) is (index not in lost)
        assert partition.leader != 2 or index not in lost
    before = len(bench.log)
    bench.heartbeat(2, offline_log_dirs=[bad])
    assert len(bench.log) == before
    bench.heartbeat(1, want_fence=True)
    assert all(bench.partition("orders", index).leader == -1 for index in lost)


def test_a_replica_in_a_directory_that_its_broker_does_not_have_cannot_lead(bench: Any) -> None:
    """As a real 4.3.0: with another directory.id the partitions stay without a leader."""
    create_topic(bench, "orders")
    bench.heartbeat(1, want_fence=True)
    bench.register(1, previous_epoch=bench.image.brokers[1].epoch, log_dirs=[UUID(int=5000)])
    bench.heartbeat(1)
    assert bench.partition("orders").leader == -1
    epoch = bench.image.brokers[1].epoch
    bench.heartbeat(1, want_fence=True)
    bench.register(1, previous_epoch=epoch)
    bench.heartbeat(1)
    assert bench.partition("orders").leader == 1


def test_producer_ids_come_in_blocks_and_never_twice(bench: Any) -> None:
    epoch = bench.image.brokers[1].epoch
    request = AllocateProducerIdsRequest(broker_id=1, broker_epoch=epoch)
    starts = [
        bench.take(bench.controller.allocate_producer_ids(request)).producer_id_start
        for _ in range(3)
    ]
    assert starts == [0, 1000, 2000]
    assert bench.image.next_producer_id == 3000
    request.broker_epoch += 1
    with pytest.raises(KafkaError) as refused:
        bench.controller.allocate_producer_ids(request)
    assert refused.value.code is ErrorCode.STALE_BROKER_EPOCH


def test_record_versions_follow_metadata_version() -> None:
    def versions(record: Message, *levels: int) -> list[int]:
        return [record_version(record, level) for level in levels]

    assert versions(RegisterBrokerRecord(), 7, 8, 16, 17, 29, 30) == [1, 2, 2, 3, 3, 4]
    assert versions(PartitionRecord(), 16, 17, 22, 23, 30) == [0, 1, 1, 2, 2]
    assert versions(TopicRecord(), 30) == [0]


def test_a_change_of_a_broker_is_written_in_the_first_version_that_can_say_it() -> None:
    changes: list[dict[str, Any]] = [
        {"fenced": 1},
        {"in_controlled_shutdown": 1},
        {"log_dirs": [UUID(int=1)], "fenced": -1},
        {"cordoned_log_dirs": []},
    ]
    records = [BrokerRegistrationChangeRecord(**change) for change in changes]
    assert [record_version(record, 30) for record in records] == [0, 1, 2, 3]
