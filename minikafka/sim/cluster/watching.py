"""Looks into every broker after each of its callbacks, and touches nothing.

This is the one place that knows where a broker keeps what checkers want to see. What it notices it
tells the truths; promises are thus checked when a node begins to believe in them.
"""

from typing import Final, NamedTuple

from minikafka.broker.broker import Broker
from minikafka.broker.quorum import QuorumHost
from minikafka.replication.partition import Partition
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka.sim.cluster.partition_truth import Key, PartitionTruth, partition_image
from minikafka.sim.cluster.verdict import Verdict
from minikafka.sim.node import BrokerNode
from minikafka.sim.process import Process

_HW: Final = "high watermarks"


class _Seen(NamedTuple):
    """What a partition looked like after the last callback."""

    high_watermark: int
    log_end_offset: int
    log_start_offset: int
    is_leader: bool
    leader_epoch: int


class _Life:
    """What was seen of one life of a node."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.metadata_end = 0
        self.metadata_start = 0
        self.committed = -1
        self.leads = False
        self.epoch = -1
        self.partitions: dict[Key, _Seen] = {}


class Watcher:
    """Set as the loop's `watch`."""

    def __init__(
        self,
        nodes: dict[int, BrokerNode],
        metadata: MetadataTruth,
        partitions: PartitionTruth,
        verdict: Verdict,
    ) -> None:
        self._nodes = {node.machine.name: (node_id, node) for node_id, node in nodes.items()}
        self._metadata = metadata
        self._partitions = partitions
        self._verdict = verdict
        self._lives: dict[int, _Life] = {}

    def __call__(self, process: Process) -> None:
        """A callback of a process is over."""
        found = self._nodes.get(process.machine.name)
        if found is None or process.dead:
            return
        node_id, node = found
        broker = node.broker
        if broker is None:
            return
        life = self._lives.get(node_id)
        if life is None or life.process is not process:
            life = self._lives[node_id] = _Life(process)
            self._metadata.began(node_id)
            self._partitions.began(node_id)
        quorum = quorum_of(broker)
        if quorum is not None:
            self._look_at_quorum(node_id, life, quorum)
        registered = quorum is None or is_registered(broker, quorum)
        for partition in partitions_of(broker):
            self._look_at(node_id, life, partition, registered=registered)

    def _look_at_quorum(self, node_id: int, life: _Life, quorum: QuorumHost) -> None:
        raft = quorum.node
        leads, epoch = raft.is_leader, raft.epoch
        if leads != life.leads or epoch != life.epoch:
            if leads:
                self._metadata.leads(node_id, epoch, quorum.log_end_offset)
                self._verdict.reach("quorum leader elected")
                self._verdict.tell(f"controller {node_id} leads the quorum in epoch {epoch}")
            elif life.leads:
                self._verdict.reach("quorum leader resigned or was deposed")
                self._verdict.tell(f"controller {node_id} does not lead the quorum any more")
            life.leads, life.epoch = leads, epoch
        if raft.high_watermark > life.committed:
            life.committed = raft.high_watermark
            self._metadata.committed(node_id, life.committed, epoch)
            if leads:
                self._metadata.leader_committed(epoch, life.committed)
        end = quorum.log_end_offset
        if end < life.metadata_end:
            self._verdict.reach("metadata log cut")
            self._verdict.tell(f"node {node_id} cuts its metadata log to {end}")
            if end < life.committed:
                sentence = f"node {node_id} cut committed metadata: {end}, below {life.committed}"
                self._verdict.violate("committed metadata never diverges", sentence)
        life.metadata_end = end

    def _look_at(
        self, node_id: int, life: _Life, partition: Partition, *, registered: bool
    ) -> None:
        log = partition.log
        now = _Seen(
            partition.high_watermark,
            log.log_end_offset,
            log.log_start_offset,
            partition.is_leader,
            partition.leader_epoch,
        )
        key = (partition.topic_id, partition.index)
        before = life.partitions.get(key)
        if now == before:
            return
        life.partitions[key] = now
        name = f"{partition.topic}-{partition.index}"
        if now.is_leader and (before is None or not before.is_leader or before[4] != now[4]):
            self._leads(node_id, key, name, now)
        if before is not None and now.log_end_offset < before.log_end_offset:
            self._partitions.cut(node_id, key, now.log_end_offset)
            self._verdict.reach("follower cut its log")
            sentence = f"node {node_id} cuts {name} from {before.log_end_offset} to"
            self._verdict.tell(f"{sentence} {now.log_end_offset}")
        if before is not None and now.log_start_offset > before.log_end_offset:
            self._verdict.reach("follower began behind the log's start")
        leads_anew = now.is_leader and before is not None and before[3:] != now[3:]
        if now.high_watermark > now.log_end_offset:
            sentence = f"node {node_id}: {name} {now.high_watermark}, end {now.log_end_offset}"
            self._verdict.violate(_HW, sentence + ": beyond the end of the log")
        elif before is not None and (
            now.high_watermark > before.high_watermark or (leads_anew and registered)
        ):
            # One that is restored from disk says nothing yet: what is below it may be older than
            # an unclean election, and is cut at the first fetch.
            epoch = now.leader_epoch
            self._partitions.committed(node_id, key, name, now.high_watermark, epoch)

    def _leads(self, node_id: int, key: Key, name: str, now: _Seen) -> None:
        self._partitions.leads(node_id, key, name, now.leader_epoch)
        if now.high_watermark < now.log_end_offset:
            self._verdict.reach("high watermark behind the epoch's start")
        image = partition_image(self._metadata.image, key)
        if image is not None and image.leader_epoch > now.leader_epoch:
            self._verdict.reach("a deposed leader did not know yet")


def quorum_of(broker: Broker) -> QuorumHost | None:
    """The part of the metadata quorum that a broker's process hosts, once it stands."""
    quorum = broker._quorum
    return quorum if quorum is not None and quorum._is_open and hasattr(quorum, "_node") else None


def is_registered(broker: Broker, quorum: QuorumHost) -> bool:
    """Whether this process knows of its own registration; nobody is let in before.

    Until then the metadata may still give it the roles of the process before, whose disk it may not
    have: an unclean registration takes them away.
    """
    lifecycle = broker._lifecycle
    return lifecycle is not None and 0 <= lifecycle.broker_epoch <= quorum.image.offset


def partitions_of(broker: Broker) -> list[Partition]:
    """The replicas that a broker hosts, once they are loaded."""
    local = broker._local
    replicas = None if local is None else local.replicas
    return [] if replicas is None else list(replicas)
