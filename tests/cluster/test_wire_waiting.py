"""Fetches that wait, over a real socket: who wakes them, how fast, and with what.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka), but for those
that say so.
"""

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.peer import Peer, Topic, batch_of, batch_of_size, fetch_request, records_of

from minikafka.protocol.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from minikafka.protocol.messages.fetch import FetchRequest
from minikafka.protocol.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)

LONG_MS = 60_000
VERSIONS = [4, 12, 13, 18]
GONE = {3, 100}  # Kafka names a topic that went while it was watched by 3, also in versions of ids
TOPIC_RESOURCE = 2


@pytest.fixture
def peer(shared_broker: RunningBroker) -> Iterator[Peer]:
    """The one that acts."""
    with Peer(shared_broker.host, shared_broker.port) as connected:
        yield connected


@pytest.fixture
def waiter(shared_broker: RunningBroker) -> Iterator[Peer]:
    """The one that waits."""
    with Peer(shared_broker.host, shared_broker.port) as connected:
        yield connected


@pytest.fixture
def make_topic(peer: Peer) -> Callable[..., Topic]:
    def make(partitions: int = 1, **configs: str) -> Topic:
        named = {key.replace("_", "."): value for key, value in configs.items()}
        topic = Topic.create(peer, f"waiting-{uuid.uuid4()}", partitions, named)
        for index in range(partitions):
            topic.produce(batch_of(b"first"), partition=index)
        return topic

    return make


def park(waiter: Peer, request: FetchRequest, version: int) -> None:
    """Send it and make sure that it waits: what is asked behind it is not answered before it."""
    waiter.send(request, version)
    waiter.socket.settimeout(0.05)
    try:
        assert not waiter.socket.recv(1), "it did not wait"
        raise AssertionError("the connection was closed")
    except TimeoutError:
        waiter.socket.settimeout(10)


def codes(response: Any) -> dict[int, int]:
    return {p.partition_index: p.error_code for t in response.responses for p in t.partitions}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("isolation", [0, 1])
def test_a_produce_wakes_a_fetch(
    make_topic: Callable[..., Topic], waiter: Peer, version: int, isolation: int
) -> None:
    topic = make_topic(2)
    wanted = topic.fetch_topic({0: 1, 1: 1}, version)
    request = fetch_request(wanted, max_wait_ms=LONG_MS, isolation_level=isolation)
    park(waiter, request, version)
    topic.produce(batch_of(b"second"), partition=1, acks=1)
    response = waiter.receive()
    found = {p.partition_index: p for p in response.responses[0].partitions}
    assert [record.value for record in records_of(found[1].records)] == [b"second"]
    assert (found[0].error_code, len(found[0].records)) == (0, 0)


def test_it_is_woken_within_milliseconds(make_topic: Callable[..., Topic], waiter: Peer) -> None:
    topic = make_topic()
    waits_ms = []
    for offset in range(1, 21):
        request = fetch_request(topic.fetch_topic({0: offset}), max_wait_ms=LONG_MS)
        waiter.send(request, 12)
        topic.produce(batch_of(b"x"))
        produced = time.perf_counter()
        assert len(waiter.receive().responses[0].partitions[0].records) == len(batch_of(b"x"))
        waits_ms.append((time.perf_counter() - produced) * 1000)
    assert statistics.median(waits_ms) < 5, waits_ms


def test_a_session_that_waits_is_told_only_what_changed(
    make_topic: Callable[..., Topic], waiter: Peer
) -> None:
    topic = make_topic(3)
    wanted = topic.fetch_topic(dict.fromkeys(range(3), 1))
    session_id = waiter.call(fetch_request(wanted, session_epoch=0), 12).session_id
    for epoch, index in ((1, 2), (2, 0)):
        request = fetch_request(
            topic.fetch_topic({2: 2}) if epoch == 2 else topic.fetch_topic({}),
            session_id=session_id,
            session_epoch=epoch,
            max_wait_ms=LONG_MS,
        )
        park(waiter, request, 12)
        topic.produce(batch_of(b"second"), partition=index)
        assert codes(waiter.receive()) == {index: 0}


def test_too_little_goes_on_waiting(make_topic: Callable[..., Topic], waiter: Peer) -> None:
    topic = make_topic()
    request = fetch_request(topic.fetch_topic({0: 1}), min_bytes=500, max_wait_ms=LONG_MS)
    park(waiter, request, 12)
    batch = batch_of_size(200)
    for _ in range(3):
        topic.produce(batch)
    (partition,) = waiter.receive().responses[0].partitions
    assert len(partition.records) == 600


