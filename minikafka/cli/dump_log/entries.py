"""What a dump consists of; `text` is Kafka's line, `data` the JSON object."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Protocol

from minikafka.cli.json_records import bytes_fields
from minikafka.records.batch import CREATE_TIME, BatchHeader, next_sequence
from minikafka.records.compression import Codec
from minikafka.records.record import Record

Json = dict[str, Any]


class Entry(Protocol):
    """One line of a dump."""

    @property
    def text(self) -> str: ...

    @property
    def data(self) -> Json: ...


class Note(NamedTuple):
    """A sentence, such as that an index is empty."""

    text: str
    data: Json


class BatchEntry(NamedTuple):
    """A batch's header."""

    position: int
    header: BatchHeader
    is_valid: bool

    @property
    def text(self) -> str:
        shown = self.data
        del shown["kind"], shown["timestampType"]
        shown["deleteHorizonMs"] = optional_long(shown["deleteHorizonMs"])
        names = {"maxTimestamp": timestamp_type(self.header)}
        return " ".join(f"{names.get(key, key)}: {_java(value)}" for key, value in shown.items())

    @property
    def data(self) -> Json:
        header = self.header
        horizon = header.base_timestamp if header.has_delete_horizon else None
        return {
            "kind": "batch",
            "baseOffset": header.base_offset,
            "lastOffset": header.last_offset,
            "count": header.record_count,
            "baseSequence": header.base_sequence,
            "lastSequence": header.last_sequence,
            "producerId": header.producer_id,
            "producerEpoch": header.producer_epoch,
            "partitionLeaderEpoch": header.partition_leader_epoch,
            "isTransactional": header.is_transactional,
            "isControl": header.is_control,
            "deleteHorizonMs": horizon,
            "position": self.position,
            "timestampType": timestamp_type(header),
            "maxTimestamp": header.max_timestamp,
            "size": header.size_bytes,
            "magic": header.magic,
            "compresscodec": codec_name(header.codec),
            "crc": header.crc,
            "isvalid": self.is_valid,
        }


class RecordEntry(NamedTuple):
    """A record. `control` is what a control record says, `key` and `payload` what is shown.

    `with_metadata` is off when only keys and values are wanted.
    """

    header: BatchHeader
    record: Record
    with_metadata: bool
    control: tuple[str, Json | None] | None
    key: str | None
    payload: str | None
    decoded: Json | None

    @property
    def sequence(self) -> int:
        header = self.header
        if header.base_sequence < 0:
            return -1
        return next_sequence(header.base_sequence, self.record.offset - header.base_offset)

    @property
    def text(self) -> str:
        record = self.record
        words = ["|"]
        if self.with_metadata:
            headers = ",".join(name for name, _ in record.headers)
            words.append(
                f"offset: {record.offset} {timestamp_type(self.header)}: {record.timestamp} "
                f"keySize: {_size(record.key)} valueSize: {_size(record.value)} "
                f"sequence: {self.sequence} headerKeys: [{headers}]"
            )
            if self.control is not None:
                title, fields = self.control
                words.append(title if fields is None else f"{title} {compact_json(fields)}")
        if self.key is not None:
            words.append(f"key: {self.key}")
        if self.payload is not None:
            words.append(f"payload: {self.payload}")
        return " ".join(words)

    @property
    def data(self) -> Json:
        record = self.record
        out: Json = {
            "kind": "record",
            "offset": record.offset,
            "timestampType": timestamp_type(self.header),
            "timestamp": record.timestamp,
            "keySize": _size(record.key),
            "valueSize": _size(record.value),
            "sequence": self.sequence,
            "headerKeys": [name for name, _ in record.headers],
        }
        if self.control is not None:
            title, fields = self.control
            out["control"] = title.rstrip(":")
            if fields is not None:
                out["data"] = fields
        elif self.decoded is not None:
            out |= self.decoded
        elif self.key is not None or self.payload is not None:
            out |= bytes_fields("key", record.key) | bytes_fields("value", record.value)
        return out


class Row(NamedTuple):
    """An entry of an index, a producer's state and the like: named numbers in Kafka's order."""

    kind: str
    fields: Json

    @property
    def text(self) -> str:
        return " ".join(f"{name}: {_java(value)}" for name, value in self.fields.items())

    @property
    def data(self) -> Json:
        return {"kind": self.kind, **self.fields}


class ProducerRow(NamedTuple):
    """A producer's state in a `.snapshot`; `batch` is its last one, if it is known."""

    fields: Json
    transaction_first_offset: int | None
    last_timestamp: int
    batch: Json

    @property
    def text(self) -> str:
        parts = {
            **self.fields,
            "currentTxnFirstOffset": optional_long(self.transaction_first_offset),
            "lastTimestamp": self.last_timestamp,
            **self.batch,
        }
        return " ".join(f"{name}: {value}" for name, value in parts.items())

    @property
    def data(self) -> Json:
        return {
            "kind": "producer",
            **self.fields,
            "currentTxnFirstOffset": self.transaction_first_offset,
            "lastTimestamp": self.last_timestamp,
            **self.batch,
        }


def compact_json(value: Any) -> str:
    """JSON as Kafka's tools print it: no spaces, no escapes but the needed."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def optional_long(value: int | None) -> str:
    """As Java prints an OptionalLong."""
    return "OptionalLong.empty" if value is None else f"OptionalLong[{value}]"


def timestamp_type(header: BatchHeader) -> str:
    """CreateTime or LogAppendTime."""
    return "CreateTime" if header.timestamp_type == CREATE_TIME else "LogAppendTime"


def codec_name(codec: int) -> str:
    """The codec's name, its number if there is none."""
    return Codec(codec).name.lower() if codec in tuple(Codec) else str(codec)


def _java(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _size(data: bytes | None) -> int:
    return -1 if data is None else len(data)
