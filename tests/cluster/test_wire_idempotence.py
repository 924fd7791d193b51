"""Idempotent producers over a real socket (KIP-98): sequences, duplicates, epochs, restarts.

Every test here also passes against Apache Kafka (MINIKAFKA_INTEROP_TARGET=kafka).
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from harness.broker import RunningBroker
from harness.peer import NOW_MS, Peer, Topic, batch_of

MAX_SEQUENCE = 2**31 - 1
OUT_OF_ORDER = 45
OLD_EPOCH = 47


class Producer:
    """A producer id at work on one partition."""

    def __init__(self, topic: Topic, producer_id: int = 4000, epoch: int = 0) -> None:
        self.topic = topic
        self.producer_id = producer_id
        self.epoch = epoch

    def send(self, sequence: int, count: int = 1, *, epoch: int | None = None, **how: Any) -> Any:
        """(error code, base offset, append time) of a batch of `count` records."""
        batch = batch_of(
            *[b"%d" % n for n in range(count)],
            producer_id=self.producer_id,
            producer_epoch=self.epoch if epoch is None else epoch,
            base_sequence=sequence,
        )
        answer = self.topic.produce(batch, **how)
        return answer.error_code, answer.base_offset, answer.log_append_time_ms


@pytest.fixture
def topic(shared_broker: RunningBroker) -> Iterator[Topic]:
    with Peer(shared_broker.host, shared_broker.port) as peer:
        yield Topic.create(peer, f"idempotence-{uuid.uuid4()}")


@pytest.fixture
def producer(topic: Topic) -> Producer:
    return Producer(topic)


def end_offset(topic: Topic) -> int:
    return topic.peer.end_offset(topic.name)


@pytest.mark.parametrize("version", [3, 12, 13])
@pytest.mark.parametrize("acks", [1, -1])
def test_a_duplicate_is_answered_with_the_old_offset_and_time(
    producer: Producer, version: int, acks: int
) -> None:
    how = {"version": version, "acks": acks}
    producer.topic.produce(batch_of(b"before"))
    assert producer.send(0, 3, **how) == (0, 1, -1)
    assert producer.send(3, 2, **how) == (0, 4, -1)
    # Only of duplicates is a time told on a topic of create times: that of the first copy.
    assert producer.send(0, 3, **how) == (0, 1, NOW_MS)
    assert producer.send(3, 2, **how) == (0, 4, NOW_MS)
    assert end_offset(producer.topic) == 6


def test_a_duplicate_with_acks_0_is_dropped_without_a_word(producer: Producer) -> None:
    producer.send(0)
    batch = batch_of(b"x", producer_id=4000, producer_epoch=0, base_sequence=0)
    request = producer.topic.produce_request({0: batch}, acks=0)
    producer.topic.peer.send(request, 12, unanswered=True)
    assert producer.send(1) == (0, 1, -1)


def test_the_window_holds_five_batches(producer: Producer) -> None:
    for sequence in range(7):
        assert producer.send(sequence) == (0, sequence, -1)
    assert producer.send(1)[0] == OUT_OF_ORDER
    for sequence in range(2, 7):
        assert producer.send(sequence) == (0, sequence, NOW_MS)
    assert producer.send(7) == (0, 7, -1)
    assert producer.send(2)[0] == OUT_OF_ORDER


def test_a_gap_and_an_overlap_are_out_of_order(producer: Producer) -> None:
    producer.send(0, 3)
    for sequence, count in ((4, 1), (0, 2), (1, 2), (2, 2), (0, 4), (5, 1)):
        assert producer.send(sequence, count)[:2] == (OUT_OF_ORDER, -1)
    assert end_offset(producer.topic) == 3
    assert producer.send(3) == (0, 3, -1)


def test_a_new_epoch_starts_at_0_and_forgets(producer: Producer) -> None:
    producer.send(0, 2)
    assert producer.send(2, epoch=1)[0] == OUT_OF_ORDER
    assert producer.send(0, epoch=1) == (0, 2, -1)
    assert producer.send(0, 2, epoch=0)[0] == OLD_EPOCH
    assert producer.send(2, epoch=0)[0] == OLD_EPOCH
    assert producer.send(0, epoch=1) == (0, 2, NOW_MS)
    assert producer.send(1, epoch=1) == (0, 3, -1)
    assert producer.send(0, epoch=7) == (0, 4, -1)
    assert producer.send(2, epoch=1)[0] == OLD_EPOCH


def test_sequences_wrap_to_0(producer: Producer) -> None:
    assert producer.send(MAX_SEQUENCE - 1, 3) == (0, 0, -1)
    assert producer.send(2)[0] == OUT_OF_ORDER
    assert producer.send(1) == (0, 3, -1)
    assert producer.send(MAX_SEQUENCE - 1, 3) == (0, 0, NOW_MS)


def test_after_the_largest_sequence_comes_0(producer: Producer) -> None:
    assert producer.send(MAX_SEQUENCE) == (0, 0, -1)
    assert producer.send(0) == (0, 1, -1)


def test_an_unknown_producer_may_start_anywhere(topic: Topic) -> None:
    assert Producer(topic, 1, epoch=3).send(5) == (0, 0, -1)
    assert Producer(topic, 1, epoch=3).send(5) == (0, 0, NOW_MS)
    assert Producer(topic, 1, epoch=3).send(7)[0] == OUT_OF_ORDER
    assert Producer(topic, 1, epoch=2).send(0)[0] == OLD_EPOCH


def test_producers_and_partitions_have_nothing_to_do_with_each_other(topic: Topic) -> None:
    other_topic = Topic.create(topic.peer, f"idempotence-{uuid.uuid4()}")
    one, two, elsewhere = Producer(topic, 1), Producer(topic, 2), Producer(other_topic, 1)
    for producer in (one, two, elsewhere):
        assert producer.send(0)[0] == 0
    assert one.send(1)[:2] == (0, 2)
    assert two.send(2)[0] == OUT_OF_ORDER
    assert elsewhere.send(1)[:2] == (0, 1)


@pytest.mark.parametrize("producer_id", [-2, 0, 2**63 - 1])
def test_odd_producer_ids_are_accepted(topic: Topic, producer_id: int) -> None:
    assert Producer(topic, producer_id).send(0)[0] == 0
    assert Producer(topic, producer_id).send(1)[0] == 0


def test_a_producer_id_with_epoch_minus_1_is_accepted(topic: Topic) -> None:
    assert Producer(topic, 8, epoch=-1).send(0) == (0, 0, -1)


def test_a_duplicate_in_one_partition_does_not_hold_up_another(topic: Topic) -> None:
    two = Topic.create(topic.peer, f"idempotence-{uuid.uuid4()}", 2)
    batch = batch_of(b"x", producer_id=1, producer_epoch=0, base_sequence=0)
    two.peer.call(two.produce_request({0: batch}), 12)
    (answered,) = two.peer.call(two.produce_request({0: batch, 1: batch}), 12).responses
    answers = {p.index: (p.base_offset, p.log_append_time_ms) for p in answered.partition_responses}
    assert answers == {0: (0, NOW_MS), 1: (0, -1)}


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_restart_keeps_what_kafka_keeps(own_broker: RunningBroker, ending: str) -> None:
    """The last batch is a duplicate still, and the next one follows."""
    with Peer(own_broker.host, own_broker.port) as peer:
        topic = Topic.create(peer, "kept")
        producer = Producer(topic)
        for sequence in range(3):
            producer.send(sequence, epoch=2)
    if ending == "stop":
        own_broker.stop()
    else:
        own_broker.kill()
    own_broker.start()
    with Peer(own_broker.host, own_broker.port) as peer:
        topic.peer = peer
        while producer.send(2, epoch=2)[0] == 6:
            pass  # Not leading yet.
        assert producer.send(2, epoch=2) == (0, 2, NOW_MS)
        # The one before is not in a snapshot. Read back from the log, we know it; Kafka does not.
        assert producer.send(1, epoch=2) in ((OUT_OF_ORDER, -1, -1), (0, 1, NOW_MS))
        assert producer.send(3, epoch=1)[0] == OLD_EPOCH
        assert producer.send(3, epoch=2) == (0, 3, -1)
