"""Index files: Kafka's layout, and what damaged ones still give."""

from struct import pack

from minikafka.log.indexes import OffsetIndex, TimeIndex
from minikafka.log.transaction_index import AbortedTransaction, decode_aborted, encode_aborted


def offset_index(*entries: tuple[int, int]) -> OffsetIndex:
    index = OffsetIndex()
    for entry in entries:
        index.add(*entry)
    return index


def test_offset_index_layout_is_big_endian_pairs() -> None:
    index = offset_index((29, 6302), (49, 12604))
    data = index.encode()
    assert data == pack(">iiii", 29, 6302, 49, 12604)
    again = OffsetIndex.decode(data)
    assert list(again.offsets) == [29, 49]
    assert list(again.positions) == [6302, 12604]


def test_offset_lookup_takes_the_last_entry_not_beyond() -> None:
    index = offset_index((29, 6302), (49, 12604))
    assert index.lookup(28) == (-1, 0)
    assert index.lookup(29) == (29, 6302)
    assert index.lookup(48) == (29, 6302)
    assert index.lookup(1000) == (49, 12604)
    assert index.first_from_position(6302) == (29, 6302)
    assert index.first_from_position(6303) == (49, 12604)
    assert index.first_from_position(12605) is None


def test_offset_index_truncation_drops_the_offset_itself() -> None:
    index = offset_index((29, 6302), (49, 12604))
    index.truncate(49)
    assert list(index.offsets) == [29]
    index.truncate(0)
    assert len(index) == 0
    assert index.encode() == b""


def test_odd_bytes_and_a_preallocated_tail_are_dropped() -> None:
    data = offset_index((29, 6302), (49, 12604)).encode()
    assert len(OffsetIndex.decode(data + b"abc")) == 2
    assert len(OffsetIndex.decode(data + bytes(800))) == 2
    times = TimeIndex()
    times.add(1_760_000_000_000, 5)
    assert len(TimeIndex.decode(times.encode() + bytes(240))) == 1
    assert len(TimeIndex.decode(times.encode() + b"x")) == 1


def test_time_index_layout_and_lookup() -> None:
    index = TimeIndex()
    index.add(1_760_000_000_133, 19)
    index.add(1_760_000_000_133, 29)
    index.add(1_760_000_000_100, 39)
    index.add(1_760_000_000_203, 49)
    assert index.encode() == pack(">qiqi", 1_760_000_000_133, 19, 1_760_000_000_203, 49)
    again = TimeIndex.decode(index.encode())
    assert again.last() == (1_760_000_000_203, 49)
    assert again.lookup(1_760_000_000_132) == (-1, 0)
    assert again.lookup(1_760_000_000_133) == (1_760_000_000_133, 19)
    assert again.lookup(1_760_000_000_202) == (1_760_000_000_133, 19)
    assert again.lookup(2**62) == (1_760_000_000_203, 49)
    again.truncate(49)
    assert again.last() == (1_760_000_000_133, 19)
    assert TimeIndex().last() == (-1, 0)


def test_transaction_index_entries_are_34_bytes() -> None:
    entry = AbortedTransaction(0, 4, 7, 8)
    data = encode_aborted(entry)
    assert data == pack(">hqqqq", 0, 0, 4, 7, 8)
    assert decode_aborted(data + data[:10]) == [entry]
