"""A controller that goes back to what is committed, and what it must not share with it."""

from __future__ import annotations

from typing import Any

from minikafka.metadata.loader import MetadataLoader
from minikafka.metadata.snapshot import snapshot_records
from minikafka.protocol.messages.create_topics import CreatableTopic, CreateTopicsRequest
from minikafka.protocol.records.metadata.begin_transaction_record import BeginTransactionRecord
from minikafka.protocol.records.metadata.topic_record import TopicRecord


def committed(bench: Any) -> MetadataLoader:
    """What another reader of the same log has so far."""
    loader = MetadataLoader(type(bench.image)())
    loader.replay_batch(bench.log, last_offset=len(bench.log) - 1, epoch=1, wall_ms=1)
    return loader


def create_topic(bench: Any, name: str) -> Any:
    topic = CreatableTopic(name=name, num_partitions=2, replication_factor=1)
    request = CreateTopicsRequest(topics=[topic])
    (result,) = bench.take(bench.controller.create_topics(request)).topics
    return result


def test_what_was_not_committed_is_forgotten(bench: Any) -> None:
    create_topic(bench, "kept.topic")
    before = committed(bench)
    create_topic(bench, "lost.topic")
    bench.heartbeat(1, want_shut_down=True)
    bench.controller.reload(before)
    assert list(bench.image.topics) == ["kept.topic"]
    assert bench.image.brokers[1].is_active
    assert bench.image.offset == before.image.offset == bench.controller.next_offset - 1
    assert create_topic(bench, "lost_topic").error_code == 0
    assert create_topic(bench, "kept_topic").error_message == (
        "Topic 'kept_topic' collides with existing topic: kept.topic"
    )


def test_the_two_share_nothing_that_changes(bench: Any) -> None:
    create_topic(bench, "t")
    shared = committed(bench)
    as_it_was = list(map(repr, snapshot_records(shared.image)))
    bench.controller.reload(shared)
    assert list(map(repr, snapshot_records(bench.image))) == as_it_was
    create_topic(bench, "u")
    bench.up(2)
    bench.heartbeat(2, want_fence=True)
    bench.heartbeat(1, want_shut_down=True)
    assert list(map(repr, snapshot_records(shared.image))) == as_it_was


def test_an_open_transaction_goes_with_it(bench: Any) -> None:
    other = committed(bench)
    topic = TopicRecord(name="held", topic_id=bench.controller.state.new_uuid())
    last_offset = other.image.offset + 2
    other.replay_batch(
        [BeginTransactionRecord(name="many"), topic], last_offset=last_offset, epoch=2, wall_ms=1
    )
    bench.controller.reload(other)
    (abort,) = bench.controller.activate([], bench.now_ms).records
    assert abort.reason == "Controller failover"
    assert other.transaction_offset == last_offset - 1