def test_at_the_deadline_there_is_what_there_is(
    make_topic: Callable[..., Topic], waiter: Peer
) -> None:
    topic = make_topic()
    request = fetch_request(topic.fetch_topic({0: 1}), min_bytes=500, max_wait_ms=200)
    started = time.perf_counter()
    waiter.send(request, 12)
    topic.produce(batch_of_size(200))
    (partition,) = waiter.receive().responses[0].partitions
    assert time.perf_counter() - started >= 0.19
    assert (len(partition.records), partition.high_watermark) == (200, 2)


def test_what_is_asked_behind_it_waits(make_topic: Callable[..., Topic], waiter: Peer) -> None:
    topic = make_topic()
    waiter.send(fetch_request(topic.fetch_topic({0: 1}), max_wait_ms=200), 12)
    waiter.send(fetch_request(topic.fetch_topic({0: 0})), 12)
    sizes = [len(waiter.receive().responses[0].partitions[0].records) for _ in range(2)]
    assert sizes[0] == 0 < sizes[1]


def test_a_connection_that_goes_takes_its_fetch_along(
    make_topic: Callable[..., Topic], shared_broker: RunningBroker
) -> None:
    topic = make_topic()
    for _ in range(50):
        with Peer(shared_broker.host, shared_broker.port) as gone:
            gone.send(fetch_request(topic.fetch_topic({0: 1}), max_wait_ms=LONG_MS), 12)
    assert topic.produce(batch_of(b"x")).error_code == 0


# --- topics that go while somebody waits or watches


@pytest.mark.parametrize("version", VERSIONS)
def test_deleting_the_topic_answers_at_once(
    make_topic: Callable[..., Topic], waiter: Peer, version: int
) -> None:
    topic, other = make_topic(), make_topic()
    alone = fetch_request(topic.fetch_topic({0: 1}, version), max_wait_ms=LONG_MS)
    park(waiter, alone, version)
    topic.peer.delete_topic(topic.name)
    (partition,) = waiter.receive().responses[0].partitions
    assert partition.error_code in GONE
    assert (partition.high_watermark, len(partition.records)) == (-1, 0)
    third = make_topic()
    beside = fetch_request(
        third.fetch_topic({0: 1}, version),
        other.fetch_topic({0: 1}, version),
        max_wait_ms=LONG_MS,
    )
    park(waiter, beside, version)
    other.peer.delete_topic(other.name)
    answered = waiter.receive().responses
    assert [t.partitions[0].error_code in GONE for t in answered] == [False, True]


@pytest.mark.parametrize("version", [12, 13, 18])
def test_a_session_lives_through_deletion_and_creation(
    make_topic: Callable[..., Topic], waiter: Peer, version: int
) -> None:
    topic, other = make_topic(), make_topic()
    wanted = [each.fetch_topic({0: 1}, version) for each in (topic, other)]
    session_id = waiter.call(fetch_request(*wanted, session_epoch=0), version).session_id
    incremental = {"session_id": session_id, "max_wait_ms": LONG_MS}
    park(waiter, fetch_request(session_epoch=1, **incremental), version)
    topic.peer.delete_topic(topic.name)
    assert codes(waiter.receive())[0] in GONE
    # Told again, but beside a partition that is fine it waits.
    brief = {"session_id": session_id, "max_wait_ms": 50}
    assert codes(waiter.call(fetch_request(session_epoch=2, **brief), version))[0] in GONE
    again = Topic.create(topic.peer, topic.name)
    again.produce(batch_of(b"anew"))
    found = codes(waiter.call(fetch_request(session_epoch=3, **brief), version))
    # By name it is there again; by id it never comes back (103: Kafka remembers the name).
    assert found == {0: 0} or found[0] in GONE | {103}
    forgotten = [topic.forgotten(0, version=version)] if version >= 13 else []
    request = fetch_request(
        again.fetch_topic({0: 0}, version),
        session_id=session_id,
        session_epoch=4,
        forgotten_topics_data=forgotten,
    )
    (answered,) = waiter.call(request, version).responses
    assert [r.value for r in records_of(answered.partitions[0].records)] == [b"anew"]


def test_a_topic_created_anew_wakes_who_fetches_it_by_name(
    make_topic: Callable[..., Topic], waiter: Peer
) -> None:
    topic = make_topic()
    session_id = waiter.call(
        fetch_request(topic.fetch_topic({0: 0}), session_epoch=0), 12
    ).session_id
    topic.peer.delete_topic(topic.name)
    again = Topic.create(topic.peer, topic.name)
    # The new partition is empty; the session stands at 0 and has not been told so.
    park_or_news = fetch_request(session_id=session_id, session_epoch=1, max_wait_ms=300)
    waiter.call(park_or_news, 12)
    park(waiter, fetch_request(session_id=session_id, session_epoch=2, max_wait_ms=LONG_MS), 12)
    again.produce(batch_of(b"anew"))
    (partition,) = waiter.receive().responses[0].partitions
    assert [r.value for r in records_of(partition.records)] == [b"anew"]


