"""Produce over a real socket: what is appended, what is refused, and in which words.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka), but for those
that say so.
"""

import uuid
from collections.abc import Iterator

import pytest
from harness.broker import RunningBroker
from harness.peer import (
    Peer,
    Topic,
    batch_of,
    batches_of,
    changed,
    fetch_request,
    framed,
    records_of,
)

from minikafka.protocol.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from minikafka.records.batch import CRC_AT, INT16, MAGIC_AT, read_header


@pytest.fixture
def peer(shared_broker: RunningBroker) -> Iterator[Peer]:
    with Peer(shared_broker.host, shared_broker.port) as connected:
        yield connected


@pytest.fixture
def topic(peer: Peer) -> Topic:
    return Topic.create(peer, f"produce-{uuid.uuid4()}", 3)


# --- versions


def test_every_version_appends_and_every_fetch_reads_it_back(topic: Topic) -> None:
    sent = []
    for version in range(3, 14):
        answer = topic.produce(batch_of(b"v%d" % version, b"again"), version)
        assert answer.error_code == 0
        assert answer.base_offset == len(sent)
        assert answer.log_append_time_ms == -1
        assert answer.log_start_offset == (0 if version >= 5 else -1)
        assert answer.record_errors == []
        assert answer.error_message is None
        sent += [b"v%d" % version, b"again"]
    for version in range(4, 19):
        fetched = topic.fetch(0, version)
        assert [record.value for record in records_of(fetched.records)] == sent
        assert fetched.high_watermark == fetched.last_stable_offset == len(sent)
        assert fetched.log_start_offset == (0 if version >= 5 else -1)


@pytest.mark.parametrize("version", [0, 1, 2, 14, -1, 32767])
def test_versions_that_nobody_serves_close_the_connection(peer: Peer, version: int) -> None:
    frame = bytearray(framed(ProduceRequest(acks=1, timeout_ms=1, topic_data=[]), 3))
    frame[6:8] = INT16.pack(version)
    peer.socket.sendall(frame)
    assert peer.is_closed()


# --- acks


@pytest.mark.parametrize("acks", [1, -1])
def test_the_stored_batch_is_the_sent_one_but_for_offset_and_epoch(topic: Topic, acks: int) -> None:
    topic.produce(batch_of(b"before"))
    sent = batch_of(b"a", b"b")
    assert topic.produce(sent, acks=acks).base_offset == 1
    _, stored = batches_of(topic.fetch(0).records)
    assert read_header(stored).base_offset == 1
    assert read_header(stored).partition_leader_epoch == 0
    assert stored[MAGIC_AT:] == sent[MAGIC_AT:]


def test_acks_0_is_never_answered(topic: Topic) -> None:
    for value in (b"a", b"b"):
        request = topic.produce_request({0: batch_of(value)}, acks=0)
        topic.peer.send(request, 12, unanswered=True)
    # The next answer is the next question's.
    assert topic.produce(batch_of(b"c"), acks=1).base_offset == 2
    assert [record.value for record in records_of(topic.fetch(0).records)] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("partition", "batch"), [(9, batch_of(b"x")), (0, batch_of(b"x")[:-1])], ids=["3", "87"]
)
def test_an_error_with_acks_0_closes_the_connection(
    topic: Topic, partition: int, batch: bytes
) -> None:
    topic.peer.send(topic.produce_request({1: batch_of(b"x")}, acks=0), 12, unanswered=True)
    topic.peer.send(topic.produce_request({partition: batch}, acks=0), 12, unanswered=True)
    assert topic.peer.is_closed()


def test_acks_0_closes_also_when_only_one_partition_failed(
    topic: Topic, shared_broker: RunningBroker
) -> None:
    batches = {0: batch_of(b"x"), 1: b"", 2: batch_of(b"y")}
    topic.peer.send(topic.produce_request(batches, acks=0), 12, unanswered=True)
    assert topic.peer.is_closed()
    with Peer(shared_broker.host, shared_broker.port) as other:
        topic.peer = other
        assert [topic.fetch(0, partition=index).high_watermark for index in range(3)] == [1, 0, 1]


@pytest.mark.parametrize("acks", [2, -2, 32767])
def test_other_acks_are_refused_for_every_partition(topic: Topic, acks: int) -> None:
    request = topic.produce_request({0: batch_of(b"a"), 1: batch_of(b"b")}, acks=acks)
    (answered,) = topic.peer.call(request, 12).responses
    answers = [(p.index, p.error_code) for p in answered.partition_responses]
    assert sorted(answers) == [(0, 21), (1, 21)]
    for partition in answered.partition_responses:
        assert partition.base_offset == -1
        assert partition.log_append_time_ms == -1
    assert topic.fetch(0).high_watermark == 0


