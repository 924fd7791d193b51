"""Committed records of partitions: the same on all replicas, for ever, and held by the ISR.

When a node moves its high watermark, the batches that it passes are read from that node's disk.
The first node to pass them fixes what they are; at that moment every member of the ISR has to hold
them. What Kafka may lose is marked as such when it becomes possible, never afterwards: see
`reliance`.
"""

from typing import Final, NamedTuple
from uuid import UUID

from minikafka.metadata.image import MetadataImage, PartitionImage
from minikafka.records.record import decode_records
from minikafka.sim.cluster.log_files import Batch, LogReader, holds, log_end
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka.sim.cluster.reliance import Reliance
from minikafka.sim.cluster.verdict import Verdict
from minikafka.sim.node import LOG_DIR, BrokerNode

Key = tuple[UUID, int]
"""(topic id, partition)"""

_AGREE: Final = "replicas agree below the high watermark"


class _Known(NamedTuple):
    """A committed batch; `at_risk` says that Kafka may lose it by now."""

    next_offset: int
    epoch: int
    crc: int
    values: tuple[tuple[int, bytes], ...]
    at_risk: bool


class CommittedLog:
    """One partition's: batches by their first offset, values by their own, and by leader epoch the
    largest high watermark that any node has had."""

    __slots__ = ("batches", "end_offset", "high_watermarks", "values", "was_at_risk")

    def __init__(self) -> None:
        self.batches: dict[int, _Known] = {}
        self.values: dict[int, bytes] = {}
        self.high_watermarks: dict[int, int] = {}
        self.end_offset = 0
        self.was_at_risk = False

    @property
    def safe_end(self) -> int:
        """Up to where nothing may be lost."""
        return max((k.next_offset for k in self.batches.values() if not k.at_risk), default=0)

    def put(self, batch: Batch, values: tuple[tuple[int, bytes], ...]) -> None:
        """Add a batch at the end, with (offset, value) of its records."""
        header = batch.header
        known = _Known(
            header.next_offset, header.partition_leader_epoch, header.crc, values, at_risk=False
        )
        self.batches[header.base_offset] = known
        self.values.update(values)
        self.end_offset = max(self.end_offset, known.next_offset)

    def at_risk(self, offset: int) -> list[tuple[int, bytes]]:
        """From this offset on everything may be lost; (offset, value) of what was safe before."""
        lost: list[tuple[int, bytes]] = []
        self.was_at_risk = True
        for base, known in self.batches.items():
            if known.next_offset > offset and not known.at_risk:
                self.batches[base] = known._replace(at_risk=True)
                lost.extend(known.values)
        return lost

    def forget(self, base_offset: int, next_offset: int) -> bool:
        """Make room for what is there now; False if something in its place may not be lost."""
        ending = [
            base
            for base, known in self.batches.items()
            if base < next_offset and known.next_offset > base_offset
        ]
        if not all(self.batches[base].at_risk for base in ending):
            return False
        for base in ending:
            for offset, _ in self.batches.pop(base).values:
                self.values.pop(offset, None)
        self.end_offset = max((k.next_offset for k in self.batches.values()), default=0)
        return True


