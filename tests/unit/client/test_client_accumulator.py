"""Batches of a partition keep their order and their numbers through failures."""

from minikafka.records.batch import read_header
from minikafka.records.record import decode_records
from minikafka_client.accumulator import PartitionQueue, ProducerIdentity
from minikafka_client.delivery import Batch
from minikafka_client.errors import DeliveryTimeout

FIRST = ProducerIdentity(7, 0)


def queue_with(*sizes: int) -> PartitionQueue:
    queue = PartitionQueue("t", 0, FIRST, lambda _: None)
    for order, size in enumerate(sizes):
        batch = Batch(queue, order, 0.0, 10.0)
        batch.stamp(1000 + order)
        batch.values += [b"%d" % index for index in range(size)]
        queue.ready.append(batch)
    return queue


def test_batches_are_numbered_by_their_records() -> None:
    queue = queue_with(3, 2)
    first, second = queue.take(0, FIRST), queue.take(0, FIRST)
    assert (first.sequence, second.sequence, queue.next_number) == (0, 3, 5)
    header = read_header(second.encoded)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (7, 0, 3)


def test_nothing_overtakes_a_batch_that_must_go_again() -> None:
    queue = queue_with(1, 1, 1)
    first, second = queue.take(0, FIRST), queue.take(0, FIRST)
    queue.answered(first)
    queue.retry(first)
    assert queue.held(0.0, FIRST), "the second one is still in flight"
    queue.answered(second)
    queue.retry(second)
    assert not queue.held(0.0, FIRST)
    assert [queue.take(0, FIRST).sequence for _ in range(3)] == [0, 1, 2]


def test_a_new_epoch_numbers_what_is_left_anew() -> None:
    queue = queue_with(2, 3)
    first, second = queue.take(0, FIRST), queue.take(0, FIRST)
    queue.restart = queue.unwritten = True
    queue.answered(first)
    queue.answered(second)
    queue.retry(second)
    assert queue.held(0.0, FIRST), "there is no new identity yet"
    second_identity = ProducerIdentity(7, 1)
    again = queue.take(0, second_identity)
    header = read_header(again.encoded)
    assert (header.producer_epoch, header.base_sequence, queue.next_number) == (1, 0, 3)
    assert [record.value for record in decode_records(bytes(again.encoded))] == [b"0", b"1", b"2"]


def test_a_batch_behind_one_that_expired_may_have_been_written() -> None:
    queue = queue_with(2, 3)
    first, second = queue.take(0, FIRST), queue.take(0, FIRST)
    first.finish(DeliveryTimeout("nobody knows whether it was written"))
    queue.restart = True
    queue.answered(first)
    queue.answered(second)
    queue.retry(second)
    assert not queue.held(0.0, FIRST), "it goes under its old number first"
    again = queue.take(0, ProducerIdentity(7, 1))
    assert (read_header(again.encoded).producer_epoch, again.sequence) == (0, 2)
    # The broker lacks what was before it, hence it as well.
    queue.answered(again)
    queue.unwritten = True
    queue.retry(again)
    assert queue.held(0.0, FIRST)
    once_more = queue.take(0, ProducerIdentity(7, 1))
    assert (read_header(once_more.encoded).producer_epoch, once_more.sequence) == (1, 0)


def test_what_may_be_written_keeps_its_identity() -> None:
    queue = queue_with(2)
    batch = queue.take(0, FIRST)
    queue.answered(batch)
    queue.retry(batch)
    again = queue.take(0, ProducerIdentity(7, 1))
    assert (read_header(again.encoded).producer_epoch, again.sequence) == (0, 0)


def test_runs_of_timestamps_and_late_columns() -> None:
    queue = PartitionQueue("t", 0, FIRST, lambda _: None)
    batch = Batch(queue, 0, 0.0, 10.0)
    for stamp, key in ((5, None), (5, b"k"), (9, None)):
        if batch.stamp_ms != stamp:
            batch.stamp(stamp)
        if key is not None or batch.keys is not None:
            batch.add_key(key)
        batch.values.append(b"v")
    batch.encode(0, -1, -1, -1)
    records = decode_records(bytes(batch.encoded))
    assert [(r.timestamp, r.key) for r in records] == [(5, None), (5, b"k"), (9, None)]
    assert [batch.timestamp_of(index) for index in range(3)] == [5, 5, 9]