def test_a_deleted_topic_can_be_created_again_and_written(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    old_id = topic.topic_id
    for life in range(3):
        topic.peer.delete_topic(topic.name)
        assert topic.produce(batch_of(b"x")).error_code == 3
        topic.topic_id = old_id
        assert topic.produce(batch_of(b"x"), 13).error_code == 100
        topic = Topic.create(topic.peer, topic.name)
        assert topic.produce(batch_of(b"%d" % life), 12).base_offset == 0
        assert topic.produce(batch_of(b"%d" % life), 13).base_offset == 1
        assert [r.value for r in records_of(topic.fetch(0).records)] == [b"%d" % life] * 2


# --- deleted records


def delete_records(topic: Topic, offset: int) -> None:
    partition = DeleteRecordsPartition(partition_index=0, offset=offset)
    wanted = DeleteRecordsTopic(name=topic.name, partitions=[partition])
    response = topic.peer.call(DeleteRecordsRequest(topics=[wanted], timeout_ms=5000), 2)
    assert response.topics[0].partitions[0].error_code == 0


def test_deleting_what_a_fetch_waits_behind_is_out_of_range(
    make_topic: Callable[..., Topic], waiter: Peer
) -> None:
    topic = make_topic()
    request = fetch_request(topic.fetch_topic({0: 0}), min_bytes=5000, max_wait_ms=300)
    park(waiter, request, 12)
    delete_records(topic, 1)
    assert codes(waiter.receive()) == {0: 1}


def test_a_session_is_told_the_new_log_start(
    make_topic: Callable[..., Topic], waiter: Peer
) -> None:
    topic = make_topic()
    session_id = waiter.call(
        fetch_request(topic.fetch_topic({0: 1}), session_epoch=0), 12
    ).session_id
    assert waiter.call(fetch_request(session_id=session_id, session_epoch=1), 12).responses == []
    delete_records(topic, 1)
    response = waiter.call(fetch_request(session_id=session_id, session_epoch=2), 12)
    (partition,) = response.responses[0].partitions
    assert (partition.log_start_offset, len(partition.records)) == (1, 0)
    assert waiter.call(fetch_request(session_id=session_id, session_epoch=3), 12).responses == []


def test_produce_tells_the_new_log_start(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    delete_records(topic, 1)
    assert topic.produce(batch_of(b"x")).log_start_offset == 1


# --- configs changed while it runs


def configure(topic: Topic, key: str, value: str) -> None:
    resource = AlterConfigsResource(
        resource_type=TOPIC_RESOURCE,
        resource_name=topic.name,
        configs=[AlterableConfig(name=key, config_operation=0, value=value)],
    )
    response = topic.peer.call(IncrementalAlterConfigsRequest(resources=[resource]), 1)
    assert response.responses[0].error_code == 0


def until(what: Callable[[], bool]) -> None:
    """Kafka answers an alteration before its broker follows it."""
    deadline = time.perf_counter() + 5
    while not what():
        assert time.perf_counter() < deadline


def test_a_new_limit_of_size_takes_effect(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    batch = batch_of_size(2000)
    assert topic.produce(batch).error_code == 0
    configure(topic, "max.message.bytes", "1999")
    until(lambda: topic.produce(batch).error_code == 10)
    configure(topic, "max.message.bytes", "2000")
    until(lambda: topic.produce(batch).error_code == 0)


def test_a_new_type_of_timestamps_takes_effect(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    configure(topic, "message.timestamp.type", "LogAppendTime")
    until(lambda: topic.produce(batch_of(b"x")).log_append_time_ms != -1)
    configure(topic, "message.timestamp.type", "CreateTime")
    until(lambda: topic.produce(batch_of(b"x")).log_append_time_ms == -1)


def test_a_new_codec_takes_effect(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    configure(topic, "compression.type", "gzip")

    def compressed() -> bool:
        offset = topic.produce(batch_of(b"x" * 1000)).base_offset
        return len(topic.fetch(offset).records) < 500

    until(compressed)


def test_a_new_window_of_timestamps_takes_effect(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    old = batch_of(b"x", timestamp=1)
    assert topic.produce(old).error_code == 0
    configure(topic, "message.timestamp.before.max.ms", "1000")
    until(lambda: topic.produce(old).error_code == 32)


def test_a_new_policy_takes_effect(make_topic: Callable[..., Topic]) -> None:
    topic = make_topic()
    configure(topic, "cleanup.policy", "compact")
    until(lambda: topic.produce(batch_of(b"x")).error_code == 87)
