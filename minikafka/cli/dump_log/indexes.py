"""The files beside a `.log`: indexes compared with it, aborted transactions, producers, epochs."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

from minikafka.cli.dump_log.damage import Findings
from minikafka.cli.dump_log.entries import Entry, Note, ProducerRow, Row
from minikafka.cli.dump_log.files import LogFile
from minikafka.log.checkpoints import decode_leader_epochs
from minikafka.log.indexes import OFFSET_ENTRY_BYTES, TIME_ENTRY_BYTES
from minikafka.log.producer_snapshots import decode_snapshot
from minikafka.log.producer_state import ProducerState
from minikafka.log.transaction_index import decode_aborted
from minikafka.records.batch import NO_TIMESTAMP, BatchHeader, walk
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import decode_records

_OFFSET_ENTRY = Struct(">ii")
_TIME_ENTRY = Struct(">qi")


class IndexDump:
    """How indexes are to be printed: entries, only what is wrong with them, or only a check."""

    def __init__(self, findings: Findings, *, sanity_only: bool, verify_only: bool) -> None:
        self._findings = findings
        self._sanity_only = sanity_only
        self._verify_only = verify_only

    def offset_index(self, file: LogFile) -> Iterator[Entry]:
        """`.index`: each entry, compared with the batch at its position."""
        base, log = file.base_offset, file.beside(".log")
        entries = _whole_entries(file, _OFFSET_ENTRY)
        if not entries:
            yield _said(file, "is empty")
            return
        if self._sanity_only:
            yield from self._sanity(file, OFFSET_ENTRY_BYTES, "Index", entries[-1][0] >= 0)
            return
        for number, (relative, position) in enumerate(entries):
            offset = base + relative
            if number and not relative:
                return  # the zeros of an index that was never trimmed
            found = _first_batch(log, position)
            if found is None or found[1].last_offset != offset:
                last = -1 if found is None else found[1].last_offset
                self._findings.index_mismatch(file.path, offset, last)
            if not self._verify_only:
                yield Row("index entry", {"offset": offset, "position": position})

    def time_index(self, file: LogFile) -> Iterator[Entry]:
        """`.timeindex`: each entry, compared with the batch that ends with its offset."""
        base, log = file.base_offset, file.beside(".log")
        entries = _whole_entries(file, _TIME_ENTRY)
        if self._sanity_only:
            sound = not entries or (entries[-1][0] >= entries[0][0] and entries[-1][1] >= 0)
            yield from self._sanity(file, TIME_ENTRY_BYTES, "Time index", sound)
            return
        positions = _whole_entries(file.beside(".index"), _OFFSET_ENTRY)
        before = NO_TIMESTAMP
        for number, (timestamp, relative) in enumerate(entries):
            if number and not relative:
                return
            self._compare_time(file, log, positions, timestamp, base + relative, before)
            if not self._verify_only:
                fields = {"timestamp": timestamp, "offset": base + relative}
                yield Row("time index entry", fields)
            before = timestamp

    def _compare_time(
        self,
        file: LogFile,
        log: LogFile,
        positions: list[tuple[int, int]],
        timestamp: int,
        offset: int,
        before: int,
    ) -> None:
        relative = offset - file.base_offset
        start = max((at for each, at in positions if each <= relative), default=0)
        found = _batch_reaching(log, start, offset)
        if found is None:
            self._findings.offset_not_found(file.path, offset, -1)
            return
        position, header = found
        if header.last_offset != offset:
            self._findings.offset_not_found(file.path, offset, header.last_offset)
        largest = _largest_timestamp(log, position, header)
        if largest != timestamp:
            self._findings.time_mismatch(file.path, timestamp, largest)
        if before >= timestamp:
            self._findings.time_disorder(file.path, timestamp, before)

    def _sanity(self, file: LogFile, entry_bytes: int, what: str, sound: bool) -> Iterator[Entry]:
        """The check that decides in Kafka whether a starting broker makes the index anew."""
        size = len(file.content)
        if size % entry_bytes:
            self._findings.damage(
                file.path, what, f"its {size} bytes are no multiple of {entry_bytes}"
            )
        elif not sound:
            self._findings.damage(file.path, what, "its last entry lies before its first")
        else:
            yield _said(file, "passed sanity check")


def aborted_transactions(file: LogFile, findings: Findings) -> Iterator[Entry]:
    """`.txnindex`."""
    try:
        for each in decode_aborted(bytes(file.content)):
            fields = {
                "version": 0,
                "producerId": each.producer_id,
                "firstOffset": each.first_offset,
                "lastOffset": each.last_offset,
                "lastStableOffset": each.last_stable_offset,
            }
            yield Row("aborted transaction", fields)
    except ValueError as error:
        findings.damage(file.path, "transaction index", str(error))


def producers(file: LogFile, findings: Findings) -> Iterator[Entry]:
    """`.snapshot`."""
    try:
        states = decode_snapshot(bytes(file.content))
    except ValueError as error:
        findings.damage(file.path, "producer snapshot", str(error))
        return
    for state in states:
        yield _producer(state)


def leader_epochs(file: LogFile, findings: Findings) -> Iterator[Entry]:
    """`leader-epoch-checkpoint`."""
    try:
        for epoch, start_offset in decode_leader_epochs(bytes(file.content)):
            yield Row("leader epoch", {"epoch": epoch, "startOffset": start_offset})
    except ValueError as error:
        findings.damage(file.path, "checkpoint", str(error))


def _producer(state: ProducerState) -> ProducerRow:
    first = state.transaction_first_offset
    batch = {}
    if state.batches:
        last = state.batches[-1]
        batch = {
            "firstSequence": last.first_sequence,
            "lastSequence": last.last_sequence,
            "lastOffset": last.last_offset,
            "offsetDelta": last.offset_delta,
            "timestamp": last.timestamp,
        }
    identity = {
        "producerId": state.producer_id,
        "producerEpoch": state.epoch,
        "coordinatorEpoch": state.coordinator_epoch,
    }
    return ProducerRow(identity, None if first < 0 else first, state.last_timestamp, batch)


def _whole_entries(file: LogFile, entry: Struct) -> list[tuple[int, int]]:
    content = file.content
    whole = len(content) - len(content) % entry.size
    return list(entry.iter_unpack(content[:whole]))


def _said(file: LogFile, what: str) -> Note:
    return Note(f"{file.path} {what}.", {"kind": "index", "says": what})


def _first_batch(log: LogFile, position: int) -> tuple[int, BatchHeader] | None:
    try:
        return next(walk(log.content, position), None) if position >= 0 else None
    except CorruptRecordError:
        return None  # told as a mismatch; the log's own dump tells what is there


def _batch_reaching(log: LogFile, start: int, offset: int) -> tuple[int, BatchHeader] | None:
    try:
        for position, header in walk(log.content, start):
            if header.last_offset >= offset:
                return position, header
    except CorruptRecordError:
        pass  # as above
    return None


def _largest_timestamp(log: LogFile, position: int, header: BatchHeader) -> int:
    batch = log.content[position : position + header.size_bytes]
    try:
        stamps = [record.timestamp for record in decode_records(batch)]
    except CorruptRecordError:
        return NO_TIMESTAMP  # as above
    return max(stamps, default=NO_TIMESTAMP)
