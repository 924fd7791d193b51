"""What is built is read, whatever it is; what is mangled is refused, however it is mangled."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka.protocol.errors import KafkaError
from minikafka.records.batch import has_valid_crc, read_header, rewrite_crc, walk
from minikafka.records.builder import build_batch
from minikafka.records.compression import Codec, compress, decompress
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import Record, decode_records
from minikafka.records.validation import ProduceRules, check_shape, validate

WALL_MS = 1_760_000_000_000
INT64 = st.integers(-(2**63), 2**63 - 1)
TIMES = st.one_of(
    st.integers(WALL_MS - 100, WALL_MS + 100), st.integers(-1, 2**62), st.just(WALL_MS)
)
CONTENT = st.one_of(st.none(), st.binary(max_size=40), st.binary(min_size=60, max_size=200))
HEADERS = st.lists(
    st.tuples(st.text(st.characters(codec="utf-8"), max_size=9), CONTENT), max_size=3
)
FIELDS = st.lists(st.tuples(TIMES, CONTENT, CONTENT, HEADERS), min_size=1, max_size=30)
CODECS = st.sampled_from(list(Codec))
RULES = st.builds(
    ProduceRules,
    max_message_bytes=st.sampled_from([200, 1_000_000]),
    segment_bytes=st.sampled_from([300, 1_000_000]),
    compression_type=st.sampled_from(["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"]),
    timestamp_type=st.sampled_from(["CreateTime", "LogAppendTime"]),
    before_max_ms=st.sampled_from([0, 50, 2**63 - 1]),
    after_max_ms=st.sampled_from([0, 50, 2**63 - 1]),
    compacted=st.booleans(),
)


@given(FIELDS, CODECS, st.integers(0, 2**60), st.booleans())
@settings(max_examples=150, deadline=None)
def test_round_trip(fields: list, codec: Codec, base_offset: int, transactional: bool) -> None:
    built = build_batch(
        fields, base_offset=base_offset, codec=codec, producer_id=5, transactional=transactional
    )
    header = read_header(built)
    assert has_valid_crc(built)
    assert list(walk(built)) == [(0, header)]
    assert header.last_offset == base_offset + len(fields) - 1
    assert header.max_timestamp == max(timestamp for timestamp, *_ in fields)
    assert header.is_transactional == transactional
    assert decode_records(built) == [
        Record(base_offset + index, timestamp, key, value, tuple(headers))
        for index, (timestamp, key, value, headers) in enumerate(fields)
    ]


@given(FIELDS, CODECS, RULES)
@settings(max_examples=300, deadline=None)
def test_a_validated_batch_holds_the_same_records(
    fields: list, codec: Codec, rules: ProduceRules
) -> None:
    built = build_batch(fields, codec=codec)
    try:
        stored, header = validate(memoryview(bytearray(built)), rules, WALL_MS, "t-0")
    except KafkaError:
        return
    assert has_valid_crc(stored)
    assert header == read_header(stored)
    assert header.size_bytes == len(stored) <= min(rules.segment_bytes, rules.max_message_bytes)
    assert header.codec == (codec if rules.codec is None else rules.codec)
    assert header.timestamp_type == rules.timestamp_type
    records = decode_records(stored)
    assert [each[2:] for each in records] == [each[2:] for each in decode_records(built)]
    assert [each.offset for each in records] == list(range(len(fields)))
    if rules.timestamp_type:
        assert {each.timestamp for each in records} == {WALL_MS}
    else:
        assert [each.timestamp for each in records] == [timestamp for timestamp, *_ in fields]
        assert header.max_timestamp == max(timestamp for timestamp, *_ in fields)
    if rules.compacted:
        assert all(each.key is not None for each in records)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A batch with some bytes changed, added or gone; sometimes with its CRC made right."""
    data = bytearray(build_batch(draw(FIELDS), codec=draw(CODECS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.integers(0, 4)):
            case 0 | 1 if data:
                data[at] = draw(st.integers(0, 255))
            case 2:
                del data[at : at + draw(st.integers(1, 20))]
            case 3:
                data[at:at] = draw(st.binary(max_size=20))
            case _:
                del data[at:]
    if len(data) > 61 and draw(st.booleans()):
        if draw(st.booleans()):
            data[8:12] = (len(data) - 12).to_bytes(4, "big")
        rewrite_crc(data)
    return bytes(data)


@given(mangled(), RULES, st.integers(3, 13))
@settings(max_examples=500, deadline=None)
def test_mangled_bytes_meet_kafka_errors_only(
    data: bytes, rules: ProduceRules, version: int
) -> None:
    payload = memoryview(bytearray(data))
    try:
        batch = check_shape(payload, version)
        stored, header = validate(batch, rules, WALL_MS, "t-0")
    except KafkaError:
        pass
    else:
        assert has_valid_crc(stored)
        assert header.size_bytes == len(stored)
    try:
        for position, header in walk(data):
            decode_records(data[position : position + header.size_bytes], limit_bytes=1 << 24)
    except CorruptRecordError:
        pass


@given(st.binary(max_size=300), st.integers(3, 13))
@settings(max_examples=200, deadline=None)
def test_any_bytes_meet_kafka_errors_only(data: bytes, version: int) -> None:
    with pytest.raises(KafkaError):
        validate(check_shape(memoryview(bytearray(data)), version), ProduceRules(), WALL_MS)


@given(CODECS, st.binary(max_size=2000), st.data())
@settings(max_examples=300, deadline=None)
def test_mangled_compressed_data(codec: Codec, content: bytes, data: st.DataObject) -> None:
    framed = bytearray(compress(codec, content * data.draw(st.integers(1, 40))))
    for _ in range(data.draw(st.integers(0, 3))):
        if framed:
            at = data.draw(st.integers(0, len(framed) - 1))
            framed[at] = data.draw(st.integers(0, 255))
    del framed[data.draw(st.integers(0, len(framed))) :]
    limit = data.draw(st.integers(0, 50_000))
    with suppress(CorruptRecordError):
        assert len(decompress(codec, framed, limit)) <= limit