class PartitionTruth:
    """All partitions. `lost` are records that Kafka may have lost by now, each at its offset: its
    producer may send the value again, and then it is safe at another."""

    def __init__(
        self,
        nodes: dict[int, BrokerNode],
        metadata: MetadataTruth,
        reliance: Reliance,
        verdict: Verdict,
    ) -> None:
        self.lost: set[tuple[Key, int, bytes]] = set()
        self.logs: dict[Key, CommittedLog] = {}
        self.leaders: dict[tuple[Key, int], int] = {}
        self._nodes = nodes
        self._metadata = metadata
        self._reliance = reliance
        self._verdict = verdict
        self._readers: dict[tuple[int, Key], LogReader] = {}

    def log(self, key: Key) -> CommittedLog:
        """What is committed of a partition."""
        return self.logs.setdefault(key, CommittedLog())

    def leads(self, node_id: int, key: Key, name: str, epoch: int) -> None:
        """A node believes that it leads a partition."""
        first = self.leaders.setdefault((key, epoch), node_id)
        if first != node_id:
            sentence = f"nodes {first} and {node_id} both lead epoch {epoch} of {name}"
            self._verdict.violate("one leader per epoch", sentence)
        reader = self._readers.get((node_id, key))
        if reader is not None:
            reader.rewind(0)  # all below its high watermark counts now, wherever it comes from

    def began(self, node_id: int) -> None:
        """A process begins: its logs are read anew."""
        for node_and_key in [found for found in self._readers if found[0] == node_id]:
            del self._readers[node_and_key]

    def cut(self, node_id: int, key: Key, log_end_offset: int) -> None:
        """A node has cut its log."""
        reader = self._readers.get((node_id, key))
        if reader is not None and reader.next_offset > log_end_offset:
            reader.rewind(log_end_offset)

    def committed(self, node_id: int, key: Key, name: str, high_watermark: int, epoch: int) -> None:
        """A node has moved its high watermark, in this leader epoch."""
        known = self.log(key).high_watermarks
        known[epoch] = max(known.get(epoch, 0), high_watermark)
        reader = self._readers.get((node_id, key))
        if reader is None:
            reader = LogReader(self._nodes[node_id].disk, f"{LOG_DIR}/{name}")
            self._readers[node_id, key] = reader
        for batch in reader.below(high_watermark):
            self._pass(node_id, key, name, batch, epoch)

    def _pass(self, node_id: int, key: Key, name: str, batch: Batch, epoch: int) -> None:
        header, log = batch.header, self.log(key)
        known = log.batches.get(header.base_offset)
        same = (header.next_offset, header.partition_leader_epoch, header.crc)
        if known is not None and (known.next_offset, known.epoch, known.crc) == same:
            return
        if name.startswith("__") and header.base_offset < log.end_offset:
            return  # compacted: judged by what coordinators answer
        if header.base_offset < log.end_offset and not log.forget(
            header.base_offset, header.next_offset
        ):
            sentence = (
                f"node {node_id} has committed another batch at {name} offset "
                f"{header.base_offset} (epoch {header.partition_leader_epoch}, "
                f"elsewhere {None if known is None else known.epoch})"
            )
            self._verdict.violate(_AGREE, sentence)
            return
        values = tuple(
            (record.offset, record.value or b"")
            for record in ([] if header.is_control else decode_records(batch.data))
        )
        self.lost.difference_update((key, *record) for record in values)
        log.put(batch, values)
        image = partition_image(self._metadata.image, key)
        if image is not None and image.leader_epoch > epoch and log.was_at_risk:
            # Behind an unclean election, by a leader that has not heard of it: lost from the start.
            lost = log.at_risk(header.base_offset)
            self.lost.update((key, *record) for record in lost)
        elif image is not None:
            self._require_holders(node_id, name, key, batch, image)

    def _require_holders(
        self, node_id: int, name: str, key: Key, batch: Batch, image: PartitionImage
    ) -> None:
        topic = self._metadata.image.topics_by_id[key[0]]
        configs = self._metadata.image.topic_configs(topic.name)
        durable = configs.get("flush.messages") == "1"
        for member in image.isr:
            if not durable and self._reliance.has_died(member):
                continue  # it may hold nothing, and is out of the ISR before it is back
            disk = self._nodes[member].disk
            if holds(disk, f"{LOG_DIR}/{name}", batch, surely=durable):
                continue
            sentence = (
                f"node {node_id} has committed {name} up to {batch.header.next_offset}, and "
                f"{member} of the ISR {image.isr} does not {'surely ' if durable else ''}hold it"
            )
            self._verdict.violate("the ISR holds what is committed", sentence)
        least = min(int(configs.get("min.insync.replicas", "1")), len(image.replicas))
        if 1 < least > len(image.isr) and not self.log(key).was_at_risk:
            self._require_company(name, batch, image)

    def _require_company(self, name: str, batch: Batch, image: PartitionImage) -> None:
        """The ISR is below its minimum: what is committed nevertheless was acknowledged by somebody
        before, who still has it unless it has lost its power. (Where all have, the survivor's high
        watermark speaks of records that the others had once.)

        (A minimum of one lets the last member commit alone, also when it is fenced a moment later
        and the ISR of this moment is empty.)
        """
        holders = [
            broker
            for broker in image.replicas
            if self._reliance.has_lost_power(broker)
            or holds(self._nodes[broker].disk, f"{LOG_DIR}/{name}", batch, surely=False)
        ]
        sentence = f"{name} offset {batch.header.base_offset}: {holders} of {image.replicas}"
        self._verdict.require(
            len(holders) > 1, "nobody commits alone below min.insync.replicas", sentence
        )

    def joined(self, key: Key, name: str, member: int) -> None:
        """The controller has taken a replica into the ISR."""
        if self._reliance.has_died(member):
            return
        safe_end, end = (
            self.log(key).safe_end,
            log_end(self._nodes[member].disk, f"{LOG_DIR}/{name}"),
        )
        sentence = f"{member} joins that of {name} with {end}, committed are {safe_end}"
        self._verdict.require(end >= safe_end, "the ISR holds what is committed", sentence)

    def put_at_risk(self, key: Key, offset: int) -> None:
        """From here on Kafka may lose the partition's records."""
        lost = self.log(key).at_risk(offset)
        if lost:
            self._verdict.reach("loss of power took committed records")
            self.lost.update((key, *record) for record in lost)


def partition_image(image: MetadataImage, key: Key) -> PartitionImage | None:
    """What an image says of a partition."""
    topic = image.topics_by_id.get(key[0])
    return None if topic is None else topic.partitions.get(key[1])
