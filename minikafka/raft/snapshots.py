"""Snapshots of the metadata log: `<20-digit end offset>-<10-digit epoch>.checkpoint` (KIP-630).

A snapshot says what all records below its end offset, the last of them of its epoch, add up to. It
is laid out as a log: a control batch with the header (and, where voters are records, kraft.version
and the voters), batches of metadata records with offsets that run on, a control batch with the
footer. A file without a footer is not a snapshot. Formatting leaves two files of this form:
`bootstrap.checkpoint`, the first metadata records of the cluster, and for dynamic voters the
snapshot of end offset 0 and epoch 0, which holds nothing but the voters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.records.raft.snapshot_footer_record import SnapshotFooterRecord
from minikafka.protocol.records.raft.snapshot_header_record import SnapshotHeaderRecord
from minikafka.protocol.records.raft.voters_record import VotersRecord
from minikafka.raft.control import (
    SNAPSHOT_FOOTER,
    SNAPSHOT_HEADER,
    decode_control,
    encode_control,
    kraft_version_record,
    kraft_voters_record,
    voters_of,
)
from minikafka.records.batch import has_valid_crc, walk
from minikafka.records.builder import build_batch
from minikafka.records.errors import CorruptRecordError
from minikafka.records.record import decode_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from minikafka.protocol.types import Buffer
    from minikafka.raft.control import ControlRecord
    from minikafka.raft.voters import VoterSet

BOOTSTRAP_FILE: Final = "bootstrap.checkpoint"
SUFFIX: Final = ".checkpoint"
_RECORDS_PER_BATCH = 1000


def snapshot_name(end_offset: int, epoch: int) -> str:
    return f"{end_offset:020d}-{epoch:010d}{SUFFIX}"


def parse_snapshot_name(name: str) -> tuple[int, int] | None:
    """(end offset, epoch) of such a file name; None for any other."""
    stem = name.removesuffix(SUFFIX)
    end_offset, dash, epoch = stem.partition("-")
    if stem == name or not dash or not (end_offset.isdecimal() and epoch.isdecimal()):
        return None
    return int(end_offset), int(epoch)


class Snapshot:
    """What a snapshot holds: encoded metadata records, and the voters if it tells them."""

    __slots__ = ("kraft_version", "last_contained_ms", "values", "voters")

    def __init__(
        self,
        values: Sequence[Buffer],
        *,
        last_contained_ms: int = 0,
        kraft_version: int = 0,
        voters: VoterSet | None = None,
    ) -> None:
        self.values = values
        self.last_contained_ms = last_contained_ms
        self.kraft_version = kraft_version
        self.voters = voters

    def encode(self, *, epoch: int, wall_ms: int) -> bytes:
        """The file's bytes; `epoch` stamps every batch."""
        opening: list[ControlRecord] = [
            (
                SNAPSHOT_HEADER,
                SnapshotHeaderRecord(last_contained_log_timestamp=self.last_contained_ms),
            )
        ]
        if self.voters is not None:
            opening += [kraft_version_record(self.kraft_version), kraft_voters_record(self.voters)]
        parts: list[Buffer] = [control_batch(opening, base_offset=0, epoch=epoch, wall_ms=wall_ms)]
        offset = len(opening)
        for start in range(0, len(self.values), _RECORDS_PER_BATCH):
            chunk = self.values[start : start + _RECORDS_PER_BATCH]
            parts.append(
                build_batch(
                    [(wall_ms, None, bytes(value), ()) for value in chunk],
                    base_offset=offset,
                    leader_epoch=epoch,
                )
            )
            offset += len(chunk)
        footer: ControlRecord = (SNAPSHOT_FOOTER, SnapshotFooterRecord())
        parts.append(control_batch([footer], base_offset=offset, epoch=epoch, wall_ms=wall_ms))
        return b"".join(parts)

    @classmethod
    def decode(cls, data: bytes) -> Snapshot:
        """Read such a file. ValueError when it is damaged or has no footer."""
        snapshot = cls([])
        values: list[Buffer] = []
        complete = False
        view = memoryview(data)
        try:
            for position, header in walk(data):
                batch = view[position : position + header.size_bytes]
                if not has_valid_crc(batch):
                    raise ValueError(f"batch at byte {position} does not fit its CRC")
                for record in decode_records(batch):
                    value = record.value or b""
                    if header.is_control:
                        control = decode_control(record.key or b"", value)
                        complete = snapshot._take(control) or complete
                    else:
                        values.append(value)
        except CorruptRecordError as error:
            raise ValueError(str(error)) from error
        if not complete:
            raise ValueError("the snapshot has no footer")
        snapshot.values = values
        return snapshot

    def _take(self, control: ControlRecord | None) -> bool:
        """Note what a control record says; whether it is the footer."""
        message = None if control is None else control[1]
        if isinstance(message, SnapshotHeaderRecord):
            self.last_contained_ms = message.last_contained_log_timestamp
        elif isinstance(message, KRaftVersionRecord):
            self.kraft_version = message.kraft_version
        elif isinstance(message, VotersRecord):
            self.voters = voters_of(message)
        return isinstance(message, SnapshotFooterRecord)


def control_batch(
    records: Iterable[ControlRecord], *, base_offset: int, epoch: int, wall_ms: int
) -> Buffer:
    """A batch of the quorum's own records."""
    return build_batch(
        [(wall_ms, *encode_control(record), ()) for record in records],
        base_offset=base_offset,
        leader_epoch=epoch,
        control=True,
    )