def test_a_minimum_isr_beyond_the_replicas_does_not_count(peer: Peer) -> None:
    topic = Topic.create(peer, f"isr-{uuid.uuid4()}", 1, {"min.insync.replicas": "5"})
    assert topic.produce(batch_of(b"a")).error_code == 0
    assert topic.fetch(0).high_watermark == 1


# --- several partitions


def test_a_bad_partition_fails_alone(topic: Topic) -> None:
    corrupt = changed(batch_of(b"x"), CRC_AT, bytes(4))
    batches = {0: batch_of(b"a"), 1: corrupt, 7: batch_of(b"x"), 2: batch_of(b"b", b"c")}
    (answered,) = topic.peer.call(topic.produce_request(batches), 12).responses
    answers = {p.index: (p.error_code, p.base_offset) for p in answered.partition_responses}
    assert answers == {0: (0, 0), 1: (2, -1), 7: (3, -1), 2: (0, 0)}
    assert [topic.fetch(0, partition=index).high_watermark for index in range(3)] == [1, 0, 2]


def test_an_unknown_topic_fails_beside_a_known_one(topic: Topic) -> None:
    unknown = f"unknown-{uuid.uuid4()}"
    request = topic.produce_request({0: batch_of(b"a")})
    request.topic_data += Topic(topic.peer, unknown).produce_request({0: batch_of(b"b")}).topic_data
    request.topic_data += Topic(topic.peer, "?!").produce_request({0: batch_of(b"b")}).topic_data
    answers = {t.name: t.partition_responses for t in topic.peer.call(request, 12).responses}
    assert {name: found[0].error_code for name, found in answers.items()} == {
        topic.name: 0,
        unknown: 3,
        "?!": 3,
    }


@pytest.mark.parametrize("topic_id", [uuid.UUID(int=7 << 64), uuid.UUID(int=0)])
def test_an_unknown_topic_id_is_refused(topic: Topic, topic_id: uuid.UUID) -> None:
    topic.topic_id = topic_id
    answer = topic.produce(batch_of(b"a"), 13)
    assert (answer.error_code, answer.base_offset, answer.log_start_offset) == (100, -1, -1)


def test_of_two_batches_for_one_partition_the_last_counts(topic: Topic) -> None:
    request = topic.produce_request({0: batch_of(b"first")})
    request.topic_data[0].partition_data.append(
        PartitionProduceData(index=0, records=batch_of(b"last"))
    )
    (answered,) = topic.peer.call(request, 12).responses
    assert [(p.index, p.error_code) for p in answered.partition_responses] == [(0, 0)]
    assert [record.value for record in records_of(topic.fetch(0).records)] == [b"last"]


def test_a_topic_named_twice_is_one_topic(topic: Topic) -> None:
    request = topic.produce_request({0: batch_of(b"a"), 1: batch_of(b"b")})
    request.topic_data.append(
        TopicProduceData(
            name=topic.name,
            partition_data=[
                PartitionProduceData(index=1, records=batch_of(b"c")),
                PartitionProduceData(index=2, records=batch_of(b"d")),
            ],
        )
    )
    answers = [
        (p.index, p.error_code)
        for answered in topic.peer.call(request, 12).responses
        for p in answered.partition_responses
    ]
    assert sorted(answers) == [(0, 0), (1, 0), (2, 0)]
    values = [
        [record.value for record in records_of(topic.fetch(0, partition=index).records)]
        for index in range(3)
    ]
    assert values == [[b"a"], [b"c"], [b"d"]]


def test_a_request_without_topics_is_answered(peer: Peer) -> None:
    for acks in (1, -1):
        assert peer.call(ProduceRequest(acks=acks, timeout_ms=1, topic_data=[]), 12).responses == []
    peer.send(ProduceRequest(acks=0, timeout_ms=1, topic_data=[]), 12, unanswered=True)
    assert peer.call(ProduceRequest(acks=1, timeout_ms=1, topic_data=[]), 12).responses == []


# --- the order of answers


def test_pipelined_requests_are_answered_in_order(topic: Topic) -> None:
    for number in range(20):
        topic.peer.send(topic.produce_request({0: batch_of(b"%d" % number)}), 12)
        if number % 5 == 4:
            topic.peer.send(fetch_request(topic.fetch_topic({0: 0})), 12)
    seen = 0
    for number in range(20):
        (answered,) = topic.peer.receive().responses
        assert answered.partition_responses[0].base_offset == number
        if number % 5 == 4:
            seen = topic.peer.receive().responses[0].partitions[0].high_watermark
            assert seen == number + 1
    assert seen == 20
