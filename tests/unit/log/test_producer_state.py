"""Sequences, duplicates, transactions: the table of what a leader answers (KIP-98)."""

from itertools import count

import pytest

from minikafka.log.producer_snapshots import decode_snapshot, encode_snapshot
from minikafka.log.producer_state import DuplicateBatch, EndMarker, ProducerStates
from minikafka.protocol.errors import ErrorCode, KafkaError
from minikafka.records.batch import CONTROL_BIT, TRANSACTIONAL_BIT, BatchHeader

MAX = 2**31 - 1


def header(
    sequence: int,
    records: int = 1,
    *,
    epoch: int = 0,
    producer: int = 9,
    flags: int = 0,
    ts: int = 5,
) -> BatchHeader:
    return BatchHeader(
        0, 49, 0, 2, 0, flags, records - 1, ts, ts, producer, epoch, sequence, records
    )


class Feed:
    """Appends what `check` lets pass, at offsets that go on."""

    def __init__(self) -> None:
        self.states = ProducerStates(1000)
        self.offset = 100

    def send(self, made: BatchHeader) -> int | DuplicateBatch:
        known = self.states.check(made)
        return self.put(made) if known is None else known

    def put(self, made: BatchHeader, marker: EndMarker | None = None) -> int:
        offset = self.offset
        self.completed = self.states.update(made, offset, marker)
        self.offset += made.last_offset_delta + 1
        return offset

    def refusal(self, made: BatchHeader) -> ErrorCode:
        with pytest.raises(KafkaError) as raised:
            self.states.check(made)
        return ErrorCode(raised.value.code)


