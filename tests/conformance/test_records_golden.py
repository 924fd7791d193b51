"""Log files written by Apache Kafka 4.3: every batch holds the records that its dump tool lists.

They lie in the folder `../shared` beside the repository; without it these tests are skipped.
"""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from minikafka.records.batch import has_valid_crc, walk
from minikafka.records.builder import build_batch
from minikafka.records.compression import CODEC_NAMES, Codec
from minikafka.records.control import (
    ControlType,
    EndTransactionMarker,
    decode_control_key,
    decode_end_transaction,
    end_transaction_batch,
)
from minikafka.records.record import decode_records
from minikafka.records.validation import ProduceRules, validate

GOLDEN = Path(__file__).parents[3] / "shared" / "kafka" / "golden-logs"

if not GOLDEN.is_dir():
    pytest.skip("../shared/kafka/golden-logs is absent", allow_module_level=True)

Listed = dict[str, Any]


def listed_batches() -> dict[str, list[Listed]]:
    found: dict[str, list[Listed]] = {}
    for line in (GOLDEN / "batches.jsonl").read_text().splitlines():
        batch = json.loads(line)
        found.setdefault(batch["file"], []).append(batch)
    return found


BATCHES = listed_batches()
FILES = pytest.mark.parametrize("name", BATCHES)


def bytes_of(name: str) -> bytes:
    return (GOLDEN / "data" / name).read_bytes()


def content(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


@FILES
def test_headers(name: str) -> None:
    data = bytes_of(name)
    found = list(walk(memoryview(data)))
    assert len(found) == len(BATCHES[name])
    for (position, header), listed in zip(found, BATCHES[name], strict=True):
        assert position == listed["position"]
        assert header.size_bytes == listed["sizeInBytes"]
        assert header.magic == listed["magic"]
        assert header.base_offset == listed["baseOffset"]
        assert header.last_offset == listed["lastOffset"]
        assert header.partition_leader_epoch == listed["partitionLeaderEpoch"]
        assert header.crc == listed["crc"]
        assert header.codec == CODEC_NAMES[listed["compression"]]
        assert ("CreateTime", "LogAppendTime")[header.timestamp_type] == listed["timestampType"]
        assert header.max_timestamp == listed["maxTimestamp"]
        assert header.producer_id == listed["producerId"]
        assert header.producer_epoch == listed["producerEpoch"]
        assert header.base_sequence == listed["baseSequence"]
        assert header.last_sequence == listed["lastSequence"]
        assert header.is_transactional == listed["isTransactional"]
        assert header.is_control == listed["isControl"]
        assert header.has_delete_horizon == (listed["deleteHorizonMs"] is not None)
        if header.has_delete_horizon:
            assert header.base_timestamp == listed["deleteHorizonMs"]
        assert has_valid_crc(data[position : position + header.size_bytes])


@FILES
def test_records(name: str) -> None:
    data = bytes_of(name)
    for position, header in walk(data):
        listed = next(each for each in BATCHES[name] if each["position"] == position)
        records = decode_records(data[position : position + header.size_bytes])
        assert [
            (each.offset, each.timestamp, each.key, each.value, each.headers) for each in records
        ] == [
            (
                each["offset"],
                each["timestamp"],
                content(each["key"]),
                content(each["value"]),
                tuple((key, content(value)) for key, value in each["headers"]),
            )
            for each in listed["records"]
        ]


@FILES
def test_batches_rebuilt_from_their_records_are_the_same_bytes(name: str) -> None:
    """Uncompressed ones that no compaction has touched; of the others the records."""
    data = bytes_of(name)
    for position, header in walk(data):
        batch = data[position : position + header.size_bytes]
        records = decode_records(batch)
        if not records or header.has_delete_horizon:
            continue
        rebuilt = build_batch(
            [tuple(each[1:]) for each in records],
            base_offset=header.base_offset,
            leader_epoch=header.partition_leader_epoch,
            codec=header.codec,
            producer_id=header.producer_id,
            producer_epoch=header.producer_epoch,
            base_sequence=header.base_sequence,
            transactional=header.is_transactional,
            control=header.is_control,
            append_time=header.max_timestamp if header.timestamp_type else None,
        )
        if header.timestamp_type or header.record_count != header.last_offset_delta + 1:
            continue
        assert decode_records(rebuilt) == records
        if header.codec == Codec.NONE:
            assert rebuilt == batch


@FILES
def test_a_leader_takes_them_as_they_are(name: str) -> None:
    data = bytes_of(name)
    for position, header in walk(data):
        whole = header.record_count == header.last_offset_delta + 1
        if header.is_control or header.has_delete_horizon or header.timestamp_type or not whole:
            continue
        sent = bytearray(data[position : position + header.size_bytes])
        sent[:8] = bytes(8)
        rules = ProduceRules(compacted=all(each.key is not None for each in decode_records(sent)))
        stored, _ = validate(memoryview(sent), rules, header.max_timestamp)
        assert stored[8:] == data[position + 8 : position + header.size_bytes]


@FILES
def test_control_records(name: str) -> None:
    data = bytes_of(name)
    for position, header in walk(data):
        if not header.is_control:
            continue
        batch = data[position : position + header.size_bytes]
        for each in decode_records(batch):
            marker = decode_end_transaction(each.key, each.value)
            if not header.is_transactional:
                assert marker is None
                assert decode_control_key(each.key) in list(ControlType)[2:]
                continue
            assert isinstance(marker, EndTransactionMarker)
            written = end_transaction_batch(
                marker,
                producer_id=header.producer_id,
                producer_epoch=header.producer_epoch,
                timestamp_ms=each.timestamp,
                base_offset=header.base_offset,
                leader_epoch=header.partition_leader_epoch,
            )
            if not header.has_delete_horizon:
                assert written == batch
