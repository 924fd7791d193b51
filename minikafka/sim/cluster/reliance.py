"""On whom a partition relies, and from when on Kafka may lose what it has committed.

A broker that ended uncleanly (kill, loss of power, a failed disk) is not believed to hold anything
any more: its next registration takes it out of ISR and ELR (KIP-966), even if it lost nothing.
While one member of ISR or ELR has not died since it registered, nothing may be lost. When all have,
the last known leader takes over whatever is left on its disk: that is all for those that were
killed, and what was flushed for those that lost their power.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from minikafka.metadata.image import PartitionImage
from minikafka.sim.cluster.log_files import log_end, sure_end
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka.sim.node import LOG_DIR, BrokerNode

if TYPE_CHECKING:
    from minikafka.sim.cluster.partition_truth import Key


class Reliance:
    """Which brokers have died since their registration. `at_risk(key, offset)` is told of
    partitions whose records from an offset on may be lost."""

    def __init__(self, nodes: dict[int, BrokerNode], metadata: MetadataTruth) -> None:
        self.at_risk: Callable[[Key, int], None] = _nobody
        self._nodes = nodes
        self._metadata = metadata
        self._died: dict[int, int] = {}  # by broker: the epoch in which it did
        self._lost_power: dict[int, int] = {}
        self._sure: dict[tuple[int, Key], int] = {}

    def has_died(self, broker_id: int) -> bool:
        """Whether it ended uncleanly and has not registered since."""
        return self._died.get(broker_id) == self._metadata.broker_epoch(broker_id)

    def has_lost_power(self, broker_id: int) -> bool:
        """Whether it ended so, and has not registered since."""
        return self._lost_power.get(broker_id) == self._metadata.broker_epoch(broker_id)

    def power_fails(self, broker_id: int) -> None:
        """Ahead of a loss of power: what it cannot take. Recovery may drop more than the power
        took, so what is left afterwards says too much."""
        disk = self._nodes[broker_id].disk
        for topic, index, partition in self._metadata.image.partitions():
            if broker_id in partition.replicas:
                directory = f"{LOG_DIR}/{topic.name}-{index}"
                self._sure[broker_id, (topic.topic_id, index)] = sure_end(disk, directory)

    def crashed(self, broker_id: int, power: bool) -> None:
        """A process has ended uncleanly; the disk is as the next start will find it."""
        epoch = self._metadata.broker_epoch(broker_id)
        self._died[broker_id] = epoch
        if power:
            self._lost_power[broker_id] = epoch
        for topic, index, partition in self._metadata.image.partitions():
            if broker_id in (*partition.isr, *partition.elr, *partition.last_known_elr):
                self.judge((topic.topic_id, index), partition)

    def judge(self, key: "Key", partition: PartitionImage) -> None:
        """Somebody has died, or the partition relies on others than before: perhaps on nobody but
        the dead, while the controller does not know yet that they are."""
        members = dict.fromkeys((*partition.isr, *partition.elr, *partition.last_known_elr))
        if not all(self.has_died(member) for member in members):
            return
        dark = [m for m in members if self._lost_power.get(m) == self._died[m]]
        if dark:
            self.at_risk(key, min(self._sure.get((member, key), 0) for member in dark))

    def taken_over(self, key: "Key", name: str, leader: int) -> None:
        """An unclean election: what the new leader does not hold may be lost."""
        self.at_risk(key, log_end(self._nodes[leader].disk, f"{LOG_DIR}/{name}"))


def _nobody(key: "Key", offset: int) -> None:
    """Nobody has asked."""