def test_the_next_sequence_is_appended_and_the_last_five_are_known() -> None:
    feed = Feed()
    offsets = [feed.send(header(10 * n, 10, ts=n)) for n in range(6)]
    assert offsets == [100, 110, 120, 130, 140, 150]
    for n in range(1, 6):
        assert feed.send(header(10 * n, 10, ts=99)) == DuplicateBatch(100 + 10 * n, n)
    assert feed.refusal(header(0, 10)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert feed.refusal(header(70, 10)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert feed.refusal(header(50, 9)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert feed.send(header(60, 1)) == 160


def test_an_unknown_producer_may_start_anywhere() -> None:
    assert Feed().send(header(5)) == 100


def test_sequences_wrap() -> None:
    feed = Feed()
    feed.send(header(MAX - 1, 3))
    assert feed.states.entries[9].last_sequence == 0
    assert feed.refusal(header(0)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert feed.send(header(1)) == 103
    feed.send(header(2, 1))
    exact = Feed()
    exact.send(header(MAX, 1))
    assert exact.send(header(0)) == 101


def test_epochs_fence_and_reset() -> None:
    feed = Feed()
    feed.send(header(0, 3, epoch=1))
    assert feed.refusal(header(3, epoch=0)) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert feed.refusal(header(3, epoch=2)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert feed.send(header(0, epoch=2)) == 103
    assert feed.refusal(header(0, 3, epoch=1)) == ErrorCode.INVALID_PRODUCER_EPOCH


def test_a_transaction_bounds_the_stable_offset_until_its_marker_is_committed() -> None:
    feed = Feed()
    feed.send(header(0, 2, flags=TRANSACTIONAL_BIT))
    feed.send(header(0, producer=5))
    assert feed.states.last_stable_offset(103) == 100
    assert feed.refusal(header(2)) == ErrorCode.INVALID_TXN_STATE
    feed.put(header(-1, flags=TRANSACTIONAL_BIT | CONTROL_BIT), EndMarker(True, 7))
    assert feed.completed is not None
    assert feed.completed[1:] == (100, 103, False)
    assert feed.states.last_stable_offset(103) == 100
    assert feed.states.last_stable_offset(104) == 104
    entry = feed.states.entries[9]
    assert (entry.coordinator_epoch, entry.last_sequence, entry.last_offset) == (7, 1, 101)
    assert feed.send(header(2)) == 104


def test_a_marker_with_a_bumped_epoch_starts_sequences_anew() -> None:
    feed = Feed()
    feed.send(header(0, flags=TRANSACTIONAL_BIT))
    feed.put(header(-1, epoch=1, flags=TRANSACTIONAL_BIT | CONTROL_BIT), EndMarker(False, 0))
    assert feed.refusal(header(1, epoch=0)) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert feed.refusal(header(1, epoch=1)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert feed.send(header(0, epoch=1)) == 102


def test_aborted_transactions_note_the_stable_offset_of_their_time() -> None:
    feed = Feed()
    control = TRANSACTIONAL_BIT | CONTROL_BIT
    feed.send(header(0, producer=10, flags=TRANSACTIONAL_BIT))
    feed.send(header(0, producer=11, flags=TRANSACTIONAL_BIT))
    feed.put(header(-1, producer=11, flags=control), EndMarker(False, 0))
    assert feed.completed is not None
    assert feed.states.aborted_entry(feed.completed) == (11, 101, 102, 100)
    feed.put(header(-1, producer=10, flags=control), EndMarker(False, 0))
    assert feed.completed is not None
    assert feed.states.aborted_entry(feed.completed) == (10, 100, 103, 104)


def test_markers_fence_by_producer_and_coordinator_epoch() -> None:
    feed = Feed()
    feed.put(header(-1, epoch=3, flags=CONTROL_BIT | TRANSACTIONAL_BIT), EndMarker(True, 5))
    assert feed.completed is None
    feed.states.check_marker(9, 3, 5)
    feed.states.check_marker(77, 0, 0)
    for epoch, coordinator, code in (
        (2, 5, ErrorCode.INVALID_PRODUCER_EPOCH),
        (3, 4, ErrorCode.TRANSACTION_COORDINATOR_FENCED),
    ):
        with pytest.raises(KafkaError) as raised:
            feed.states.check_marker(9, epoch, coordinator)
        assert raised.value.code == code


def test_an_emptied_marker_changes_nothing() -> None:
    feed = Feed()
    feed.send(header(0, flags=TRANSACTIONAL_BIT))
    feed.put(header(-1, flags=TRANSACTIONAL_BIT | CONTROL_BIT), None)
    assert feed.states.last_stable_offset(101) == 100


def test_silent_producers_expire_unless_inside_a_transaction() -> None:
    feed = Feed()
    feed.send(header(0, producer=1, ts=1000))
    feed.send(header(0, producer=2, ts=1500))
    feed.send(header(0, producer=3, ts=1000, flags=TRANSACTIONAL_BIT))
    assert feed.states.expire(1999) == 0
    assert feed.states.expire(2000) == 1
    assert sorted(feed.states.entries) == [2, 3]


def test_a_snapshot_keeps_the_last_batch_and_the_open_transaction() -> None:
    feed = Feed()
    for sequence in count(0, 3):
        if sequence > 12:
            break
        feed.send(header(sequence, 3, ts=sequence))
    feed.send(header(MAX, 2, producer=4, flags=TRANSACTIONAL_BIT, ts=2))
    data = encode_snapshot(feed.states.entries.values())
    assert len(data) == 10 + 2 * 46
    loaded = ProducerStates(1000)
    loaded.load(decode_snapshot(data), 500)
    assert loaded.check(header(12, 3)) == DuplicateBatch(112, 12)
    with pytest.raises(KafkaError):
        loaded.check(header(9, 3))
    assert loaded.check(header(15)) is None
    assert loaded.last_stable_offset(117) == 115
    assert loaded.entries[4].batches[0].first_sequence == MAX
    late = ProducerStates(1000)
    late.load(decode_snapshot(data), 5000)
    assert sorted(late.entries) == [4]


def test_a_damaged_snapshot_is_recognised() -> None:
    feed = Feed()
    feed.send(header(0))
    data = bytearray(encode_snapshot(feed.states.entries.values()))
    for position in (0, 3, 8, 20, len(data) - 1):
        damaged = bytearray(data)
        damaged[position] ^= 1
        with pytest.raises(ValueError):
            decode_snapshot(bytes(damaged))
    for length in (0, 5, 9, len(data) - 1):
        with pytest.raises(ValueError):
            decode_snapshot(bytes(data[:length]))
    assert encode_snapshot([]) == bytes.fromhex("000148674bc700000000")
