"""No bytes make a decoder raise anything but ProtocolError, loop long or allocate much."""

import contextlib
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minikafka.protocol.__main__ import read_vectors
from minikafka.protocol.catalogue import message_classes
from minikafka.protocol.codec import decode, encode
from minikafka.protocol.coordinator_records import GROUP, SHARE, TRANSACTION
from minikafka.protocol.errors import ProtocolError
from minikafka.protocol.framing import split_request
from minikafka.protocol.metadata_records import decode_record
from minikafka.protocol.types import Message

VECTORS = Path(__file__).parents[1] / "conformance" / "vectors" / "kafka-4.3.jsonl.gz"
CLASSES = message_classes()
EVERYTHING = [
    (cls, version)
    for cls in CLASSES.values()
    for version in range(cls.versions[0], cls.versions[1] + 1)
]
# Lengths, counts and varints that promise more than there is, or that no length may be.
HOSTILE = [
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xfe",
    b"\xff\xff\xff\xff\x07",
    b"\xff\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff",
    b"\x80\x80\x80\x80\x00",
    b"\x7f\xff",
    b"\x80\x00",
    b"\xc3\x28",
    b"\xed\xa0\x80",
]


def attempt(cls: type[Message], version: int, data: bytes) -> None:
    """What decodes must be within the input, and must be encodable again."""
    try:
        message, end = decode(cls, version, data)
    except ProtocolError:
        return
    assert 0 <= end <= len(data)
    again, _ = decode(cls, version, encode(message, version))
    assert encode(again, version) == encode(message, version)


def mutations(data: bytes, source: random.Random) -> Iterator[bytes]:
    for _ in range(12):
        yield data[: source.randrange(len(data) + 1)]
        place = source.randrange(len(data) + 1)
        hostile = source.choice(HOSTILE)
        yield data[:place] + hostile + data[place:]
        yield data[:place] + hostile + data[place + len(hostile) :]
        flipped = bytearray(data or b"\0")
        for _ in range(source.choice((1, 1, 2, 8))):
            flipped[source.randrange(len(flipped))] = source.choice((0, 1, 0x7F, 0x80, 0xFF))
        yield bytes(flipped)


def test_mutated_messages() -> None:
    for number, vector in read_vectors(str(VECTORS)):
        source = random.Random(number)
        for data in mutations(bytes.fromhex(vector["hex"]), source):
            attempt(CLASSES[vector["name"]], vector["version"], data)


def test_random_bytes_in_every_class_and_version() -> None:
    source = random.Random(1)
    for cls, version in EVERYTHING:
        for _ in range(4):
            size = source.choice((0, 3, 20, 100))
            few = (0, 0, 1, 2, 3, 255, source.randrange(256))
            attempt(cls, version, bytes(source.choices(few, k=size)))


@pytest.mark.parametrize("pattern", HOSTILE, ids=bytes.hex)
def test_hostile_lengths_allocate_nothing(pattern: bytes) -> None:
    for cls, version in EVERYTHING:  # compiles outside of the measured part
        attempt(cls, version, b"")
    tracemalloc.start()
    try:
        for cls, version in EVERYTHING:
            for head in (0, 1, 2, 7):
                attempt(cls, version, bytes(head) + pattern * 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_heads_of_frames_and_records(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        split_request(data)
    with contextlib.suppress(ProtocolError):
        decode_record(b"\x01" + data)
    for schemas in (GROUP, TRANSACTION, SHARE):
        with contextlib.suppress(ProtocolError):
            schemas.decode_key(b"\x00" + data)
        for record_type in schemas.record_types:
            with contextlib.suppress(ProtocolError):
                schemas.decode_value(record_type, b"\x00" + data)
