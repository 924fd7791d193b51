"""`__cluster_metadata-0` read batch by batch, with its newest snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from minikafka.log.checkpoints import PARTITION_METADATA, encode_partition_metadata
from minikafka.log.partition_log import PartitionLog
from minikafka.metadata.topic_names import METADATA_TOPIC
from minikafka.protocol.metadata_records import decode_record
from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.records.raft.voters_record import VotersRecord
from minikafka.raft.control import decode_control, voters_of
from minikafka.raft.snapshots import Snapshot, parse_snapshot_name, snapshot_name
from minikafka.records.batch import walk
from minikafka.records.record import decode_records
from minikafka.settings.topic import TopicSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from minikafka.metadata.replay import MetadataRecord
    from minikafka.protocol.types import Buffer
    from minikafka.raft.voters import VoterSet
    from minikafka.records.batch import BatchHeader
    from minikafka.runtime.disk import Disk
    from minikafka.settings.broker import BrokerSettings

METADATA_TOPIC_ID = UUID(int=1)
_READ_BYTES = 1 << 20


class MetadataBatch:
    """One batch: metadata records, or what the quorum's own records in it say.

    `records` is None for a control batch; `kraft_version` and `voters` are what it has set.
    """

    __slots__ = ("epoch", "kraft_version", "last_offset", "records", "voters", "wall_ms")

    def __init__(
        self,
        records: list[MetadataRecord] | None,
        *,
        last_offset: int,
        epoch: int,
        wall_ms: int,
        kraft_version: int | None = None,
        voters: VoterSet | None = None,
    ) -> None:
        self.records = records
        self.last_offset = last_offset
        self.epoch = epoch
        self.wall_ms = wall_ms
        self.kraft_version = kraft_version
        self.voters = voters


def open_metadata_log(
    settings: BrokerSettings, disk: Disk, directory: str, wall_ms: int
) -> PartitionLog:
    """The log of the metadata topic, made if it is not there; always checked from its start."""
    disk.mkdir(directory, parents=True)
    identity = f"{directory}/{PARTITION_METADATA}"
    if not disk.exists(identity):
        disk.replace(identity, encode_partition_metadata(METADATA_TOPIC_ID))
    return PartitionLog.open(
        disk,
        directory,
        topic=METADATA_TOPIC,
        partition=0,
        settings=TopicSettings.for_metadata_log(settings),
        wall_ms=wall_ms,
        clean=False,
        producer_expiration_ms=settings.producer_id_expiration_ms,
    )


def read_batches(log: PartitionLog, offset: int) -> Iterator[MetadataBatch]:
    """Every batch from the one that begins at `offset` to the log's present end."""
    end_offset = log.log_end_offset
    while offset < end_offset:
        found = log.read(offset, _READ_BYTES, max_offset=end_offset, min_one_batch=True)
        assert found.region is not None, "the log has no holes"
        try:
            data = found.region.read(0, found.size)
        finally:
            found.region.release()
        for batch in decode_batches(data):
            yield batch
            offset = batch.last_offset + 1


def decode_batches(data: Buffer) -> Iterator[MetadataBatch]:
    """The whole batches that `data` begins with."""
    view = memoryview(data)
    for position, header in walk(data):
        yield _decode(header, view[position : position + header.size_bytes])


def newest_snapshot(disk: Disk, directory: str) -> tuple[int, int, Snapshot] | None:
    """(end offset, epoch, content) of the newest readable snapshot; None if there is none."""
    names = [parse_snapshot_name(name) for name in disk.listdir(directory)]
    for end_offset, epoch in sorted((found for found in names if found), reverse=True):
        path = f"{directory}/{snapshot_name(end_offset, epoch)}"
        try:
            return end_offset, epoch, Snapshot.decode(disk.read_bytes(path))
        except ValueError:
            # Half written when the node died; the one before it and the log say the same.
            continue
    return None


def _decode(header: BatchHeader, batch: memoryview) -> MetadataBatch:
    decoded = decode_records(batch)
    if not header.is_control:
        records = [decode_record(record.value or b"")[0] for record in decoded]
        return MetadataBatch(
            records,
            last_offset=header.last_offset,
            epoch=header.partition_leader_epoch,
            wall_ms=header.max_timestamp,
        )
    read = MetadataBatch(
        None,
        last_offset=header.last_offset,
        epoch=header.partition_leader_epoch,
        wall_ms=header.max_timestamp,
    )
    for record in decoded:
        control = decode_control(record.key or b"", record.value or b"")
        message = None if control is None else control[1]
        if isinstance(message, KRaftVersionRecord):
            read.kraft_version = message.kraft_version
        elif isinstance(message, VotersRecord):
            read.voters = voters_of(message)
    return read
