"""Logs and metadata snapshots: their batches, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from minikafka.cli.dump_log.damage import Findings
from minikafka.cli.dump_log.decoders import Decoder, Shown
from minikafka.cli.dump_log.entries import (
    BatchEntry,
    Entry,
    Json,
    Note,
    RecordEntry,
    compact_json,
)
from minikafka.cli.dump_log.files import LogFile
from minikafka.protocol.codec import decode
from minikafka.protocol.errors import ProtocolError
from minikafka.protocol.json_form import to_json
from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.records.raft.leader_change_message import LeaderChangeMessage
from minikafka.protocol.records.raft.snapshot_footer_record import SnapshotFooterRecord
from minikafka.protocol.records.raft.snapshot_header_record import SnapshotHeaderRecord
from minikafka.protocol.records.raft.voters_record import VotersRecord
from minikafka.protocol.types import Message
from minikafka.raft.snapshots import parse_snapshot_name
from minikafka.records.batch import BatchHeader, has_valid_crc, walk
from minikafka.records.control import ControlType, decode_control_key, decode_end_transaction
from minikafka.records.errors import CorruptRecordError, MissingExtraError
from minikafka.records.record import Record, decode_records

_CONTROL_MESSAGES: Final[dict[int, tuple[str, type[Message]]]] = {
    ControlType.LEADER_CHANGE: ("LeaderChange:", LeaderChangeMessage),
    ControlType.SNAPSHOT_HEADER: ("SnapshotHeader", SnapshotHeaderRecord),
    ControlType.SNAPSHOT_FOOTER: ("SnapshotFooter", SnapshotFooterRecord),
    ControlType.KRAFT_VERSION: ("KRaftVersion", KRaftVersionRecord),
    ControlType.KRAFT_VOTERS: ("KRaftVoters", VotersRecord),
}


class SegmentDump:
    """How logs are to be printed; `decoder` implies contents, contents imply records."""

    def __init__(
        self,
        findings: Findings,
        *,
        with_records: bool,
        with_contents: bool,
        with_metadata: bool,
        decoder: Decoder | None,
        max_bytes: int | None,
    ) -> None:
        self._findings = findings
        self._with_contents = with_contents or decoder is not None
        self._with_records = with_records or self._with_contents
        self._with_metadata = with_metadata
        self._decoder = decoder
        self._max_bytes = max_bytes

    def entries(self, file: LogFile) -> Iterator[Entry]:
        """The file's title, batches and records, in order."""
        title = _title(file)
        if title is not None:
            yield title
        content = file.content
        size = len(content) if self._max_bytes is None else min(self._max_bytes, len(content))
        end, last_offset = 0, -1
        batches = walk(content)
        while (found := self._next(batches, file, end)) is not None:
            position, header = found
            if position + header.size_bytes > size:
                break
            batch = content[position : position + header.size_bytes]
            is_valid = has_valid_crc(batch)
            yield BatchEntry(position, header, is_valid)
            end = position + header.size_bytes
            where = f"offset {header.base_offset} at byte {position}"
            if not is_valid:
                self._findings.damage(file.path, where, "the batch does not fit its CRC")
            if self._with_records:
                for record in self._records(file, where, batch):
                    if record.offset != last_offset + 1:
                        self._findings.gap(file.path, last_offset, record.offset)
                    last_offset = record.offset
                    yield self._record(file, header, record)
        left = len(content) - end
        if left and self._max_bytes is None:
            text = f"Found {left} invalid bytes at the end of {file.name}"
            self._findings.damage(file.path, f"byte {end}", f"{left} bytes are no whole batch")
            yield Note(text, {"kind": "invalid bytes", "position": end, "size": left})

    def _next(
        self, batches: Iterator[tuple[int, BatchHeader]], file: LogFile, end: int
    ) -> tuple[int, BatchHeader] | None:
        try:
            return next(batches, None)
        except CorruptRecordError as error:
            self._findings.damage(file.path, f"byte {end}", error.message)
            return None

    def _records(self, file: LogFile, where: str, batch: memoryview) -> list[Record]:
        try:
            return decode_records(batch)
        except (CorruptRecordError, MissingExtraError) as error:
            self._findings.damage(file.path, where, error.message)
            return []

    def _record(self, file: LogFile, header: BatchHeader, record: Record) -> RecordEntry:
        control = key = payload = None
        decoded: Json | None = None
        try:
            if header.is_control:
                control = _control(record)
            elif self._decoder is not None:
                shown_key, shown_payload = self._decoder(record)
                key, payload = _as_text(shown_key), _as_text(shown_payload)
                decoded = {"key": shown_key, "payload": shown_payload}
            elif self._with_contents:
                key, payload = _java_text(record.key), _java_text(record.value)
        except (ProtocolError, CorruptRecordError) as error:
            self._findings.damage(file.path, f"offset {record.offset}", str(error))
        return RecordEntry(header, record, self._with_metadata, control, key, payload, decoded)


def _title(file: LogFile) -> Note | None:
    snapshot = parse_snapshot_name(file.name)
    if snapshot is not None:
        end_offset, epoch = snapshot
        return Note(
            f"Snapshot end offset: {end_offset}, epoch: {epoch}",
            {"kind": "snapshot", "endOffset": end_offset, "epoch": epoch},
        )
    if not file.name.endswith(".log"):
        return None  # bootstrap.checkpoint: its name tells nothing
    start = file.base_offset
    return Note(f"Log starting offset: {start}", {"kind": "log", "startOffset": start})


def _control(record: Record) -> tuple[str, Json | None]:
    """What a control record says: a title, and its fields if it is a message."""
    kind = decode_control_key(record.key)
    marker = decode_end_transaction(record.key, record.value)
    if marker is not None:
        word = "COMMIT" if marker.committed else "ABORT"
        return f"endTxnMarker: {word} coordinatorEpoch: {marker.coordinator_epoch}", None
    if kind not in _CONTROL_MESSAGES:
        return f"controlType: UNKNOWN({kind})", None
    title, cls = _CONTROL_MESSAGES[kind]
    version = int.from_bytes((record.value or b"")[:2], "big")
    return title, to_json(decode(cls, version, record.value or b"")[0], version)


def _as_text(shown: Shown) -> str | None:
    return compact_json(shown) if isinstance(shown, dict) else shown


def _java_text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
