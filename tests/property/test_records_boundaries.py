"""The fast walk over record boundaries says the same as reading record after record."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.records.raw import record, varint

from minikafka.records.boundaries import offsets_in_order, read_record, walk
from minikafka.records.varint import MalformedRecordError, read_varlong
from minikafka.records.varint import varint as fast

Outcome = tuple[int, int, bool] | str


def plainly(data: bytes, count: int) -> Outcome:
    """What `walk` should find."""
    start = 0
    seen = []
    try:
        for _ in range(count):
            parts = read_record(data, start)
            seen.append(parts)
            start = parts.stop
    except MalformedRecordError as error:
        return f"unreadable length: {error.unreadable_length}"
    if start != len(data):
        return "unreadable length: False"
    deltas = [parts.timestamp_delta for parts in seen]
    return max(deltas), min(deltas), any(parts.key_length < 0 for parts in seen)


def quickly(data: bytes | memoryview, count: int, claimed: int | None) -> Outcome:
    try:
        return tuple(walk(data, count, claimed))
    except MalformedRecordError as error:
        return f"unreadable length: {error.unreadable_length}"


def compare(data: bytes, count: int, claims: list[int | None]) -> None:
    expected = plainly(data, count)
    for view in (data, memoryview(b"-" + data)[1:]):
        for claimed in claims:
            found = quickly(view, count, claimed)
            if isinstance(expected, str) or isinstance(found, str):
                assert found == expected
                continue
            largest, smallest, null_key = found
            assert null_key == expected[2]
            if claimed is not None:
                assert largest == expected[0]
                assert min(expected[1], -8192) <= smallest <= expected[1]


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, int]:
    """Stretches of records that look alike, as producers write them, some of them long."""
    records: list[bytes] = []
    first_offset = draw(st.sampled_from([0, 0, 0, 20, 8150]))
    for _ in range(draw(st.integers(1, 4))):
        value = draw(st.sampled_from([None, 0, 10, 53, 54, 55, 100, 700, 9000]))
        jitter = draw(st.sampled_from([0, 0, 0, 1, 3]))
        key = draw(st.sampled_from([None, b"", b"key", b"k" * 70]))
        headers = draw(st.sampled_from([[], [], [(b"a", b"b")], [(b"", None), (b"x", b"y" * 80)]]))
        step = draw(st.sampled_from([0, 0, 1, 7, 90, -1, -3000, 2**40]))
        attributes = draw(st.sampled_from([0, 0, 255]))
        for _ in range(draw(st.sampled_from([1, 2, 7, 8, 9, 30, 80]))):
            index = len(records)
            size = None if value is None else b"v" * (value + (index * 7 % (jitter + 1)))
            records.append(
                record(
                    first_offset + index,
                    delta=index * step // 3,
                    key=key,
                    value=size,
                    headers=headers,
                    attributes=attributes,
                )
            )
    return b"".join(records), len(records)


CLAIMS = st.sampled_from([None, -3, 0, 7, 63, 64, 300, 8191, 8192, 2**41])


@given(bodies(), CLAIMS)
@settings(max_examples=150, deadline=None)
def test_sound_bodies(body: tuple[bytes, int], claimed: int | None) -> None:
    data, count = body
    expected = plainly(data, count)
    assert not isinstance(expected, str)
    compare(data, count, [claimed, None, expected[0], expected[0] - 1, expected[0] + 1])


@given(bodies(), CLAIMS, st.data())
@settings(max_examples=300, deadline=None)
def test_mangled_bodies(body: tuple[bytes, int], claimed: int | None, data: st.DataObject) -> None:
    mangled, count = bytearray(body[0]), body[1]
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(mangled) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                mangled[at] = data.draw(st.integers(0, 255))
            case 1:
                mangled[at] ^= 1 << data.draw(st.integers(0, 7))
            case 2 if len(mangled) > 1:
                del mangled[at]
            case _:
                mangled.insert(at, data.draw(st.integers(0, 255)))
    count = max(count + data.draw(st.sampled_from([0, 0, 0, 1, -1])), 1)
    compare(bytes(mangled), count, [claimed, 40])


@given(
    st.integers(1, 200),
    st.integers(0, 199),
    st.sampled_from([0, 1, 60, 70, 300]),
    st.integers(0, 8),
    st.integers(0, 7),
)
@example(145, 63, 100, 4, 7)
@settings(max_examples=300, deadline=None)
def test_one_wrong_bit_in_the_head_of_a_uniform_record(
    count: int, index: int, size: int, byte: int, bit: int
) -> None:
    """Where columns could miss something, were one of them forgotten."""
    records = [record(each, key=None, value=b"v" * size) for each in range(count)]
    index %= count
    wrong = bytearray(records[index])
    wrong[byte % len(wrong)] ^= 1 << bit
    records[index] = bytes(wrong)
    compare(b"".join(records), count, [0, None])


@given(st.integers(1, 300), st.integers(0, 299), st.integers(0, 300), st.integers(0, 70))
@settings(deadline=None)
def test_offsets_in_order(count: int, index: int, offset: int, size: int) -> None:
    records = [record(each, delta=each * 3, value=b"v" * size) for each in range(count)]
    assert offsets_in_order(b"".join(records), count)
    index %= count
    records[index] = record(offset, value=b"v" * size)
    assert offsets_in_order(b"".join(records), count) == (offset == index)


@given(st.integers(-(2**63), 2**63 - 1))
def test_both_varints_agree(number: int) -> None:
    assert fast(number) == varint(number)
    assert read_varlong(fast(number), 0) == (number, len(fast(number)))
