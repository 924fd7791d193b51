"""Committed metadata: one leader for an epoch, one history for all nodes, durable on a majority.

What any node takes for committed is read from that node's disk and compared with what the first
node to say so had there. The history is replayed into an image of the checkers' own, which is the
cluster's truth about topics, leaders and ISRs.
"""

import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import MetadataImage
from minikafka.metadata.loader import MetadataLoader
from minikafka.protocol.metadata_records import decode_record
from minikafka.protocol.records.raft.kraft_version_record import KRaftVersionRecord
from minikafka.protocol.records.raft.voters_record import VotersRecord
from minikafka.raft.control import decode_control, voters_of
from minikafka.raft.snapshots import parse_snapshot_name
from minikafka.records.record import decode_records
from minikafka.sim.cluster.log_files import Batch, LogReader, holds
from minikafka.sim.cluster.verdict import Verdict
from minikafka.sim.inode import DirectoryNode
from minikafka.sim.node import LOG_DIR, BrokerNode

DIRECTORY: Final = f"{LOG_DIR}/__cluster_metadata-0"

Follow = Callable[[MetadataImage, MetadataDelta], None]


class _Known(NamedTuple):
    next_offset: int
    epoch: int
    checksum: int


class MetadataTruth:
    """`image` is what the committed records add up to, `end_offset` where they end.

    `before` is called ahead of each batch of them with the image as it was, `after` when it is
    replayed.
    """

    def __init__(self, nodes: dict[int, BrokerNode], voters: list[int], verdict: Verdict) -> None:
        self.image = MetadataImage()
        self.end_offset = 0
        self.leaders: dict[int, int] = {}
        self.before: list[Callable[[MetadataImage], None]] = []
        self.after: list[Follow] = []
        self._loader = MetadataLoader(self.image)
        self._nodes = nodes
        self._voters = voters
        self._verdict = verdict
        self._batches: dict[int, _Known] = {}
        # Where the committed records ended in the eyes of a node that was in that epoch.
        self._committed_in: dict[int, int] = {}
        self._readers: dict[int, LogReader] = {}

    def leads(self, node_id: int, epoch: int, log_end_offset: int) -> None:
        """A node believes that it leads an epoch of the quorum; its log ends there."""
        first = self.leaders.setdefault(epoch, node_id)
        if first != node_id:
            sentence = f"nodes {first} and {node_id} both lead epoch {epoch} of the quorum"
            self._verdict.violate("one leader per epoch", sentence)
        # Who was elected and slept over the answers may find itself leader after its successors.
        end = max((end for of, end in self._committed_in.items() if of < epoch), default=0)
        sentence = f"node {node_id} has {log_end_offset}, committed before epoch {epoch} are {end}"
        self._verdict.require(
            log_end_offset >= end, "who leads has all that is committed", sentence
        )

    def leader_committed(self, epoch: int, end_offset: int) -> None:
        """The leader of an epoch takes this for committed. What ends with an entry of a former
        epoch may still be overwritten, however many hold it (Raft §5.4.2)."""
        last = next(
            (k for k in reversed(self._batches.values()) if k.next_offset == end_offset), None
        )
        if last is not None and last.epoch != epoch:
            sentence = f"in epoch {epoch} up to {end_offset}, the last batch is of {last.epoch}"
            self._verdict.violate("a leader commits with an entry of its own", sentence)

    def began(self, node_id: int) -> None:
        """A process begins: its log is read anew."""
        self._readers[node_id] = LogReader(self._nodes[node_id].disk, DIRECTORY)

    def committed(self, node_id: int, end_offset: int, epoch: int) -> None:
        """A node, in an epoch of the quorum, takes everything below an offset for committed."""
        self._committed_in[epoch] = max(self._committed_in.get(epoch, 0), end_offset)
        reader = self._readers[node_id]
        for batch in reader.below(end_offset):
            header = batch.header
            found = _Known(
                header.next_offset, header.partition_leader_epoch, zlib.crc32(batch.data)
            )
            known = self._batches.get(header.base_offset)
            if known is None and header.base_offset == self.end_offset:
                self._commit(node_id, batch, found)
            elif known != found:
                sentence = (
                    f"node {node_id} has committed another batch at offset {header.base_offset} "
                    f"of the metadata log ({found}, elsewhere {known})"
                )
                self._verdict.violate("committed metadata never diverges", sentence)

    def broker_epoch(self, broker_id: int) -> int:
        """Of the broker's registration, -1 without one."""
        broker = self.image.brokers.get(broker_id)
        return -1 if broker is None else broker.epoch

    def _commit(self, node_id: int, batch: Batch, known: _Known) -> None:
        self._batches[batch.header.base_offset] = known
        self.end_offset = known.next_offset
        safe = [voter for voter in self._voters if self._surely_has(voter, batch)]
        if len(safe) * 2 <= len(self._voters):
            sentence = (
                f"node {node_id} says that offset {known.next_offset - 1} is committed, and a loss "
                f"of power leaves it on {safe} alone"
            )
            self._verdict.violate("committed metadata is durable", sentence)
        try:
            self._replay(batch)
        except AssertionError as error:
            sentence = f"node {node_id} has committed offset {known.next_offset - 1}: {error}"
            self._verdict.violate("what is committed fits what was committed before", sentence)

    def _surely_has(self, voter: int, batch: Batch) -> bool:
        disk = self._nodes[voter].disk
        if holds(disk, DIRECTORY, batch, surely=True):
            return True
        node = disk.names.find(DIRECTORY)
        names = list(node.names) if isinstance(node, DirectoryNode) else []
        snapshots = [found for name in names if (found := parse_snapshot_name(name)) is not None]
        return any(end > batch.header.base_offset for end, _ in snapshots)

    def _replay(self, batch: Batch) -> None:
        for call in self.before:
            call(self.image)
        header = batch.header
        place = {
            "last_offset": header.last_offset,
            "epoch": header.partition_leader_epoch,
            "wall_ms": header.max_timestamp,
        }
        delta = MetadataDelta()
        records = decode_records(batch.data)
        if header.is_control:
            version = None
            for record in records:
                control = decode_control(record.key or b"", record.value or b"")
                message = None if control is None else control[1]
                if isinstance(message, KRaftVersionRecord):
                    version = message.kraft_version
                elif isinstance(message, VotersRecord):
                    self._voters = list(voters_of(message).ids)
            self._loader.pass_control_batch(**place, kraft_version=version)
        else:
            decoded = [decode_record(record.value or b"")[0] for record in records]
            self._loader.replay_batch(decoded, **place, delta=delta)
        for follow in self.after:
            follow(self.image, delta)
