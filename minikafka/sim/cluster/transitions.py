"""What the committed metadata says has happened: counted, and elections judged."""

from minikafka.metadata.delta import MetadataDelta
from minikafka.metadata.image import NO_LEADER, MetadataImage, PartitionImage
from minikafka.sim.cluster.metadata_truth import MetadataTruth
from minikafka.sim.cluster.partition_truth import PartitionTruth
from minikafka.sim.cluster.reliance import Reliance
from minikafka.sim.cluster.verdict import Verdict

_Name = tuple[str, int]

_FROM_THE_ISR = "leaders come from the ISR"


class Transitions:
    """Compares the image before and after each committed batch."""

    def __init__(
        self,
        metadata: MetadataTruth,
        partitions: PartitionTruth,
        reliance: Reliance,
        verdict: Verdict,
    ) -> None:
        self._truth = partitions
        self._reliance = reliance
        self._verdict = verdict
        self._partitions: dict[_Name, PartitionImage] = {}
        self._fenced: dict[int, tuple[int, bool, bool]] = {}
        metadata.after.append(self._replayed)

    def _replayed(self, image: MetadataImage, delta: MetadataDelta) -> None:
        for name in sorted(delta.deleted_topics):
            self._verdict.reach("topic deleted")
            for key in [key for key in self._partitions if key[0] == name]:
                del self._partitions[key]
        for place in sorted(delta.changed_partitions):
            after = image.partition(*place)
            before = self._partitions.get(place)
            if after is not None:
                self._partitions[place] = after
                if before is not None and before is not after:
                    self._changed(image, place, before, after)
        for broker_id in sorted(delta.changed_brokers):
            self._broker_changed(image, broker_id)

    def _broker_changed(self, image: MetadataImage, broker_id: int) -> None:
        broker = image.brokers.get(broker_id)
        if broker is None:
            return
        now = (broker.epoch, broker.fenced, broker.in_controlled_shutdown)
        before = self._fenced.get(broker_id)
        self._fenced[broker_id] = now
        if before is None or before[1] != now[1]:
            self._verdict.tell(f"broker {broker_id} is {'fenced' if now[1] else 'unfenced'}")
        if before is None:
            return
        if before[0] != now[0] and not before[2]:
            self._verdict.reach("broker registered again after an unclean end")
        if before[0] == now[0] and now[1] and not before[1]:
            self._verdict.reach("broker fenced")
        if now[2] and not before[2]:
            self._verdict.reach("controlled shutdown")
            self._verdict.tell(f"broker {broker_id} is about to stop")

    def _changed(
        self, image: MetadataImage, name: _Name, before: PartitionImage, after: PartitionImage
    ) -> None:
        reach = self._verdict.reach
        self._verdict.tell(f"{name[0]}-{name[1]}: {_difference(before, after)}")
        self._reliance.judge((image.topics[name[0]].topic_id, name[1]), after)
        if len(after.isr) < len(before.isr):
            reach("ISR shrunk")
        elif len(after.isr) > len(before.isr):
            reach("ISR expanded")
        if after.elr:
            reach("eligible leader replica kept")
        ends = before.is_reassigning and not after.is_reassigning
        if ends:
            given_up = set(before.adding_replicas) - set(after.replicas)
            reach("reassignment cancelled" if given_up else "reassignment completed")
        # The report that ends a reassignment says who is in sync, and its leader may go with it.
        reported = ends and before.leader != NO_LEADER and after.leader in after.isr
        if after.leader != NO_LEADER and (after.leader == before.leader or reported):
            self._joined(image, name, set(after.isr) - set(before.isr))
        if after.leader != NO_LEADER and after.leader not in after.isr:
            sentence = f"{after.leader} leads {name[0]}-{name[1]}, the ISR is {after.isr}"
            self._verdict.violate(_FROM_THE_ISR, sentence)
        if after.leader == before.leader:
            return
        if after.leader == NO_LEADER:
            reach("partition without a leader")
            return
        reach("coordinator moved" if name[0].startswith("__") else "partition leader moved")
        if after.leader == after.replicas[0] and before.leader in after.isr:
            reach("preferred leader elected")
        if after.leader in before.elr:
            reach("eligible leader replica elected")
        if after.leader not in (*before.isr, *before.elr) and not reported:
            self._elected_from_outside(image, name, before, after)

    def _joined(self, image: MetadataImage, name: _Name, members: set[int]) -> None:
        key = (image.topics[name[0]].topic_id, name[1])
        for member in sorted(members):
            self._truth.joined(key, f"{name[0]}-{name[1]}", member)

    def _elected_from_outside(
        self, image: MetadataImage, name: _Name, before: PartitionImage, after: PartitionImage
    ) -> None:
        """Who leads was in neither ISR nor ELR."""
        may = image.topic_configs(name[0]).get("unclean.leader.election.enable") == "true"
        last_known = after.leader in before.last_known_elr and not (before.isr or after.elr)
        key = (image.topics[name[0]].topic_id, name[1])
        if may:
            self._verdict.reach("unclean election")
            self._reliance.taken_over(key, f"{name[0]}-{name[1]}", after.leader)
        elif last_known:
            self._verdict.reach("last known leader elected")
        else:
            sentence = f"{after.leader} leads {name[0]}-{name[1]}, it was not in {before}"
            self._verdict.violate(_FROM_THE_ISR, sentence)


def _difference(before: PartitionImage, after: PartitionImage) -> str:
    parts = []
    if after.leader != before.leader:
        leader = "no leader" if after.leader == NO_LEADER else f"leader {after.leader}"
        parts.append(f"{leader} in epoch {after.leader_epoch}")
    for name, old, new in (
        ("replicas", before.replicas, after.replicas),
        ("ISR", before.isr, after.isr),
        ("ELR", before.elr, after.elr),
        ("last known leader", before.last_known_elr, after.last_known_elr),
    ):
        if sorted(old) != sorted(new):
            parts.append(f"{name} {_ids(old)} → {_ids(new)}")
    return ", ".join(parts) or f"partition epoch {after.partition_epoch}"


def _ids(brokers: list[int]) -> str:
    return "{" + " ".join(map(str, sorted(brokers))) + "}"
