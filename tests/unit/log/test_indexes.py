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


def test_a_stretch_is_the_batch_and_the_end_of_those_that_fit() -> None:
    index = offset_index(*((16 * i + 15, 16_589 * i) for i in range(100)))
    # One after the other, as a reader goes on, and anywhere, as another one asks in between.
    for asked in (16, 64, 112, 160, 40, 1400, 208, 31, 15, 1599):
        for size in (1, 20_000, 65_536, 1 << 20):
            batch = index.batch_reaching(asked)
            if batch is None:
                assert index.stretch(asked, size) is None
                continue
            relative, position = batch
            end = index.start_of_cut_batch(position + size)
            assert index.stretch(asked, size) == (relative, position, end)
    index.truncate(1000)
    assert index.stretch(1400, 65_536) is None
    assert index.stretch(900, 65_536) == (911, 16_589 * 56, 16_589 * 59)


def test_a_stretch_begins_only_where_each_batch_has_an_entry() -> None:
    index = offset_index((9, 0), (19, 5_000), (29, 40_000), (39, 90_000), (49, 130_000))
    assert index.stretch(12, 65_536) is None
    assert index.stretch(25, 65_536) == (29, 40_000, 90_000)
    assert index.stretch(45, 65_536) == (49, 130_000, 195_536)


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
